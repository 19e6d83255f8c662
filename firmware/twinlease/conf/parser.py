"""dhcpd.conf, from tokens to the model: blocks, and the statements with a shape of their own.

A statement is looked up by its first word: in HANDLERS below, then among the
parameters of statements.py, then among what is refused by name.  A handler reads
the rest of its statement and enters it in the model; `place` says which block it
stands in.  A Fault ends the statement, is recorded, and reading goes on behind it.

What takes more than one statement to see (overlaps, addresses used twice) is in
check.py, which reads the lists of (object, where) that are kept here meanwhile.
"""

from . import check, clients, networks, settings, statements
from .lexer import END, WORD
from .model import Config
from .options import OptionNames
from .place import PLACES, Place
from .problems import ConfError, Fault, Problem, Report, TooMany, nearest
from .reader import Reader, as_text

MAX_BLOCKS = 10  # nested; a board's C stack is small
MAX_INCLUDES = 8
MAX_TEXT = 1 << 20  # octets, included files and all


class Parser(Reader):
    def __init__(self, report, read_file):
        Reader.__init__(self, report)
        self.read_file = read_file
        self.config = Config()
        self.names = OptionNames()
        self.config.spaces = self.names.spaces
        self.size = 0
        self.groups = {}
        self.classes = {}
        self.host_names = {}
        # For check.py: what was said where
        self.ranges = []  # (Range, where)
        self.subnets = []  # (Subnet, where)
        self.facility_at = None  # where log-facility stands
        self.bad_subnets = []  # (Problem, net, mask, [(first, last)])
        self.hosts = []  # (Host, where)
        self.routers = []  # (octets of option routers, where)
        self.scopes = []  # (Scope, where), of blocks that set lease times
        self.peers = []  # (FailoverPeer, where)
        self.referred = []  # FailoverPeers that a pool names; to inherit one is not enough for ISC dhcpd

    def file(self, text, name, place):
        """Read a whole file into the block."""
        self.size += len(text)
        if self.size > MAX_TEXT:
            message = "the configuration is larger than %d octets" % MAX_TEXT
            raise Fault((name, 1, 1), message, "split it among several servers")
        self.open(text, name)
        while self.kind != END:
            if self.kind == "}":
                self.report.error(
                    self.where(), "a '}' that closes nothing", "remove it, or look for a '{' that is missing above"
                )
                self.step()
            else:
                self.one(self.statement, place)
        self.close()

    def one(self, read, place):
        """One statement, read by `read(place)`; if it cannot be read, say so and skip it."""
        try:
            read(place)
        except Fault as fault:
            if self.kind == END:
                if self.ended:
                    return
                self.ended = True
            self.report.error(fault.where, fault.message, fault.advice)
            self.skip(fault.depth)

    def block(self, place, what, where, read=None):
        """{ statements }"""
        if self.kind != "{":
            self.fail("expected '{', found %s" % self.shown(), "the %s's statements stand in { }" % what)
        if place.depth > MAX_BLOCKS:
            raise Fault(where, "blocks are nested too deeply", "at most %d levels" % MAX_BLOCKS)
        self.step()
        while not self.take("}"):
            if self.kind == END:
                self.fail("the file ends within the %s of line %d" % (what, where[1]), "write the '}' that closes it")
            self.one(read or self.statement, place)
            if self.kind == END and self.ended:
                return

    def statement(self, place):
        if self.kind != WORD:
            if self.kind == ";":
                self.fail("a ';' with nothing before it", "remove it")
            self.fail("expected a statement, found %s" % self.shown())
        where = self.where()
        word = self.val.lower()
        handler = HANDLERS.get(word)
        if handler:
            if place.letter not in handler[0]:
                self._misplaced(word, handler[0], place)
            self.step()
            handler[1](self, place, where)
            return
        parameter = statements.find_parameter(word)
        if parameter:
            self.step()
            statements.read_parameter(self, place.scope, word, where, parameter[0], parameter[1])
            if word.endswith("-lease-time") and (not self.scopes or self.scopes[-1][0] is not place.scope):
                self.scopes.append((place.scope, where))
            return
        advice = statements.REFUSED.get(word)
        if advice:
            self.fail("not supported by Twinlease: %s" % word, advice)
        words = list(HANDLERS)
        words.extend(statements.parameter_names())
        words.extend(statements.REFUSED)
        near = nearest(word, words)
        self.fail("unknown statement '%s'" % self.val, "did you mean %s?" % near if near else "see dhcpd.conf(5)")

    def _misplaced(self, word, letters, place):
        good = [PLACES[c] for c in letters if c != "i"]
        where = "not within %s" % PLACES[place.letter] if len(good) > 4 else "only in: " + ", ".join(good)
        self.fail("%s does not belong %s" % (word, "here"), "it may stand " + where)

    # Names of options, for this file and formula.py

    def option_words(self):
        """NAME or SPACE.NAME: (space, name)."""
        where = self.where()
        name = self.word("the name of an option")
        if self.kind != ".":
            return "", name
        self.step()
        if name == "server":
            raise Fault(where, "not supported by Twinlease: option server.%s" % self.val, "write the statement itself")
        if name == "dhcp":
            return "", self.word("the name of an option")
        if name not in self.names.spaces:
            near = nearest(name, list(self.names.spaces))
            advice = "did you mean %s?" % near if near else "declare it first: option space %s;" % name
            raise Fault(where, "no option space is named %s" % name, advice)
        return name, self.word("the name of an option")

    def option_name(self):
        """OptionDef of the option that is named here."""
        where = self.where()
        space, name = self.option_words()
        definition = self.names.find(space, name)
        if definition is None:
            self.unknown_option(where, space, name)
        return definition

    def unknown_option(self, where, space, name):
        near = nearest(name.lower(), self.names.names(space))
        advice = "define it first, at the top level: option %s code N = TYPE;" % name
        if near:
            advice = "did you mean %s? Otherwise %s" % (near, advice)
        raise Fault(where, "unknown option %s" % (space + "." + name if space else name), advice)

    def container_of(self, space):
        """Which option of a packet holds the sub-options of the space; None if that is not known."""
        for code in sorted(self.config.encapsulated):
            if self.config.encapsulated[code] == space:
                return code
        if space == "nwip":
            return 63
        return None if space in ("fqdn", "vendor", "vendor-class", "isc") else 43

    def include(self, place, where):
        at = self.where()
        name = as_text(self.string("a file's name"))
        self.semicolon()
        if self.read_file is None:
            raise Fault(where, "files cannot be included here", "put its text in this file")
        if len(self.lexers) > MAX_INCLUDES:
            raise Fault(where, "files include each other too deeply", "at most %d levels" % MAX_INCLUDES)
        try:
            text = self.read_file(name)
        except (OSError, ValueError, KeyError):
            raise Fault(at, "%s cannot be read" % name, "check its name, and that it was copied to the board")
        self.file(as_octets(text, name), name, place)


