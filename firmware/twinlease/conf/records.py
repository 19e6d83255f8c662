"""What a board keeps of its configuration while it serves: objects as the image holds them, with what the server calls.

The parser's classes (model.py) are heirs of these.
"""


class Record:
    """An object of the model: has the attributes that the image gives it."""


class Scope(Record):
    def param(self, name, default=None):
        """Value of the parameter here or in the nearest scope above that has it."""
        scope = self
        while scope:
            if name in scope.params:
                return scope.params[name]
            scope = scope.parent
        return default


class Space(Record):
    def encode(self, options):
        """Octets of {code: bytes} in ascending order of code."""
        out = b""
        for code in sorted(options):
            value = options[code]
            out += code.to_bytes(self.code_width, "big")
            if self.length_width:
                out += len(value).to_bytes(self.length_width, "big")
            out += value
        return out
