"""The one kind of error that people see."""


class UserError(Exception):
    """Something the user can mend: what is wrong, and the next command to type.

    `code` is the exit status: 2 for "could not be done", 1 for "done, and the answer is no".
    """

    def __init__(self, message: str, hint: str = "", code: int = 2) -> None:
        super().__init__(message)
        self.hint = hint
        self.code = code
