"""The table of commands, and how a typed line finds its row.

Every word may be shortened as long as one row remains.  A line that fits none
is refused with a mark under the word that is wrong.  NAME in a row stands for any
word, which its function gets.
"""

from . import show

Refused = show.Refused


def _help(app, json):
    for words, _, text in TABLE:
        yield "%-30s  %s\n" % (" ".join(words), text)
    yield "Words may be shortened. Add json to a show command for one line that programs can read.\n"


def _failover(name):
    """A command of failover.py, which is loaded when one is typed."""

    def run(*told):
        from . import failover

        return getattr(failover, name)(*told)

    return run


NAME = "NAME"

# words, function(app, json, names …) -> iterator of strings, help
TABLE = (
    (("help",), _help, "this list"),
    (("failover", "partner-down", NAME), _failover("ask_partner_down"), "what it means to take over from the partner"),
    (
        ("failover", "partner-down", NAME, "yes"),
        _failover("partner_down"),
        "the partner is off: take over",
    ),
    (("failover", "keep", NAME), _failover("keep"), "do not take over from the partner by yourself"),
    (("failover", "pause", NAME), _failover("pause"), "stop serving; the partner goes on"),
    (("failover", "resume", NAME), _failover("resume"), "serve again after a pause"),
    (("failover", "resync", NAME), _failover("resync"), "ask the partner for all that it knows"),
    (("show", "clock"), show.clock, "what time it is, and how we know"),
    (("show", "failover"), _failover("show"), "this server and its partner: states, link, pools"),
    (("show", "flash"), show.flash, "programs and erases since start, room in the journal"),
    (("show", "leases"), show.leases, "every address that has been leased"),
    (("show", "memory"), show.memory, "heap, after a collection"),
    (("show", "pools"), show.pools, "how many addresses of each pool are in which state"),
    (("show", "version"), show.version, "this firmware and what it runs on"),
)


def answer(text, app):
    """Return an iterator over the strings of a line's answer; raises Refused."""
    words = text.split()
    if not words:
        return iter(())
    json = len(words) > 1 and words[-1] == "json"
    rows = TABLE
    for n, word in enumerate(words[:-1] if json else words):
        rows = _narrow(rows, n, word, text)
    done = [row for row in rows if len(row[0]) == len(words) - json]
    if len(done) != 1:
        _refuse(text, len(text) + 1, "one word more", _choices(rows, len(words) - json))
    expected, function, _ = done[0]
    return function(app, json, *[words[n] for n in range(len(expected)) if expected[n] == NAME])


def _narrow(rows, n, word, text):
    """Return the rows whose nth word this can be: all that share one spelling."""
    near = [row for row in rows if len(row[0]) > n and (row[0][n] == NAME or row[0][n].startswith(word))]
    exact = [row for row in near if row[0][n] == word]
    near = exact or near
    spellings = _choices(near, n)
    if len(spellings) == 1:
        return near
    what = "unknown word" if not spellings else "which one"
    return _refuse(text, _column(text, n), what, spellings or _choices(rows, n))


def _choices(rows, n):
    found = []
    for row in rows:
        if len(row[0]) > n and row[0][n] not in found:
            found.append(row[0][n])
    return found


def _refuse(text, column, what, choices):
    advice = ": " + ", ".join(choices) if choices else ": nothing may follow here"
    raise Refused("%s\n%s^ %s%s" % (text, " " * column, what, advice))


def _column(text, n):
    """Where the nth word of the line starts."""
    at = 0
    while True:
        while text[at] == " ":
            at += 1
        if n == 0:
            return at
        n -= 1
        while text[at] != " ":
            at += 1
