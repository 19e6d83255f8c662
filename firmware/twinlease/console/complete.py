"""Help while a line is being typed: what may come next.

    more, listed = look(text, wants_help)

`text` is the line before the cursor; `more` what can only follow (Tab types it), `listed` the
choices as lines of text, empty if there is nothing to choose from.
"""

from . import commands


def look(text, wants_help):
    """What may follow."""
    words = text.split()
    begun = words.pop() if words and not text.endswith(" ") else ""
    rows = commands.table()
    for n, word in enumerate(words):
        rows = commands.near(rows, n, word)
        if len([word for word in commands.choices(rows, n) if not word.isupper()]) > 1:
            rows = ()
    n = len(words)
    rows = [row for row in rows if len(row[0]) <= n or row[0][n].isupper() or row[0][n].startswith(begun)]
    if wants_help:
        return "", _helped(rows, n, begun)
    found = commands.choices(rows, n)
    spelt = [word for word in found if not word.isupper()]
    if spelt != found:
        return "", _helped(rows, n, begun)  # a name: nobody can type it for you
    if len(found) == 1:
        return found[0][len(begun) :] + " ", ()
    common = _common(found)
    return (common[len(begun) :], ()) if len(common) > len(begun) else ("", ("  ".join(found), "\n") if found else ())


def everything(app, json):
    """The whole table."""
    for words, _, _, text in commands.table():
        yield "%-38s %s\n" % (" ".join(words), text)
    yield "Words may be shortened; Tab completes them, ? says what may follow.\n"
    yield "Add json to a show command for one line that programs can read.\n"


def _helped(rows, n, begun):
    """One line for each word that can stand here."""
    for word in commands.choices(rows, n):
        those = [row for row in rows if len(row[0]) > n and row[0][n] == word]
        last = [row for row in those if len(row[0]) == n + 1]
        text = (last or those)[0][3] if len(those) == 1 or last else ", ".join(commands.choices(those, n + 1)) + " ..."
        yield "  %-14s %s\n" % (word, text)
    if not begun and any(len(row[0]) == n for row in rows) and n:
        yield "  %-14s %s\n" % ("Enter", next(row[3] for row in rows if len(row[0]) == n))


def _common(words):
    """What all of them begin with."""
    first, n = words[0] if words else "", 0
    while n < len(first) and all(word[: n + 1] == first[: n + 1] for word in words):
        n += 1
    return first[:n]
