"""Statements about what clients are told: options and their definitions, conditions, authority.

And those with a shape of their own that do nothing on a board, which are accepted
with a warning.  Each function reads the rest of its statement from the parser `p`
and enters it in the model; HANDLERS says where it may stand.
"""

from . import formula, statements
from .expressions import constant
from .lexer import END, NUMBER, STRING, WORD
from .model import OptionDef, Scope, Space
from .options import read_format, read_value
from .place import Place
from .problems import Fault

MAX_CHAIN = 64  # if, elsif, ...
MAX_CONDITIONS = 64  # in one block; each is evaluated for each packet


def option(p, place, where):
    if p.take_word("space"):
        _option_space(p, place, where)
        return
    at = p.where()
    space, name = p.option_words()
    definition = p.names.find(space, name)
    if p.take_word("code"):
        _define_option(p, place, where, space, name)
        return
    if definition is None:
        p.unknown_option(at, space, name)
    if p.take("="):
        value = formula.data(p)
        if value.op is constant and value.a is not None:
            value = value.a
    else:
        value = read_value(p, definition.format)
    p.semicolon()
    _put_option(p, place, at, definition, value)


def _put_option(p, place, where, definition, value):
    space = definition.space
    code = definition.code
    if space == "agent" or (code == 82 and not space):
        p.report.error(
            where, "not supported by Twinlease: setting relay agent information", "relay agents set it; remove it"
        )
    elif space == "fqdn":
        p.warn(where, "option fqdn: %s" % statements.WHY["dns"][0], statements.WHY["dns"][1])
    elif not space and code == 61 and place.host:
        place.host.client_id = _constant(p, where, value)
    elif not space and code == 54:
        value = _constant(p, where, value)
        if len(value) == 4:
            place.scope.put_param("server-identifier", value)
    elif not space and code in (50, 51, 52, 53):
        advice = "write default-lease-time" if code == 51 else "remove it"
        p.warn(where, "the server sets option %s itself: this does nothing" % definition.name, advice)
    else:
        place.scope.put_option(space, code, value)
        if not space:
            p.config.option_defs[code] = definition
        elif space == "nwip":
            p.config.encapsulated[63] = space
        if code == 3 and not space and isinstance(value, bytes):
            p.routers.append((value, where))


def _define_option(p, place, where, space, name):
    if place.letter != "g":
        raise Fault(where, "options are defined at the top level only", "move it out of the { }")
    at = p.where()
    top = 254
    if space:
        top = (1 << (8 * p.names.spaces[space].code_width)) - 1
    code = p.integer(1 if not space else 0, top, "the option's code")
    p.expect("=", "as in: option %s code %d = text;" % (name, code))
    form = read_format(p, p.names)
    p.semicolon()
    if not space and code in (50, 51, 52, 53, 54, 55, 61, 82):
        p.warn(at, "option %d is the protocol's own" % code, "define another code, from 224 to 254")
    p.names.define(OptionDef(space, name, code, form))
    if form[0] == "E":
        if space == "vendor":
            p.config.vendors[code] = form[1:]
        elif not space:
            p.config.encapsulated[code] = form[1:]


def _option_space(p, place, where):
    if place.letter != "g":
        raise Fault(where, "option spaces are declared at the top level only", "move it out of the { }")
    name = p.word("a name for the option space")
    if name in p.names.spaces:
        p.warn(where, "there is an option space %s already" % name, "remove this one")
    space = Space(name)
    while p.kind == WORD:
        word = p.val.lower()
        if word not in ("code", "length", "hash"):
            p.fail("unknown word '%s'" % p.val, "as in: option space %s code width 1 length width 1;" % name)
        p.step()
        p.expect_word("size" if word == "hash" else "width")
        at = p.where()
        value = p.integer(0, 0x7FFFFFFF)
        if word == "code" and value in (1, 2, 4):
            space.code_width = value
        elif word == "length" and value in (1, 2):
            space.length_width = value
        elif word != "hash":
            p.report.error(at, "a %s cannot be %d octets wide" % (word, value), "codes have 1, 2 or 4, lengths 1 or 2")
    p.semicolon()
    p.names.spaces[name] = space


