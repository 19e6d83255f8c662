"""dhcpd.conf, from tokens to the model: blocks, and the statements with a shape of their own.

A statement is looked up by its first word: in HANDLERS below, then among the
parameters of statements.py, then among what is refused by name.  A handler reads
the rest of its statement and enters it in the model; `place` says which block it
stands in.  A Fault ends the statement, is recorded, and reading goes on behind it.

What takes more than one statement to see (overlaps, addresses used twice) is in
check.py, which reads the lists of (object, where) that are kept here meanwhile.
"""

from . import check, failover, formula, statements
from .lexer import END, NUMBER, STRING, WORD
from .model import (
    Class,
    Config,
    Host,
    Network,
    OptionDef,
    Permit,
    Pool,
    Range,
    Scope,
    Space,
    Subnet,
    dotted,
    number,
)
from .options import OptionNames, read_format, read_value
from .problems import ConfError, Fault, Report, TooMany, nearest
from .reader import Reader

MAX_BLOCKS = 10  # nested; a board's C stack is small
MAX_INCLUDES = 8
MAX_TEXT = 1 << 20  # octets, included files and all
MAX_CHAIN = 64  # if, elsif, ...

_PLACES = {
    "g": "at the top level",
    "n": "shared-network",
    "s": "subnet",
    "p": "pool",
    "r": "group",
    "h": "host",
    "c": "class",
    "i": "if",
}

_HARDWARE = {"ethernet": 1, "token-ring": 6, "fddi": 8, "infiniband": 32}


class Place:
    """The block that a statement stands in; `letter` is a key of _PLACES."""

    def __init__(self, letter, scope, outer=None):
        self.letter = letter
        self.scope = scope
        self.depth = outer.depth + 1 if outer else 0
        self.network = outer.network if outer else None
        self.subnet = outer.subnet if outer else None
        self.bad = outer.bad if outer else None  # a list: the subnet is wrong, its ranges only help to say how
        self.pool = self.host = self.cls = self.subclass = None


