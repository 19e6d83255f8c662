"""Expressions of dhcpd.conf, from tokens to Expr: boolean(), data() and numeric().

Grammar and types are dhcp-eval(5)'s.  As in ISC dhcpd `and` and `or` bind equally,
from left to right, and looser than = and !=; parentheses say otherwise.  What
Twinlease does not evaluate is refused by name: regular expressions, variables and
functions of the file's own, DNS look-ups and updates, arithmetic.

Evaluation is in expressions.py, which stays in memory when this file has gone.
"""

from . import expressions as ex
from .expressions import Expr
from .problems import Fault, nearest
from .reader import NUMBER, STRING, WORD

BOOLEAN = "condition"
DATA = "data"
NUMERIC = "number"
ANY = "value"

MAX_DEPTH = 12  # a board's C stack is small
MAX_PARTS = 32

# Words that stand alone: (what it is, the method of ctx)
_ALONE = {
    "known": (BOOLEAN, "known"),
    "static": (BOOLEAN, "static"),
    "hardware": (DATA, "hardware"),
    "leased-address": (DATA, "leased_address"),
    "host-decl-name": (DATA, "host_decl_name"),
    "filename": (DATA, "filename"),
    "server-name": (DATA, "server_name"),
    "lease-time": (NUMERIC, "lease_time"),
}

_REFUSED = {
    "client-state": "it is for dhclient",
    "gethostbyname": "a board looks no names up",
    "gethostname": "write the name in quotes",
    "defined": "variables are not kept",
    "check": "use classes",
    "v6relay": "IPv6 is not served",
}


def boolean(p):
    """Read a condition."""
    return _typed(p, BOOLEAN, 0)


def data(p):
    """Read an expression whose value is octets."""
    return _typed(p, DATA, 0)


def numeric(p):
    return _typed(p, NUMERIC, 0)


def _typed(p, want, depth):
    where = p.where()
    expr, kind = _expression(p, want, depth)
    if kind != want and kind != ANY:
        p.report.error(where, "expected a %s, this is a %s" % (want, kind), _ADVICE[want])
    return expr


_ADVICE = {
    BOOLEAN: 'compare it, as in: option user-class = "iPXE"; or ask: exists user-class',
    DATA: "write a string, octets, or what yields them, such as substring(...)",
    NUMERIC: "write a number, or extract-int(data, 8)",
}


def _expression(p, want, depth):
    """Comparisons, joined by and / or."""
    where = p.where()
    joined = None
    left, kind = _comparison(p, want, depth)
    while p.at_word("and") or p.at_word("or"):
        op = ex.both if p.at_word("and") else ex.either
        p.step()
        right, other = _comparison(p, BOOLEAN, depth)
        for k in (kind, other):
            if k not in (BOOLEAN, ANY):
                p.report.error(where, "'and' and 'or' join conditions, this is a %s" % k, _ADVICE[BOOLEAN])
                break
        if op is joined:  # one list, not a tower: evaluation is recursive
            left.a.append(right)
        else:
            depth += 1
            joined = op
            left = Expr(op, [left, right])
        kind = BOOLEAN
    return left, kind


def _comparison(p, want, depth):
    where = p.where()
    left, kind = _primary(p, want, depth)
    if p.kind in ("=", "!", "~"):
        op = _operator(p)
        right, other = _primary(p, kind, depth)
        if kind != other and ANY not in (kind, other):
            p.report.error(where, "a %s is compared with a %s" % (kind, other), "both sides must be of one type")
        elif BOOLEAN == other:
            p.report.error(where, "conditions cannot be compared", "join them with 'and', 'or' and 'not'")
        left = Expr(op, left, right)
        kind = BOOLEAN
    return left, kind


def _operator(p):
    if p.kind == "~":
        p.fail(
            "not supported by Twinlease: regular expressions (~= and ~~)", "compare with substring(...) or suffix(...)"
        )
    op = ex.equal
    if p.take("!"):
        op = ex.differ
        if p.kind != "=":
            p.fail("'!' wants '=' behind it", "write != for 'differs from', and not (...) for the opposite")
    p.step()
    return op


def _primary(p, want, depth):
    """One operand: (Expr, its type)."""
    if depth > MAX_DEPTH:
        p.fail("expressions are nested too deeply", "at most %d levels" % MAX_DEPTH)
    if p.kind == STRING:
        value = p.val
        p.step()
        return Expr(ex.constant, value), DATA
    if p.take("("):
        expr, kind = _expression(p, want, depth + 1)
        p.expect(")")
        return expr, kind
    if p.kind == NUMBER and want == NUMERIC:
        return Expr(ex.constant, p.integer(-0x80000000, 0xFFFFFFFF)), NUMERIC
    if p.kind == NUMBER or (p.kind == WORD and _is_octet(p)):
        return Expr(ex.constant, p.octets("octets")), DATA
    if p.kind != WORD:
        p.fail("expected a %s, found %s" % (want, p.shown()), _ADVICE.get(want, ""))
    where = p.where()
    word = p.val.lower()
    if word in _ALONE:
        p.step()
        kind, method = _ALONE[word]
        return Expr(ex.ask, method), kind
    read = _FUNCTIONS.get(word)
    if read is None:
        _refuse(p, word)
    p.step()
    return read(p, where, depth + 1)


def _is_octet(p):
    """Octets such as aa:bb:cc start with what might be a word; no word of ours is two hexadecimal digits."""
    val = p.val
    if len(val) > 2:
        return False
    for c in val.lower():
        if c not in "0123456789abcdef":
            return False
    return True


