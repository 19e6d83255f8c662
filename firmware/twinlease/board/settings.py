"""board.conf: what a board of hardware is wired like and who it is, in the syntax of dhcpd.conf.

    board esp32-poe;                                               the file in boards/ that it was made from
    network lan8720 mdc 23 mdio 18 power 12 phy 0 clock-out 17;    or: network w5500 …;  network wifi;
    address 10.77.0.2/16;
    router 10.77.0.1;
    host-name twin-a;
    wifi "the office" "its password";
    country DE;
    led 2 low;                                                     on when the pin is low; high without a word
    button 34;                                                     pressed when the pin is low; or: 34 high, bootsel
    watchdog 8;                                                    seconds, or off
    leases 98304;                                                  octets of flash, where leases are in files

    parse(text)          {"network": ["lan8720", "mdc", "23", …], …}; ValueError with a sentence, and the line
    text(told)           the file for such a dictionary
    wiring(told)         of it, what is screwed and soldered: it outlives a factory reset

What a statement says is read by whom it is for.  Loaded at boot and for the set-up dialogue, not while serving.
"""

FILE = "board.conf"
_WIRING = ("board", "network", "led", "button", "leases")
_PERSONAL = ("address", "router", "host-name", "wifi", "country", "watchdog")
_BARE = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./"


def parse(text):
    """Statement by name: its words."""
    told = {}
    words = []
    line = 1
    for word, line in _words(text):
        if word != ";":
            words.append(word)
            continue
        if words:
            name = words[0]
            if name not in _WIRING and name not in _PERSONAL:
                raise ValueError(
                    "line %d: %s is unknown; known are %s" % (line, name, ", ".join(sorted(_WIRING + _PERSONAL)))
                )
            if name in told:
                raise ValueError("line %d: %s is there twice" % (line, name))
            if len(words) == 1:
                raise ValueError("line %d: what follows after %s is missing" % (line, name))
            told[name] = words[1:]
            words = []
    if words:
        raise ValueError("line %d: a semicolon is missing" % line)
    return told


def text(told):
    lines = []
    for name in _WIRING + _PERSONAL:
        if name in told:
            lines.append("%s %s;\n" % (name, " ".join([_quoted(word) for word in told[name]])))
    return "".join(lines)


def wiring(told):
    kept = {}
    for name in _WIRING:
        if name in told:
            kept[name] = told[name]
    return kept


def pairs(words):
    """{"mdc": 23, …} of the words "mdc", "23", …"""
    if len(words) % 2:
        raise ValueError("a number is missing after %s" % words[-1])
    found = {}
    for i in range(0, len(words), 2):
        if not words[i + 1].isdigit():
            raise ValueError("%s is no number for %s" % (words[i + 1], words[i]))
        found[words[i]] = int(words[i + 1])
    return found


def address(words):
    """(four octets, prefix length) of "10.77.0.2/16"."""
    dotted, _, bits = words[0].partition("/")
    if not bits.isdigit() or not 1 <= int(bits) <= 30:
        raise ValueError("address %s: write it with its prefix length, as in 10.77.0.2/16" % words[0])
    return octets(dotted), int(bits)


def host_name(words):
    """The name, as DNS and syslog take one; MicroPython takes no more than 32 octets."""
    name = words[0]
    if len(name) > 32 or name[0] == "-" or not all(c == "-" or (c in _BARE and c not in "_./") for c in name):
        raise ValueError("host-name %s: letters, digits and hyphens, 32 at most" % name)
    return name


def octets(dotted):
    parts = dotted.split(".")
    if len(parts) != 4 or not all(part.isdigit() and int(part) < 256 for part in parts):
        raise ValueError("%s is no address: write it as in 10.0.0.5" % dotted)
    return bytes([int(part) for part in parts])


def usual(machine):
    """What a board without the file is taken for, by what its interpreter says it runs on."""
    told = {"network": ["w5500" if machine.startswith("W5500-EVB-Pico") else "wifi"]}
    if "Pico" in machine:
        told["led"] = ["25"] if machine.startswith("W5500") else ["LED"]
        told["button"] = ["bootsel"]
    return told


def _words(text):
    """(word, line) for each word and semicolon; what is in quotes is one word."""
    line = 1
    at = 0
    while at < len(text):
        c = text[at]
        if c == "\n":
            line += 1
        if c in " \t\r\n":
            at += 1
        elif c == "#":
            at = _until(text, at, "\n")
        elif c == ";":
            at += 1
            yield c, line
        elif c == '"':
            word, at = _in_quotes(text, at + 1, line)
            yield word, line
        else:
            end = at
            while end < len(text) and text[end] not in ' \t\r\n;#"':
                end += 1
            yield text[at:end], line
            at = end


def _in_quotes(text, at, line):
    word = ""
    while at < len(text) and text[at] not in '"\n':
        if text[at] == "\\" and at + 1 < len(text):
            at += 1
        word += text[at]
        at += 1
    if at == len(text) or text[at] == "\n":
        raise ValueError('line %d: the closing " is missing' % line)
    return word, at + 1


def _until(text, at, end):
    found = text.find(end, at)
    return len(text) if found < 0 else found


def _quoted(word):
    if word and all(c in _BARE for c in word):
        return word
    return '"%s"' % word.replace("\\", "\\\\").replace('"', '\\"')
