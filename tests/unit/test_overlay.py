"""Code that is loaded for one call: what it returns, and what stays.  CPython and MicroPython."""

import gc
import sys

from twinlease import overlay
from twinlease.failover import endpoint

MODULES = ("states", "words", "actions", "memory")


def fresh():
    """Nobody has loaded them: a test before this one may have."""
    for name in MODULES:
        overlay.drop("twinlease.failover." + name)


def loaded():
    return [name for name in MODULES if "twinlease.failover." + name in sys.modules]


def test_a_module_goes_after_its_call_with_what_it_imported():
    fresh()
    assert overlay.run("failover.words", "move_line", "p", endpoint.NORMAL, endpoint.PAUSED).endswith("to paused")
    assert overlay.run("failover.actions", "carry_out", Peer(), (), 1, 0) == -1
    assert not loaded()
    package = sys.modules["twinlease.failover"]
    assert not [name for name in MODULES if hasattr(package, name)], "the package keeps what it is an attribute of"


class Peer:
    record = endpoint.Record(True, 60, endpoint.RECOVER, endpoint.RECOVER, 0, 0, 0, False, 0, False)
    why_silent = b""


def test_what_somebody_had_before_stays():
    fresh()
    from twinlease.failover import words

    overlay.run("failover.actions", "carry_out", Peer(), (), 1, 0)
    assert loaded() == ["words"] and words.NAMES
    fresh()


def test_a_module_goes_after_an_error_too():
    fresh()
    try:
        overlay.run("failover.words", "broken", 99)
        raise AssertionError
    except IndexError:
        pass
    assert not loaded()


def test_its_room_is_kept_between_calls():
    if not hasattr(gc, "mem_free"):
        return  # CPython
    fresh()
    gc.collect()
    free = gc.mem_free()
    overlay.reserve(200_000)
    try:
        assert free - gc.mem_free() >= 200_000
        overlay.run("failover.words", "broken", 1)
        assert free - gc.mem_free() >= 200_000, "taken again"
        overlay.learn("failover.words")
        assert not loaded()
    finally:
        overlay.reserve(0)
    overlay.run("failover.words", "broken", 1)


def test_what_is_wanted_for_a_while_stays_as_long_as_somebody_wants_it():
    fresh()
    one, other = overlay.load("failover.words"), overlay.load("failover.words")
    assert one is other and loaded() == ["words"]
    overlay.unload("failover.words")
    assert loaded() == ["words"], "somebody still wants it"
    overlay.unload("failover.words")
    assert not loaded()
