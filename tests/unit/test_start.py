"""What a board does with a configuration that it cannot serve: one sentence, and it waits at its console."""

from test_configuration import FakeBoard, good_image
from twinlease import start


class Region:
    """Flash of which nobody gets to read anything."""

    block_size = 4096
    program_unit = 1

    def __init__(self, blocks):
        self.size = blocks * self.block_size


class App:
    def __init__(self, blocks):
        self.board = FakeBoard(octets=good_image())
        self.board.leases = Region(blocks)
        self.board.release_files = lambda: None
        self.say = self.board.say
        self.config = self.table = self.journal = self.node = self.driver = None


def build(app, **instead):
    """Run start.build with some of its parts replaced; modules stay, for the other tests."""
    instead["forget"] = lambda name: None
    kept = [(name, getattr(start, name)) for name in instead]
    for name in instead:
        setattr(start, name, instead[name])
    try:
        start.build(app)
    finally:
        for name, part in kept:
            setattr(start, name, part)


def raise_memory_error(*args):
    raise MemoryError


def test_too_little_flash_is_said_once_and_nothing_is_left_half_built():
    app = App(blocks=7)
    build(app)
    assert app.config is app.table is app.journal is app.node is app.driver is None
    assert "28 KiB of flash are too little for 10 leases" in app.board.said[0], app.board.said
    assert "serves nobody" in app.board.said[1] and len(app.board.said) == 2


def test_too_little_memory_is_said_with_what_would_fit():
    for recover, serve in ((raise_memory_error, None), (lambda app: setattr(app, "table", []), raise_memory_error)):
        app = App(blocks=7)
        build(app, _recover_leases=recover, _serve=serve)
        assert app.config is app.table is app.journal is app.node is None
        assert app.board.said[0].startswith("not enough memory for 10 addresses and this configuration")
        assert "serves nobody" in app.board.said[1] and len(app.board.said) == 2


def test_a_guess_at_what_fits_is_below_what_did_not():
    assert start._what_would_fit(0, 10) == ""
    assert start._what_would_fit(1 << 30, 10) == ""
    assert start._what_would_fit(100, 10) == ""
    words = start._what_would_fit(8 * start._SERVICE_WORDS + 100 * start._ROW_OCTETS, 100000)
    assert "room for about " in words


def test_memory_that_does_not_hold_the_configuration_itself():
    app = App(blocks=7)
    build(app, _configure=raise_memory_error)
    assert app.node is None and app.board.said[0] == "not enough memory for the configuration"
