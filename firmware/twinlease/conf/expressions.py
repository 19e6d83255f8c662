"""Expressions of dhcpd.conf, evaluated per packet: dhcp-eval's data, numbers and conditions.

    value = expr.evaluate(ctx)      bytes | bool | int | None

None is "no data", as in ISC dhcpd: a condition without data does not apply, and an
option without data is not sent.  So a condition holds if its value `is True`.  No
packet makes evaluate() raise.

An Expr is a function of this file and its up to three operands.  `ctx` offers what
ARCHITECTURE.md says; a method that it lacks counts as no data.  Built by
formula.py, which has checked the types of the operands.
"""


class Expr:
    def __init__(self, op, a=None, b=None, c=None):
        self.op = op
        self.a = a
        self.b = b
        self.c = c

    def evaluate(self, ctx):
        return self.op(ctx, self.a, self.b, self.c)


def constant(ctx, value, b, c):
    return value


def ask(ctx, name, b, c):
    """What ctx knows by itself: known, static, hardware, leased_address, lease_time ..."""
    method = getattr(ctx, name, None)
    return method() if method else None


def option(ctx, code, b, c):
    return ctx.option(code)


def agent_option(ctx, code, b, c):
    return ctx.agent(code)


def config_option(ctx, code, b, c):
    return ctx.config_option(code)


def sub_option(ctx, container, space, code):
    """Sub-option `code` of a declared space, from the option that holds the space."""
    data = ctx.option(container)
    if not data:
        return None
    at = 0
    head = space.code_width + space.length_width
    while at + head <= len(data):
        size = int.from_bytes(data[at + space.code_width : at + head], "big")
        if int.from_bytes(data[at : at + space.code_width], "big") == code:
            return data[at + head : at + head + size] if at + head + size <= len(data) else None
        at += head + size
    return None


def packet(ctx, offset, count, c):
    offset = offset.evaluate(ctx)
    count = count.evaluate(ctx)
    if offset is None or count is None or offset < 0 or count < 0:
        return None
    return ctx.packet(offset, count)


def exists(ctx, a, b, c):
    return a.evaluate(ctx) is not None


# Conditions: what has no data stays without, except in comparisons


def equal(ctx, a, b, c):
    """Two operands without data are equal; different types are not."""
    return a.evaluate(ctx) == b.evaluate(ctx)


def differ(ctx, a, b, c):
    return a.evaluate(ctx) != b.evaluate(ctx)


def both(ctx, parts, b, c):
    """a and b and c.  As in ISC dhcpd it is no data, not false, if a part before the last is false.

    So `not (a and b)` does not hold when a is false.
    """
    value = None
    for part in parts:
        value = part.evaluate(ctx)
        if not value and part is not parts[-1]:
            return None
    return None if value is None else bool(value)


def either(ctx, parts, b, c):
    """a or b or c; no data if none has."""
    found = None
    for part in parts:
        value = part.evaluate(ctx)
        if value:
            return True
        if value is not None:
            found = False
    return found


def negate(ctx, a, b, c):
    value = a.evaluate(ctx)
    return None if value is None else not value


# Data


def substring(ctx, data, offset, count):
    data = data.evaluate(ctx)
    offset = offset.evaluate(ctx)
    count = count.evaluate(ctx)
    if data is None or offset is None or count is None:
        return None
    if offset < 0:  # ISC dhcpd's numbers have no sign: behind the end
        return b""
    return data[offset : offset + count] if count >= 0 else data[offset:]


def suffix(ctx, data, count, c):
    data = data.evaluate(ctx)
    count = count.evaluate(ctx)
    if data is None or count is None:
        return None
    return data[len(data) - count :] if 0 <= count < len(data) else data


def concat(ctx, parts, b, c):
    """One after the other; no data if one has none."""
    out = b""
    for part in parts:
        value = part.evaluate(ctx)
        if value is None:
            return None
        out += value
    return out


def first_value(ctx, parts, b, c):
    """The first that has data, be it empty."""
    for part in parts:
        value = part.evaluate(ctx)
        if value is not None:
            return value
    return None


def lower(ctx, data, b, c):
    data = data.evaluate(ctx)
    return None if data is None else bytes([x + 32 if 65 <= x <= 90 else x for x in data])


def upper(ctx, data, b, c):
    data = data.evaluate(ctx)
    return None if data is None else bytes([x - 32 if 97 <= x <= 122 else x for x in data])


def reverse(ctx, width, data, c):
    """Groups of `width` octets in reverse order."""
    width = width.evaluate(ctx)
    data = data.evaluate(ctx)
    if data is None or not width or width < 0 or len(data) % width:
        return None
    out = b""
    for at in range(len(data) - width, -1, -width):
        out += data[at : at + width]
    return out


def encode_int(ctx, value, size, c):
    """`size` octets, the most significant first."""
    value = value.evaluate(ctx)
    return None if value is None else (value & ((1 << (8 * size)) - 1)).to_bytes(size, "big")


def extract_int(ctx, data, size, c):
    data = data.evaluate(ctx)
    if data is None or len(data) < size:
        return None
    return int.from_bytes(data[:size], "big")


def binary_to_ascii(ctx, form, separator, data):
    """form: (base, octets of each number)."""
    separator = separator.evaluate(ctx)
    data = data.evaluate(ctx)
    base, size = form
    if separator is None or data is None or len(data) % size:
        return None
    text = {8: "%o", 10: "%d", 16: "%x"}[base]
    numbers = [text % int.from_bytes(data[at : at + size], "big") for at in range(0, len(data), size)]
    return separator.join([n.encode() for n in numbers])
