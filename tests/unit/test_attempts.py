"""A server that fails again and again: the configuration before, if this one has never stayed up, else the console."""

import asyncio

from consoles import Files
from twinlease import attempts, revisions


class Board:
    def __init__(self, store):
        self.store = store
        self.reset_cause = "reset"
        self.said = []

    def files(self):
        return self.store

    def release_files(self):
        pass

    def say(self, text):
        self.said.append(text)


def wanted(board):
    """What start.py asks before it loads attempts.py."""
    return board.reset_cause in ("watchdog", "crash") or board.store.has("failed-starts")


def fresh(minutes=None):
    """A board with two configurations, of which the new one is on trial if minutes are given."""
    board = Board(Files())
    board.store.store("dhcpd.conf", b"old")
    board.store.store("candidate.conf", b"new")
    revisions.commit(board.store, minutes or 0)
    if minutes is None:
        revisions.prove(board.store)
    return board


def starts(board, *ends):
    """What begin says at each start; an end is the exception that main.py saw, or the reset cause that it did not."""
    said = []
    for end in ends:
        if end in ("watchdog", "crash", "power-on"):
            board.reset_cause = end
        else:
            board.reset_cause = "reset"
            attempts.failed(board, end)
        said.append(attempts.begin(board))
    return said


def test_a_configuration_that_never_stayed_up_gives_way_after_the_third_failure():
    for minutes in (0, 5):
        board = fresh(minutes)
        assert starts(board, "OSError(5,)", "watchdog", "crash") == ["", "", ""]
        assert board.store.kept["dhcpd.conf"] == b"old" and board.store.kept["candidate.conf"] == b"new"
        assert b"failed 3 times in a row, at last with: crash" in board.store.kept["problems"]
        assert "back to the configuration before" in board.said[-1]
        assert not wanted(board) or board.reset_cause == "crash", "it is counted anew"


def test_a_configuration_that_has_stayed_up_is_kept_and_the_board_waits():
    board = fresh()
    why = starts(board, "a", "b", "c")
    assert why[:2] == ["", ""] and "failed 3 times in a row, at last with: c" in why[2]
    assert board.store.kept["dhcpd.conf"] == b"new" and "candidate.conf" not in board.store.kept
    board.reset_cause = "reset"
    assert wanted(board) and attempts.begin(board) == "", "ten minutes later it tries"
    assert starts(board, "d")[0], "and waits again at once"


def test_the_first_configuration_has_nothing_before_it():
    board = Board(Files())
    board.store.store("candidate.conf", b"new")
    revisions.commit(board.store, 0)
    assert starts(board, "a", "b", "c")[2]
    assert board.store.kept["dhcpd.conf"] == b"new"


def test_failures_that_are_not_in_a_row_do_not_count():
    board = fresh(0)
    assert starts(board, "a", "b") == ["", ""]
    attempts.stayed(board, board.store.load("trial"))
    assert not wanted(board) and revisions.on_trial(board.store) == -1
    assert starts(board, "a", "b") == ["", ""] and board.store.kept["dhcpd.conf"] == b"new"


def test_power_off_and_on_forgets_them():
    board = fresh()
    assert starts(board, "a", "b", "power-on", "c", "d") == [""] * 5


def test_resets_that_somebody_wanted_are_no_failures():
    board = fresh(0)
    for _ in range(5):
        assert not wanted(board)


def test_a_commit_that_is_being_made_is_not_proved_by_the_start_before_it():
    board = fresh(0)
    trial = board.store.load("trial")
    board.store.store("candidate.conf", b"newer")
    revisions.commit(board.store, 0)
    assert attempts.stayed(board, trial) and revisions.on_trial(board.store) == 0


def test_a_failure_that_cannot_be_counted_is_said_and_harms_nothing():
    class Full(Files):
        def store(self, name, octets):
            raise OSError(28)

    board = Board(Full())
    attempts.failed(board, "x")
    assert "cannot be counted" in board.said[0]
    board.store.store = lambda name, octets: Files.store(board.store, name, octets)
    attempts.failed(board, "y" * 3000)
    assert len(board.store.kept["failed-starts"]) < 300


def test_no_memory_to_say_so_is_not_the_end_of_it():
    board = fresh(0)

    def no_memory():
        raise MemoryError

    board.files = no_memory
    assert attempts.stayed(board, b"") is False


def test_the_task_tries_again_without_a_service_and_proves_one_that_stays():
    board = fresh(0)

    class App:
        node = None
        stopped = ""

        def stop(self, why):
            self.stopped = why

    app = App()
    app.board = board
    attempts._AGAIN_S = attempts._STAYS_S = 0
    asyncio.run(attempts.run(app))
    assert app.stopped == "the server is tried again" and revisions.on_trial(board.store) == 0
    app.node = board
    asyncio.run(attempts.run(app))
    assert revisions.on_trial(board.store) == -1