def _refuse(p, word):
    if word in _REFUSED:
        p.fail("not supported by Twinlease: %s in an expression" % word, _REFUSED[word])
    names = list(_FUNCTIONS)
    names.extend(_ALONE)
    near = nearest(word, names)
    p.fail(
        "not supported by Twinlease: the word '%s' in an expression" % word,
        "did you mean %s?" % near if near else "variables and functions of one's own are not kept; see dhcp-eval(5)",
    )


# Functions: each reads what follows its word


def _not(p, where, depth):
    at = p.where()
    expr, kind = _primary(p, BOOLEAN, depth)
    if kind not in (BOOLEAN, ANY):
        raise Fault(at, "'not' wants a condition, this is a %s" % kind, "write not (a = b), with parentheses")
    return Expr(ex.negate, expr), BOOLEAN


def _exists(p, where, depth):
    return Expr(ex.exists, _option_value(p)), BOOLEAN


def _option(p, where, depth):
    return _option_value(p), DATA


def _config_option(p, where, depth):
    definition = p.option_name()
    if definition.space:
        p.report.error(where, "not supported by Twinlease: config-option of a sub-option", "repeat its value here")
    return Expr(ex.config_option, definition.code), DATA


def _option_value(p):
    """The value of an option in the client's packet."""
    where = p.where()
    definition = p.option_name()
    space = definition.space
    if not space:
        return Expr(ex.option, definition.code)
    if space == "agent":
        p.config.uses_agent = True
        return Expr(ex.agent_option, definition.code)
    container = p.container_of(space)
    if container is None:
        p.report.error(
            where,
            "not supported by Twinlease: %s.%s of a client's packet" % (space, definition.name),
            "look at the whole option, with substring(option ..., offset, length)",
        )
    return Expr(ex.sub_option, container, p.names.spaces[space], definition.code)


def _arguments(p, depth, kinds):
    """( value, value ... ) of these kinds."""
    out = []
    p.expect("(")
    for kind in kinds:
        if out:
            p.expect(",")
        out.append(_typed(p, kind, depth))
    p.expect(")")
    return out


def _substring(p, where, depth):
    a, b, c = _arguments(p, depth, (DATA, NUMERIC, NUMERIC))
    return Expr(ex.substring, a, b, c), DATA


def _suffix(p, where, depth):
    a, b = _arguments(p, depth, (DATA, NUMERIC))
    return Expr(ex.suffix, a, b), DATA


def _packet(p, where, depth):
    a, b = _arguments(p, depth, (NUMERIC, NUMERIC))
    return Expr(ex.packet, a, b), DATA


def _lcase(p, where, depth):
    return Expr(ex.lower, _arguments(p, depth, (DATA,))[0]), DATA


def _ucase(p, where, depth):
    return Expr(ex.upper, _arguments(p, depth, (DATA,))[0]), DATA


def _reverse(p, where, depth):
    a, b = _arguments(p, depth, (NUMERIC, DATA))
    return Expr(ex.reverse, a, b), DATA


def _several(p, depth):
    out = []
    p.expect("(")
    while True:
        out.append(_typed(p, DATA, depth))
        if len(out) > MAX_PARTS:
            p.fail("too many arguments", "at most %d" % MAX_PARTS)
        if not p.take(","):
            p.expect(")")
            return out


def _concat(p, where, depth):
    return Expr(ex.concat, _several(p, depth)), DATA


def _pick(p, where, depth):
    return Expr(ex.first_value, _several(p, depth)), DATA


def _encode(p, where, depth):
    p.expect("(")
    value = _typed(p, NUMERIC, depth)
    return Expr(ex.encode_int, value, _width(p)), DATA


def _extract(p, where, depth):
    p.expect("(")
    value = _typed(p, DATA, depth)
    return Expr(ex.extract_int, value, _width(p)), NUMERIC


def _width(p):
    """, 8|16|32 ) in octets."""
    p.expect(",", "behind it comes the width in bits: 8, 16 or 32")
    size = _one_of(p, (8, 16, 32), "the width in bits") // 8
    p.expect(")")
    return size


def _one_of(p, values, what):
    where = p.where()
    value = p.integer(0, 0xFFFF, what)
    if value not in values:
        p.report.error(where, "%s cannot be %d" % (what, value), "write %d, %d or %d" % values)
    return value


def _to_ascii(p, where, depth):
    p.expect("(")
    base = _one_of(p, (8, 10, 16), "the base")
    p.expect(",")
    size = _one_of(p, (8, 16, 32), "the width in bits") // 8
    p.expect(",")
    separator = _typed(p, DATA, depth)
    p.expect(",")
    value = _typed(p, DATA, depth)
    p.expect(")")
    return Expr(ex.binary_to_ascii, (base, size), separator, value), DATA


def _null(p, where, depth):
    return Expr(ex.constant, None), ANY


_FUNCTIONS = {
    "not": _not,
    "exists": _exists,
    "option": _option,
    "config-option": _config_option,
    "substring": _substring,
    "suffix": _suffix,
    "packet": _packet,
    "lcase": _lcase,
    "ucase": _ucase,
    "reverse": _reverse,
    "concat": _concat,
    "pick-first-value": _pick,
    "pick": _pick,
    "encode-int": _encode,
    "extract-int": _extract,
    "binary-to-ascii": _to_ascii,
    "null": _null,
}
