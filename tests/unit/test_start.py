"""What a board does with a configuration that it cannot serve: one sentence, and it waits at its console."""

from consoles import Files
from test_configuration import FakeBoard, Reset, good_image
from twinlease import attempts, revisions, start


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
        self.store = Files()
        self.board.files = lambda: self.store
        self.board.refused = ""
        self.board.reset_cause = "reset"
        self.board.interfaces = [None]
        self.say = self.board.say
        self.config = self.table = self.journal = self.node = self.driver = None
        self.trial = -1
        self.tasks = []


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
    words = start._what_would_fit(start._SERVICE + 100 * start._ROW_OCTETS, 100000)
    assert "room for about " in words


def test_a_board_too_small_for_the_service_itself_says_how_much_is_missing():
    words = start._what_would_fit(start._SERVICE - 5000, 10)
    assert "even without addresses 5 KiB are missing: take out hosts" in words, words
    words = start._what_would_fit(start._SERVICE + 5000, 10, start._FAILOVER)
    assert "failover and time servers take %d, do without; or take out hosts" % (start._FAILOVER // 1024) in words, (
        words
    )


def test_a_board_that_starts_but_has_no_memory_to_work_in_says_so():
    for free, serves in ((start._AIR - 1, False), (start._AIR, True), (0, True)):  # 0: nobody knows
        app = App(blocks=7)

        def recover(app):
            app.table = []

        build(app, _recover_leases=recover, _serve=lambda app, alive: None, _free=lambda free=free: free)
        assert (app.config is not None) is serves
        if not serves:
            assert app.board.said[0].startswith("not enough memory for 10 addresses and this configuration; even")


def test_memory_that_does_not_hold_the_configuration_itself():
    app = App(blocks=7)
    build(app, _configure=raise_memory_error)
    assert app.node is None and app.board.said[0] == "not enough memory for the configuration"


def on_trial(minutes):
    """An App whose dhcpd.conf has just been committed."""
    app = App(blocks=7)
    app.store.store("dhcpd.conf", b"old")
    app.store.store("candidate.conf", b"new")
    revisions.commit(app.store, minutes)
    return app


def test_a_configuration_on_trial_that_cannot_be_served_gives_way_to_the_one_before():
    app = on_trial(5)
    try:
        build(app)
        raise AssertionError("it serves nobody, and stays so")
    except Reset as e:
        assert "back to the configuration before" in str(e)
    assert app.store.kept["dhcpd.conf"] == b"old" and app.store.kept["candidate.conf"] == b"new"
    assert b"28 KiB of flash are too little" in app.store.kept["problems"]


def test_a_configuration_that_serves_has_proved_itself_unless_it_must_be_confirmed():
    for minutes, left in ((0, -1), (5, 5)):
        app = on_trial(minutes)
        build(app, _recover_leases=lambda app: 0, _serve=lambda app, alive: None)
        assert app.trial == left and revisions.on_trial(app.store) == minutes
        if app.tasks:
            app.tasks[0].close()
            attempts.stayed(app.board, app.store.load("trial"))
        assert revisions.on_trial(app.store) == left
        assert app.store.kept["dhcpd.conf"] == b"new"


def test_the_first_configuration_is_not_taken_away_when_it_cannot_be_served():
    app = on_trial(0)
    app.store.remove("rollback.1.conf")
    build(app)
    assert app.store.kept["dhcpd.conf"] == b"new" and revisions.on_trial(app.store) == -1
    assert "serves nobody" in app.board.said[-1]