def condition(p, place, where):
    """if ... { } elsif ... { } else { }"""
    chain = []
    while True:
        test = formula.boolean(p)
        chain.append((test, _branch(p, place, where)))
        if len(chain) > MAX_CHAIN:
            p.fail("too many branches", "at most %d" % MAX_CHAIN)
        if p.take_word("elsif"):
            continue
        if not p.take_word("else"):
            break
        if not p.take_word("if"):
            chain.append((None, _branch(p, place, where)))
            break
    if len(place.scope.conditions) >= MAX_CONDITIONS:
        raise Fault(where, "more than %d conditions in one block" % MAX_CONDITIONS, "use classes")
    place.scope.put_condition(chain)


def _branch(p, place, where):
    inner = Place("i", Scope(place.scope, "if"), place)
    p.block(inner, "if", where)
    return inner.scope


def stray_else(p, place, where):
    raise Fault(where, "no 'if' stands before this", "write if CONDITION { } first")


def negation(p, place, where):
    p.expect_word("authoritative", "as in: not authoritative;")
    p.semicolon()
    place.scope.put_param("authoritative", False)


def authoritative(p, place, where):
    p.semicolon()
    place.scope.put_param("authoritative", True)


def server_identifier(p, place, where):
    value = p.address()
    p.semicolon()
    place.scope.put_param("server-identifier", value)


def ddns_style(p, place, where):
    at = p.where()
    word = p.word("none").lower()
    p.semicolon()
    if word not in ("none", "interim", "standard", "ad-hoc"):
        raise Fault(at, "unknown style of DNS updates '%s'" % word, "write ddns-update-style none;")
    if word != "none":
        p.warn(where, "ddns-update-style: " + statements.WHY["dns"][0], "write ddns-update-style none;")


def pc_word(p, place, where):
    """A statement about ISC dhcpd's own files: one word, which may be dotted or quoted."""
    if p.kind == STRING:
        p.step()
    else:
        p.name("a word")
    p.semicolon()
    p.warn(where, "this statement is about a PC's files and processes: it does nothing here", "remove it")


def key_or_zone(p, place, where):
    """key NAME { } and zone NAME { }: DNS updates and OMAPI, neither of which there is."""
    if p.kind not in (STRING, WORD, NUMBER):
        p.fail("expected a name, found %s" % p.shown())
    while p.kind in (STRING, WORD, NUMBER, "."):
        p.step()
    if p.kind != "{":
        p.fail("expected '{', found %s" % p.shown())
    depth = 0
    while p.kind != END:
        depth += {"{": 1, "}": -1}.get(p.kind, 0)
        p.step()
        if not depth:
            break
    else:
        p.fail("the file ends within the block of line %d" % where[1], "write the '}' that closes it")
    p.take(";")
    p.warn(where, "keys and zones: " + statements.WHY["dns"][0], "remove it")


def log(p, place, where):
    p.expect("(")
    if p.kind == WORD and p.val.lower() in ("fatal", "error", "debug", "info"):
        p.step()
        p.expect(",")
    formula.data(p)
    p.expect(")")
    p.semicolon()
    p.warn(where, "log: Twinlease does not log texts of the configuration's own", "remove it")


def _constant(p, where, value):
    if isinstance(value, bytes):
        return value
    p.report.error(where, "not supported by Twinlease: an expression for this option", "write its value")
    return b""


HANDLERS = {
    "option": ("gnsprhci", option),
    "if": ("gnsprhci", condition),
    "elsif": ("gnsprhci", stray_else),
    "else": ("gnsprhci", stray_else),
    "not": ("gnsprc", negation),
    "authoritative": ("gnsprc", authoritative),
    "server-identifier": ("gnsprhc", server_identifier),
    "ddns-update-style": ("gnsprhci", ddns_style),
    "omapi-key": ("gnsprhci", pc_word),
    "lease-id-format": ("gnsprhc", pc_word),
    "authoring-byte-order": ("g", pc_word),
    "db-time-format": ("gnsprhci", pc_word),
    "key": ("gnsprhci", key_or_zone),
    "zone": ("gnsprhci", key_or_zone),
    "log": ("gnsprhci", log),
}