def as_octets(text, name):
    """The text as octets, whichever of str and bytes it is."""
    try:
        return text.encode() if isinstance(text, str) else bytes(memoryview(text))
    except (UnicodeError, TypeError):
        raise Fault((name, 1, 1), "the file is not UTF-8", "save it as plain text")


def _failover(p, place, where):
    from . import failover  # 12 KB of heap, that only a file with failover pays

    failover.read(p, place, where)


def _ntp(p, place, where):
    from . import ntp

    ntp.read(p, place, where)


def _syslog(p, place, where):
    from . import syslog

    syslog.read(p, place, where)


# word: (letters of the places where it may stand, what reads it)
HANDLERS = {"include": ("gnsprhc", Parser.include), "failover": ("gnp", _failover), "ntp": ("g", _ntp)}
HANDLERS["syslog"] = ("g", _syslog)
for _room in (networks, clients, settings):
    HANDLERS.update(_room.HANDLERS)


def load(text, name="dhcpd.conf", read_file=None):
    """Read and check a configuration; returns a Config.

    text       str or bytes (bytes saves a copy)
    name       what problems call the file
    read_file  read_file(name) -> str or bytes, for `include`; OSError if it cannot be read

    Raises ConfError with everything that is wrong, and nothing else.  Warnings of a
    good file are in Config.problems.
    """
    report = Report()
    parser = Parser(report, read_file)
    try:
        place = Place("g", parser.config.scope)
        parser.file(as_octets(text, name), name, place)
        check.finish(parser)
    except Fault as fault:
        report.problems.append(_problem(fault))
        report.errors += 1
    except TooMany:
        check.name_bad_subnets(parser)
    except RuntimeError:  # MicroPython's stack; MAX_BLOCKS and MAX_DEPTH should not let it come to that
        report.problems.append(_problem(Fault((name, 1, 1), "the configuration is nested too deeply")))
        report.errors += 1
    except MemoryError:
        raise ConfError([_problem(Fault((name, 1, 1), "the configuration is too large for this board's memory"))])
    if report.errors:
        raise ConfError(report.in_order())
    parser.config.problems = report.in_order()
    return parser.config


def _problem(fault):
    return Problem("error", fault.where, fault.message, fault.advice)