class Parser(Reader):
    def __init__(self, report, read_file):
        Reader.__init__(self, report)
        self.read_file = read_file
        self.config = Config()
        self.names = OptionNames()
        self.config.spaces = self.names.spaces
        self.size = 0
        self.groups = {}
        self.host_names = {}
        # For check.py: what was said where
        self.ranges = []  # (Range, where)
        self.subnets = []  # (Subnet, where)
        self.bad_subnets = []  # (Problem, net, mask, [(first, last)])
        self.hosts = []  # (Host, where)
        self.routers = []  # (octets of option routers, where)
        self.scopes = []  # (Scope, where), of blocks that set lease times
        self.peers = []  # (FailoverPeer, where)

    def file(self, text, name, place):
        """Read a whole file into the block."""
        self.size += len(text)
        if self.size > MAX_TEXT:
            self.fail("the configuration is larger than %d octets" % MAX_TEXT, "split it among several servers")
        self.open(text, name)
        while self.kind != END:
            if self.kind == "}":
                self.report.error(self.where(), "a '}' that closes nothing", "remove it, or look for a '{' that is missing above")
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
            self.skip()

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
            if word.endswith("-lease-time"):
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
        good = [_PLACES[c] for c in letters if c != "i"]
        where = "not within %s" % _PLACES[place.letter] if len(good) > 4 else "only in: " + ", ".join(good)
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

    # Networks

    def shared_network(self, place, where):
        if self.kind == STRING:
            name = _as_text(self.string("a name"))
        else:
            name = self.name("a name for the shared network")
        if not name:
            self.report.error(where, "a shared network without a name", 'write shared-network "name" {')
        network = Network(name, Scope(place.scope, "shared-network"), 0)
        self.config.networks.append(network)
        inner = Place("n", network.scope, place)
        inner.network = network
        before = len(self.subnets) + len(self.bad_subnets)
        self.block(inner, "shared-network", where)
        if len(self.subnets) + len(self.bad_subnets) == before:
            self.report.error(where, "a shared network without a subnet", "write subnet NET netmask MASK { } in it")

    def subnet(self, place, where):
        at = self.where()
        net = self.address("a network's address")
        self.expect_word("netmask", "as in: subnet 192.0.2.0 netmask 255.255.255.0 {")
        mask = self.address("a netmask")
        network = place.network
        if network is None:
            network = Network("", Scope(place.scope, "shared-network"), 0)
            self.config.networks.append(network)
        outer = place.scope if place.network else network.scope
        subnet = Subnet(net, mask, network, Scope(outer, "subnet"))
        inner = Place("s", subnet.scope, place)
        inner.network = network
        inner.subnet = subnet
        network.name = network.name or str(subnet)
        if subnet.bits < 0 or not subnet.holds(net):
            inner.bad = []
            self.bad_subnets.append((self.report.error(at, "", ""), net, mask, inner.bad))
        else:
            network.subnets.append(subnet)
            self.subnets.append((subnet, at))
        self.block(inner, "subnet", where)

    def interface(self, place, where):
        self.text("the name of an interface")
        self.semicolon()
        self.warn(where, "interface: a board serves on the one interface that it has", "remove it")

    def pool(self, place, where):
        pool = self._new_pool(place)
        pool.peer = place.network.peer
        inner = Place("p", pool.scope, place)
        inner.pool = pool
        self.block(inner, "pool", where)
        if not pool.size:
            self.report.error(where, "a pool without a range", "write range FIRST LAST; in it")

    def _new_pool(self, place):
        pool = Pool(place.network, Scope(place.scope, "pool"))
        self.config.pools.append(pool)
        place.network.pools.append(pool)
        return pool

    def range(self, place, where):
        dynamic = self.take_word("dynamic-bootp")
        at = self.where()
        first = self.address("the first address")
        last = first if self.kind == ";" else self.address("the last address")
        self.semicolon()
        if number(first) > number(last):
            first, last = last, first
            self.warn(at, "the range runs backwards", "write range %s %s;" % (dotted(first), dotted(last)))
        if place.pool:
            place.pool.size += 1  # for the check that it has a range; check.py puts the true size
        if place.bad is not None:
            place.bad.append((first, last))
            return
        subnet = place.subnet or self._subnet_with(place.network, first)
        if subnet is None:
            self.report.error(
                at,
                "%s is in no subnet of shared-network %s" % (dotted(first), place.network.name),
                "declare its subnet before the pool",
            )
            return
        if not subnet.holds(first) or not subnet.holds(last):
            check.range_outside(self, at, first, last, subnet)
            return
        pool = place.pool or self._implicit_pool(place, dynamic)
        row = Range(first, last, pool, subnet, bool(dynamic))
        pool.ranges.append(row)
        self.ranges.append((row, at))

    def _subnet_with(self, network, address):
        best = None
        for subnet in network.subnets:
            if subnet.holds(address) and (best is None or subnet.bits > best.bits):
                best = subnet
        return best

    def _implicit_pool(self, place, dynamic):
        """A range outside of any pool: for BOOTP clients only if it says so, as in ISC dhcpd."""
        kind = "all-clients" if dynamic else "dynamic-bootp-clients"
        for pool in place.network.pools:
            permits = pool.permit if dynamic else pool.deny
            if pool.scope.parent is place.scope and pool.scope.kind == "implicit" and permits:
                return pool
        pool = self._new_pool(place)
        pool.scope.kind = "implicit"  # until check.py is done
        (pool.permit if dynamic else pool.deny).append(Permit(kind))
        return pool

    # allow, deny, ignore

    def allow(self, place, where):
        self._switch(place, "allow")

    def deny(self, place, where):
        self._switch(place, "deny")

    def ignore(self, place, where):
        self._switch(place, "ignore")

    def _switch(self, place, verb):
        if place.letter == "p" and verb != "ignore":
            permit = self._permit()
            self.semicolon()
            if permit:
                (place.pool.permit if verb == "allow" else place.pool.deny).append(permit)
            return
        where = self.where()
        word = self.word("what to %s" % verb).lower()
        fate = statements.SWITCHES.get(word)
        if fate is None:
            advice = "here it is one of: " + ", ".join(sorted(statements.SWITCHES))
            if word in ("known", "unknown", "dynamic", "members", "all", "after", "known-clients"):
                advice = "that belongs in a pool; " + advice
            raise Fault(where, "%s %s means nothing here" % (verb, word), advice)
        self.semicolon()
        if fate == "no" and verb == "allow":
            self.report.error(where, "not supported by Twinlease: %s %s" % (verb, word), "remove it")
        elif fate == "dns" and verb == "allow":
            self.warn(where, "%s: %s" % (word, statements.WHY[fate][0]), statements.WHY[fate][1])
        place.scope.put_param("allow-" + word, verb)
        if word == "unknown-clients":
            place.scope.put_param("boot-unknown-clients", verb == "allow")

    def _permit(self):
        """Which clients: a Permit, or None if that was refused."""
        where = self.where()
        word = self.word("which clients").lower()
        if word in ("known-clients", "unknown-clients"):
            return Permit(word)
        if word == "after":
            return Permit("after", None, self.date())
        if word == "members":
            self.expect_word("of", 'as in: members of "class"')
            at = self.where()
            name = _as_text(self.string("a class's name"))
            if not self.config.class_named(name):
                self.report.error(at, 'no class is named "%s"' % name, "declare the class before the pool")
            return Permit(word, name)
        if word in ("authenticated", "unauthenticated"):
            self.expect_word("clients")
            self.report.error(where, "not supported by Twinlease: %s clients" % word, "clients are never authenticated; remove it")
            return None
        kind = _PERMITS.get(word)
        if kind is None:
            raise Fault(
                where,
                "'%s' is no kind of clients" % word,
                'write known-clients, unknown-clients, all clients, dynamic bootp clients, members of "class" or after DATE',
            )
        if word == "dynamic":
            self.expect_word("bootp")
        self.expect_word("clients")
        return Permit(kind)

    # Hosts, groups, classes

    def host_block(self, place, where):
        name = self.name("a name for the host")
        if name in self.host_names:
            self.report.error(where, "host %s is declared twice" % name, "the first stands in line %d" % self.host_names[name])
        self.host_names[name] = where[1]
        host = Host(name, Scope(place.scope, "host"))
        inner = Place("h", host.scope, place)
        inner.host = host
        self.config.hosts.append(host)
        self.hosts.append((host, where))
        self.block(inner, "host", where)

    def hardware(self, place, where):
        at = self.where()
        word = self.word("a kind of hardware").lower()
        kind = _HARDWARE.get(word)
        if kind is None and word.startswith("unknown-") and word[8:].isdigit() and len(word) < 12:
            kind = int(word[8:])
        if kind is None or kind > 255:
            raise Fault(at, "unknown kind of hardware '%s'" % word, "write hardware ethernet 00:00:5e:00:53:01;")
        at = self.where()
        address = self.octets("a hardware address", 16)
        self.semicolon()
        if kind == 1 and len(address) != 6:
            self.warn(at, "an ethernet address of %d octets" % len(address), "it has 6, as in 00:00:5e:00:53:01")
        if place.host.hardware:
            self.report.error(where, "the host has a hardware address already", "declare another host")
        place.host.hardware = (kind, address)

    def fixed_address(self, place, where):
        addresses = [self.address()]
        while self.take(","):
            addresses.append(self.address())
        self.semicolon()
        if place.host.addresses:
            self.report.error(where, "the host has a fixed-address already", "list them all: fixed-address A, B;")
        place.host.addresses = addresses

    def uid(self, place, where):
        value = self.string_or_octets("a client identifier")
        self.semicolon()
        if place.host.client_id:
            self.report.error(where, "the host has a client identifier already", "declare another host")
        place.host.client_id = value

    def group(self, place, where):
        name = None
        if self.kind in (WORD, STRING, NUMBER):
            name = _as_text(self.text("a name")) if self.kind != NUMBER else self.name("a name")
        if place.letter == "h":
            if name not in self.groups:
                self.report.error(where, "no group is named %s" % name, "declare it before: group %s { }" % name)
            else:
                place.scope.parent = self.groups[name]
            self.semicolon()
            return
        scope = Scope(place.scope, "group")
        if name:
            self.groups[name] = scope
        inner = Place("r", scope, place)
        self.block(inner, "group", where)

    def class_block(self, place, where):
        name = _as_text(self.string("a class's name"))
        cls = self.config.class_named(name)
        if cls is None:
            cls = Class(name, Scope(place.scope, "class"))
            self.config.classes.append(cls)
        inner = Place("c", cls.scope, place)
        inner.cls = cls
        self.block(inner, "class", where)

    def subclass(self, place, where):
        at = self.where()
        name = _as_text(self.string("a class's name"))
        cls = self.config.class_named(name)
        if cls is None:
            raise Fault(at, 'no class is named "%s"' % name, 'declare it before: class "%s" { match ...; }' % name)
        key = self.string_or_octets("the value that selects the subclass")
        scope = cls.subclasses.get(key) or Scope(cls.scope, "subclass")
        cls.put_subclass(key, scope)
        if self.take(";"):
            return
        inner = Place("c", scope, place)
        inner.cls = inner.subclass = cls
        self.block(inner, "subclass", where)

    def match(self, place, where):
        cls = place.cls
        if place.subclass:
            raise Fault(where, "a subclass has no match of its own", "write it in the class")
        test = self.take_word("if")
        if (cls.match if test else cls.submatch) is not None:
            raise Fault(where, "the class has such a match already", "join conditions with 'and' and 'or'")
        if test:
            cls.match = formula.boolean(self)
        else:
            cls.submatch = formula.data(self)
        self.semicolon()

    def lease(self, place, where):
        if not self.take_word("limit"):
            raise Fault(where, "not supported by Twinlease: lease", statements.REFUSED["lease"])
        limit = self.integer(0, 65535, "the limit")
        self.semicolon()
        if place.subclass:
            place.scope.put_param("lease-limit", limit)
        else:
            place.cls.lease_limit = limit

    # Options

    def option(self, place, where):
        if self.take_word("space"):
            self._option_space(place, where)
            return
        at = self.where()
        space, name = self.option_words()
        definition = self.names.find(space, name)
        if self.take_word("code"):
            self._define_option(place, where, space, name)
            return
        if definition is None:
            self.unknown_option(at, space, name)
        if self.take("="):
            value = formula.data(self)
            if value.op is formula.ex.constant and value.a is not None:
                value = value.a
        else:
            value = read_value(self, definition.format)
        self.semicolon()
        self._put_option(place, at, definition, value)

    def _put_option(self, place, where, definition, value):
        space = definition.space
        code = definition.code
        if space == "agent" or (code == 82 and not space):
            self.report.error(where, "not supported by Twinlease: setting relay agent information", "relay agents set it; remove it")
        elif space == "fqdn":
            self.warn(where, "option fqdn: %s" % statements.WHY["dns"][0], statements.WHY["dns"][1])
        elif not space and code == 61 and place.host:
            place.host.client_id = _constant(self, where, value)
        elif not space and code == 54:
            value = _constant(self, where, value)
            if len(value) == 4:
                place.scope.put_param("server-identifier", value)
        elif not space and code in (50, 51, 52, 53):
            advice = "write default-lease-time" if code == 51 else "remove it"
            self.warn(where, "the server sets option %s itself: this does nothing" % definition.name, advice)
        else:
            place.scope.put_option(space, code, value)
            if not space:
                self.config.option_defs[code] = definition
            elif space == "nwip":
                self.config.encapsulated[63] = space
            if code == 3 and not space and isinstance(value, bytes):
                self.routers.append((value, where))

    def _define_option(self, place, where, space, name):
        if place.letter != "g":
            raise Fault(where, "options are defined at the top level only", "move it out of the { }")
        at = self.where()
        top = 254
        if space:
            top = (1 << (8 * self.names.spaces[space].code_width)) - 1
        code = self.integer(1 if not space else 0, top, "the option's code")
        self.expect("=", "as in: option %s code %d = text;" % (name, code))
        form = read_format(self, self.names)
        self.semicolon()
        if not space and code in (50, 51, 52, 53, 54, 55, 61, 82):
            self.warn(at, "option %d is the protocol's own" % code, "define another code, from 224 to 254")
        self.names.define(OptionDef(space, name, code, form))
        if form[0] == "E":
            if space == "vendor":
                self.config.vendors[code] = form[1:]
            elif not space:
                self.config.encapsulated[code] = form[1:]

    def _option_space(self, place, where):
        if place.letter != "g":
            raise Fault(where, "option spaces are declared at the top level only", "move it out of the { }")
        name = self.word("a name for the option space")
        if name in self.names.spaces:
            self.report.error(where, "there is an option space %s already" % name, "remove this one")
        space = Space(name)
        while self.kind == WORD:
            word = self.val.lower()
            if word not in ("code", "length", "hash"):
                self.fail("unknown word '%s'" % self.val, "as in: option space %s code width 1 length width 1;" % name)
            self.step()
            self.expect_word("size" if word == "hash" else "width")
            at = self.where()
            value = self.integer(0, 0x7FFFFFFF)
            if word == "code" and value in (1, 2, 4):
                space.code_width = value
            elif word == "length" and value in (1, 2):
                space.length_width = value
            elif word != "hash":
                self.report.error(at, "a %s cannot be %d octets wide" % (word, value), "codes have 1, 2 or 4, lengths 1 or 2")
        self.semicolon()
        self.names.spaces[name] = space

    # Conditions

    def condition(self, place, where):
        """if ... { } elsif ... { } else { }"""
        chain = []
        while True:
            test = formula.boolean(self)
            chain.append((test, self._branch(place, where)))
            if len(chain) > MAX_CHAIN:
                self.fail("too many branches", "at most %d" % MAX_CHAIN)
            if self.take_word("elsif"):
                continue
            if not self.take_word("else"):
                break
            if not self.take_word("if"):
                chain.append((None, self._branch(place, where)))
                break
        place.scope.put_condition(chain)

    def _branch(self, place, where):
        inner = Place("i", Scope(place.scope, "if"), place)
        self.block(inner, "if", where)
        return inner.scope

    def stray_else(self, place, where):
        raise Fault(where, "no 'if' stands before this", "write if CONDITION { } first")

    # The rest

    def negation(self, place, where):
        self.expect_word("authoritative", "as in: not authoritative;")
        self.semicolon()
        place.scope.put_param("authoritative", False)

    def authoritative(self, place, where):
        self.semicolon()
        place.scope.put_param("authoritative", True)

    def server_identifier(self, place, where):
        value = self.address()
        self.semicolon()
        place.scope.put_param("server-identifier", value)

    def ddns_style(self, place, where):
        at = self.where()
        word = self.word("none").lower()
        self.semicolon()
        if word not in ("none", "interim", "standard", "ad-hoc"):
            raise Fault(at, "unknown style of DNS updates '%s'" % word, "write ddns-update-style none;")
        if word != "none":
            self.warn(where, "ddns-update-style: " + statements.WHY["dns"][0], "write ddns-update-style none;")

    def pc_word(self, place, where):
        """A statement about ISC dhcpd's own files: one word, which may be dotted or quoted."""
        if self.kind == STRING:
            self.step()
        else:
            self.name("a word")
        self.semicolon()
        self.warn(where, "this statement is about a PC's files and processes: it does nothing here", "remove it")

    def key_or_zone(self, place, where):
        """key NAME { } and zone NAME { }: DNS updates and OMAPI, neither of which there is."""
        if self.kind == STRING:
            self.step()
        else:
            self.name("a name")
            self.take(".")
        if self.kind != "{":
            self.fail("expected '{', found %s" % self.shown())
        depth = 0
        while self.kind != END:
            depth += {"{": 1, "}": -1}.get(self.kind, 0)
            self.step()
            if not depth:
                break
        else:
            self.fail("the file ends within the block of line %d" % where[1], "write the '}' that closes it")
        self.take(";")
        self.warn(where, "keys and zones: " + statements.WHY["dns"][0], "remove it")

    def log(self, place, where):
        self.expect("(")
        if self.kind == WORD and self.val.lower() in ("fatal", "error", "debug", "info"):
            self.step()
            self.expect(",")
        formula.data(self)
        self.expect(")")
        self.semicolon()
        self.warn(where, "log: Twinlease does not log texts of the configuration's own", "remove it")

    def include(self, place, where):
        at = self.where()
        name = _as_text(self.string("a file's name"))
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
    if not isinstance(text, str):
        return bytes(text)
    try:
        return text.encode()
    except UnicodeError:
        raise Fault((name, 1, 1), "the file is not UTF-8", "save it as plain text")


