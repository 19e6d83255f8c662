"""Statements about clients: host and what tells it apart, group, class, subclass.

Each function reads the rest of its statement from the parser `p` and enters it in
the model; HANDLERS says where it may stand.
"""

from . import formula
from .lexer import NUMBER, STRING, WORD
from .model import Class, Host, Scope
from .place import Place
from .problems import Fault
from .reader import as_text

_HARDWARE = {"ethernet": 1, "token-ring": 6, "fddi": 8, "infiniband": 32}


def host_block(p, place, where):
    name = p.name("a name for the host")
    if name in p.host_names:
        p.report.error(where, "host %s is declared twice" % name, "the first stands in line %d" % p.host_names[name])
    p.host_names[name] = where[1]
    host = Host(name, Scope(place.scope, "host"))
    inner = Place("h", host.scope, place)
    inner.host = host
    p.config.hosts.append(host)
    p.hosts.append((host, where))
    p.block(inner, "host", where)
    if host.scope.is_empty():
        host.scope = host.scope.parent  # most hosts only have an address: spare them a scope each


def hardware(p, place, where):
    at = p.where()
    word = p.word("a kind of hardware").lower()
    kind = _HARDWARE.get(word)
    if kind is None and word.startswith("unknown-") and word[8:].isdigit() and len(word) < 12:
        kind = int(word[8:])
    if kind is None or kind > 255:
        raise Fault(at, "unknown kind of hardware '%s'" % word, "write hardware ethernet 00:00:5e:00:53:01;")
    at = p.where()
    address = p.octets("a hardware address", 16)
    p.semicolon()
    if kind == 1 and len(address) != 6:
        p.warn(at, "an ethernet address of %d octets" % len(address), "it has 6, as in 00:00:5e:00:53:01")
    if place.host.hardware:
        p.report.error(where, "the host has a hardware address already", "declare another host")
    place.host.hardware = (kind, address)


def fixed_address(p, place, where):
    addresses = [p.address()]
    while p.take(","):
        addresses.append(p.address())
    p.semicolon()
    if place.host.addresses:
        p.report.error(where, "the host has a fixed-address already", "list them all: fixed-address A, B;")
    place.host.addresses = tuple(addresses)


def uid(p, place, where):
    value = p.string_or_octets("a client identifier")
    p.semicolon()
    if place.host.client_id:
        p.report.error(where, "the host has a client identifier already", "declare another host")
    place.host.client_id = value


def group(p, place, where):
    name = None
    if p.kind in (WORD, STRING, NUMBER):
        name = as_text(p.text("a name")) if p.kind != NUMBER else p.name("a name")
    if place.letter == "h":
        if name not in p.groups:
            p.report.error(where, "no group is named %s" % name, "declare it before: group %s { }" % name)
        else:
            place.scope.parent = p.groups[name]
        p.semicolon()
        return
    scope = Scope(place.scope, "group")
    if name:
        p.groups[name] = scope
    inner = Place("r", scope, place)
    p.block(inner, "group", where)


def class_block(p, place, where):
    name = as_text(p.string("a class's name"))
    cls = p.classes.get(name)
    if cls is None:
        cls = Class(name, Scope(place.scope, "class"))
        p.config.classes.append(cls)
        p.classes[name] = cls
    inner = Place("c", cls.scope, place)
    inner.cls = cls
    p.block(inner, "class", where)


def subclass(p, place, where):
    at = p.where()
    name = as_text(p.string("a class's name"))
    cls = p.classes.get(name)
    if cls is None:
        raise Fault(at, 'no class is named "%s"' % name, 'declare it before: class "%s" { match ...; }' % name)
    key = p.string_or_octets("the value that selects the subclass")
    scope = cls.subclasses.get(key) or Scope(cls.scope, "subclass")
    cls.put_subclass(key, scope)
    if p.take(";"):
        return
    inner = Place("c", scope, place)
    inner.cls = inner.subclass = cls
    p.block(inner, "subclass", where)


def match(p, place, where):
    cls = place.cls
    if place.subclass:
        raise Fault(where, "a subclass has no match of its own", "write it in the class")
    test = p.take_word("if")
    if (cls.match if test else cls.submatch) is not None:
        raise Fault(where, "the class has such a match already", "join conditions with 'and' and 'or'")
    if test:
        cls.match = formula.boolean(p)
    else:
        cls.submatch = formula.data(p)
    p.semicolon()


HANDLERS = {
    "host": ("gnspr", host_block),
    "hardware": ("h", hardware),
    "fixed-address": ("h", fixed_address),
    "uid": ("h", uid),
    "group": ("gnsprh", group),
    "class": ("gnspr", class_block),
    "subclass": ("gnspr", subclass),
    "match": ("c", match),
}
