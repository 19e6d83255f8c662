"""Helpers for the tests of the conf room.  Runs on CPython and MicroPython."""

from twinlease import conf

DATA = __file__.rsplit("/", 2)[0] + "/data/"
NET = "subnet 10.0.0.0 netmask 255.255.255.0 { %s }\n"


def load(text, files=None):
    """A configuration that must be good."""

    def read_file(name):
        if not files or name not in files:
            raise OSError(2)
        return files[name]

    return conf.load(text, "c", read_file)


def errors(text, files=None):
    """The errors of a configuration that must be bad."""
    try:
        load(text, files)
    except conf.ConfError as bad:
        return [p for p in bad.problems if p.severity == "error"]
    raise AssertionError("this was accepted: " + text)


def error(text, files=None):
    """The one error of a configuration that must have just one."""
    found = errors(text, files)
    assert len(found) == 1, "\n".join([str(p) for p in found])
    return found[0]


def warnings(text):
    return [p.message for p in load(text).problems]


def option(text, code=None):
    """The encoded value of the one option that the text sets at the top level."""
    options = load(text).scope.options
    return options[code] if code else next(iter(options.values()))


def ip(text):
    return bytes([int(part) for part in text.split(".")])


def read(name):
    with open(DATA + name) as f:
        return f.read()