def _as_text(octets):
    """A name in quotes as str; octets that are no UTF-8 become ?."""
    try:
        return str(octets, "utf8")
    except UnicodeError:
        return "".join([chr(c) if c < 128 else "?" for c in octets])


def _constant(p, where, value):
    if isinstance(value, bytes):
        return value
    p.report.error(where, "not supported by Twinlease: an expression for this option", "write its value")
    return b""


_PERMITS = {
    "known": "known-clients",
    "unknown": "unknown-clients",
    "all": "all-clients",
    "dynamic": "dynamic-bootp-clients",
}

# word: (letters of the places where it may stand, what reads it)
_P = Parser
HANDLERS = {
    "shared-network": ("gr", _P.shared_network),
    "subnet": ("gnr", _P.subnet),
    "interface": ("ns", _P.interface),
    "pool": ("ns", _P.pool),
    "range": ("sp", _P.range),
    "allow": ("gnsprhci", _P.allow),
    "deny": ("gnsprhci", _P.deny),
    "ignore": ("gnsprhci", _P.ignore),
    "host": ("gnspr", _P.host_block),
    "hardware": ("h", _P.hardware),
    "fixed-address": ("h", _P.fixed_address),
    "uid": ("h", _P.uid),
    "group": ("gnsprh", _P.group),
    "class": ("gnspr", _P.class_block),
    "subclass": ("gnspr", _P.subclass),
    "match": ("c", _P.match),
    "lease": ("c", _P.lease),
    "option": ("gnsprhci", _P.option),
    "if": ("gnsprhci", _P.condition),
    "elsif": ("gnsprhci", _P.stray_else),
    "else": ("gnsprhci", _P.stray_else),
    "not": ("gnsprc", _P.negation),
    "authoritative": ("gnsprc", _P.authoritative),
    "server-identifier": ("gnsprhc", _P.server_identifier),
    "ddns-update-style": ("gnsprhci", _P.ddns_style),
    "omapi-key": ("gnsprhci", _P.pc_word),
    "lease-id-format": ("gnsprhc", _P.pc_word),
    "authoring-byte-order": ("g", _P.pc_word),
    "db-time-format": ("gnsprhci", _P.pc_word),
    "key": ("gnsprhci", _P.key_or_zone),
    "zone": ("gnsprhci", _P.key_or_zone),
    "log": ("gnsprhci", _P.log),
    "include": ("gnsprhc", _P.include),
    "failover": ("gnp", failover.read),
}


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
        report.problems.append(report_of(fault))
        report.errors += 1
    except TooMany:
        check.name_bad_subnets(parser)
    except RuntimeError:  # MicroPython's stack; MAX_BLOCKS and MAX_DEPTH should not let it come to that
        report.problems.append(report_of(Fault((name, 1, 1), "the configuration is nested too deeply")))
        report.errors += 1
    except MemoryError:
        raise ConfError([report_of(Fault((name, 1, 1), "the configuration is too large for this board's memory"))])
    if report.errors:
        raise ConfError(report.problems)
    parser.config.problems = report.problems
    return parser.config


def report_of(fault):
    from .problems import Problem

    return Problem("error", fault.where, fault.message, fault.advice)
