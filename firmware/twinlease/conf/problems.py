"""What is wrong with a configuration, and how it is said.

A Problem has a severity ("error" or "warning"), the place (file, line, column,
counted from 1), what is wrong, and what to write instead.  ConfError carries all
problems that were found, errors first to last as they stand in the file.

Fault is how the room's own code leaves a statement that it cannot read; the
parser catches it, records a Problem and goes on behind the statement.  It never
leaves the room.  TooMany ends the reading early.
"""

MAX_ERRORS = 20  # nobody reads more, and each costs heap on a board
MAX_WARNINGS = 50


class Problem:
    def __init__(self, severity, where, message, advice=""):
        self.severity = severity
        self.file, self.line, self.column = where
        self.message = message
        self.advice = advice

    def __str__(self):
        text = "%s:%d:%d: %s: %s" % (self.file, self.line, self.column, self.severity, self.message)
        if self.advice:
            text += "\n    " + self.advice
        return text


class ConfError(Exception):
    """The configuration cannot be used; `.problems` says why."""

    def __init__(self, problems):
        self.problems = problems
        super().__init__("\n".join([str(p) for p in problems]))


class Fault(Exception):
    """A statement cannot be read: (where, message, advice).  Stays within this room."""

    depth = 0  # how many { of its own the statement has open

    def __init__(self, where, message, advice=""):
        super().__init__(message)
        self.where = where
        self.message = message
        self.advice = advice


class TooMany(Exception):
    """MAX_ERRORS errors: enough.  Stays within this room."""


class Report:
    """Collects problems while a configuration is read."""

    def __init__(self):
        self.problems = []
        self.errors = 0
        self.warnings = 0

    def error(self, where, message, advice=""):
        problem = Problem("error", where, message, advice)
        self.problems.append(problem)
        self.errors += 1
        if self.errors >= MAX_ERRORS:
            raise TooMany()
        return problem

    def warn(self, where, message, advice=""):
        self.warnings += 1
        if self.warnings < MAX_WARNINGS:
            self.problems.append(Problem("warning", where, message, advice))
        elif self.warnings == MAX_WARNINGS:
            self.problems.append(Problem("warning", where, "more warnings follow; they are not shown"))

    def in_order(self):
        """The problems as they stand in the file; MicroPython's sort is not stable, hence the index."""
        keys = [(p.file, p.line, p.column, i) for i, p in enumerate(self.problems)]
        return [self.problems[key[3]] for key in sorted(keys)]


def nearest(word, words):
    """The one of `words` most like `word`, or None if none is near: for 'did you mean'."""
    best = None
    limit = 1 + len(word) // 4
    for other in words:
        if abs(len(other) - len(word)) <= limit:
            far = _distance(word, other, limit)
            if far <= limit and (best is None or (far, other) < best):
                best = (far, other)
    return best[1] if best else None


def _distance(a, b, limit):
    """Edits that turn `a` into `b`; something above `limit` if they are many."""
    row = list(range(len(b) + 1))
    for i in range(len(a)):
        before = row[0]
        row[0] = i + 1
        for j in range(len(b)):
            cost = before if a[i] == b[j] else 1 + min(before, row[j], row[j + 1])
            before = row[j + 1]
            row[j + 1] = cost
        if min(row) > limit:
            return limit + 1
    return row[-1]
