"""The table of commands, and how a typed line finds its row.

Every word may be shortened as long as one row remains.  A line that fits none
is refused with a mark under the word that is wrong.  A word in capitals stands for any
word, which its function gets.
"""

from .refused import Refused

# What is typed|what is called, with (app, json, names …), and gives strings (and what ask.py says)|help
# Text, of which a row is made when it is looked at: fifty rows would be 12 KB of heap.  In pieces, because a heap that
# has been used for long may have no room for 2 KB at once.
_TABLE = (
    """\
capture|capture.show|the last packets, decoded; the first time it only begins to keep them
capture COUNT|capture.show|so many of the last packets
capture off|capture.off|keep no packets any more
clock ask|clock.ask|ask the time servers now
commit|configure.commit|serve by the edited configuration: the board starts again with it
commit confirm|configure.confirm|keep the configuration that is on trial
commit confirmed MINUTES|configure.commit_confirmed|the same, and back again unless you confirm
configure load|configure.load|paste a whole dhcpd.conf, ending with Ctrl-D
configure list|configure.listed|the edited configuration, lines numbered
""",
    """\
configure insert LINE|configure.insert|paste lines before this one, ending with Ctrl-D
configure delete LINE|configure.delete|take a line out
configure delete LINE LINE|configure.delete|take lines out, first to last
configure check|configure.check|read the edited configuration, and say what is wrong with it
configure diff|configure.diff|what differs between what is served and what is edited
configure discard|configure.discard|forget what was edited
factory-reset|admin.factory_reset|forget configuration and leases: asks first
""",
    """\
failover keep NAME|failover.keep|do not take over from the partner by yourself
failover partner-down NAME|failover.ask_partner_down|what it means to take over from the partner
failover partner-down NAME yes|failover.partner_down|the partner is off: take over
failover pause NAME|failover.pause|stop serving; the partner goes on
failover resume NAME|failover.resume|serve again after a pause
failover resync NAME|failover.resync|ask the partner for all that it knows
help|complete.everything|this list
lock|lock.lock|from now on only who knows the password may use this console
""",
    """\
log follow|log.follow|lines of the log as they come, until a key is pressed
log level debug|log.debug|log everything, and a line for each packet
log level error|log.error|log only errors
log level info|log.info|log everything but packets, as after a start
log level warning|log.warning|log errors and warnings
password|lock.change|set, change or remove the password of this console
ping IP|ping.ping|does a host answer? Four questions; any key ends it
reboot|admin.reboot|start again; leases are in flash
""",
    """\
release IP|leases.release|end a lease, as if its client had
repl|admin.repl|MicroPython's prompt instead of the service: asks first
reserve IP|leases.reserve|the host declaration that gives a client this address for good
rollback|configure.rollback|edit the configuration that was served before
rollback N|configure.rollback|the one served before that; 1 is the latest
setup|setup.run|questions, and a configuration made of the answers
""",
    """\
show clock|clock.show|what time it is, and how we know
show config|configure.show|the configuration that is served
show failover|failover.show|this server and its partner: states, link, pools
show flash|show.flash|programs and erases since start, room in the journal
show interfaces|show.interfaces|addresses, cables, packets
show leases|leases.show|every address that has been leased
show leases WHICH|leases.show|those with this address, hardware address, state or name
show log|log.show|the boot's lines, the last ones, and the last requests
show memory|show.memory|heap, after a collection
show pools|leases.pools|how many addresses of each pool are in which state
show version|show.version|this firmware and what it runs on
terminal length ROWS|admin.length|rows of your terminal; 0: answers are not paged
unlock|lock.unlock|use a locked console; asks for the password
why WHICH|why.why|what became of the requests of this address, hardware address or name, and why
""",
)

_WITH_JSON = ("show", "why", "capture", "ping")


def table():
    """Each row: words, module, function, help."""
    for piece in _TABLE:
        at = 0
        while at < len(piece):
            end = piece.index("\n", at)
            words, called, text = piece[at:end].split("|")
            module, function = called.split(".")
            yield words.split(), module, function, text
            at = end + 1


def answer(text, app):
    """Return an iterator over the answer to a line; raises Refused."""
    from . import call

    called = find(text)
    return call(app, *called) if called else iter(())


def find(text):
    """What a line calls: (module, function, json, the names in it), None if it is empty; raises Refused."""
    words = text.split()
    if not words:
        return None
    if text == "banner":  # not for people to type
        return "show", "banner", False, ()
    json = len(words) > 1 and words[-1] == "json"
    rows = table()
    for n, word in enumerate(words[:-1] if json else words):
        rows = _narrow(rows, n, word, text)
    done = [row for row in rows if len(row[0]) == len(words) - json]
    if len(done) != 1:
        _refuse(text, len(text) + 1, "one word more", choices(rows, len(words) - json))
    expected, module, function, _ = done[0]
    if json and expected[0] not in _WITH_JSON:
        _refuse(text, column(text, len(words) - 1), "unknown word", ())
    return module, function, json, [words[n] for n in range(len(expected)) if expected[n].isupper()]


def while_locked(text):
    """What a locked console answers: only one command; raises Refused."""
    if "unlock".startswith(text.strip()):
        return "unlock"
    raise Refused("this console is locked: type unlock")


def near(rows, n, word):
    """The rows whose nth word this can be; those where it is spelt out, if there are any."""
    found = [row for row in rows if len(row[0]) > n and (row[0][n].isupper() or row[0][n].startswith(word))]
    return [row for row in found if row[0][n] == word] or found


def choices(rows, n):
    """The spellings of the nth word."""
    found = []
    for row in rows:
        if len(row[0]) > n and row[0][n] not in found:
            found.append(row[0][n])
    return found


def _narrow(rows, n, word, text):
    """Return the rows whose nth word this can be: all that share one spelling."""
    found = near(rows, n, word)
    spellings = [word for word in choices(found, n) if not word.isupper()] or choices(found, n)
    if len(spellings) == 1:
        return [row for row in found if row[0][n] == spellings[0]]
    what = "which one" if spellings else "unknown word"
    return _refuse(text, column(text, n), what, spellings or choices(rows if n else table(), n))


def column(text, n):
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


def _refuse(text, column, what, words):
    advice = ": " + ", ".join(words) if words else ": nothing may follow here"
    raise Refused("%s\n%s^ %s%s" % (text, " " * column, what, advice))
