"""No small world is unsafe, and from each NORMAL is reached again; and the explorer finds what is put there to be found."""

import os

import pytest
from twinlease.failover import bindings, endpoint, resync, service, states, times, updates

from tests.simulation.explore.beginnings import BACKUP, FREE, NEW, Beginning, plan, run

# `make explore` goes deeper.
WORLDS = [*plan(1), Beginning(FREE, 2, 0, True, 0), Beginning(FREE, 1, 1, False, 0), Beginning(BACKUP, 1, 1, False, 0)]


@pytest.mark.parametrize("what", WORLDS, ids=str)
def test_every_world_is_safe_and_leads_back_to_normal(what):
    found = run(what)
    print("%d worlds, %d ways, in %d of them all is well" % (found.states, found.edges, found.wells))
    assert not found.problem, found.problem + "\n" + found.trace
    assert found.wells


def no_mclt(patch):
    """A lease is as long as the client wants it."""
    patch.setattr(times, "granted_s", lambda want_s, *_: want_s)


def no_wait(patch):
    """In PARTNER-DOWN what was promised is not waited for."""
    patch.setattr(times, "takeover_at", lambda promised, stos, mclt: stos)


def one_list(patch):
    """Both servers give away what is FREE."""
    was = times.may_allocate
    patch.setattr(times, "may_allocate", lambda primary, state, *rest: state == 1 or was(primary, state, *rest))


def no_consent(patch):
    """A lease that has ended is free at once, whoever knows of it."""

    def expired(self, row, now):
        self.table.set_tstp(row, min(self.table.ends(row), now))
        self.table.set_state(row, self.own)
        self._queue(row, now)

    patch.setattr(service.Service, "expired", expired)


def believes_all(patch):
    """Whatever the partner says of a lease that runs is taken."""
    patch.setattr(bindings, "_may_end", lambda *_: True)


def forgets_updates(patch):
    """What was on its way when the link broke is not sent again (as ISC dhcpd has it in RECOVER and PARTNER-DOWN)."""

    def requeue(self):
        self.out = 0
        for slot in range(len(self._rows)):
            self._rows[slot] = 0xFFFF

    patch.setattr(updates.Updates, "requeue", requeue)
    patch.setattr(updates.Updates, "put_pending", lambda self: None)


def trusts_new_boards(patch):
    """That a new board agrees to a lease's end frees the address."""
    patch.setattr(resync, "keep_promises", lambda peer: None)


def uses_old_lists(patch):
    """A new board gives away what is on the list of the one before it."""
    patch.setattr(service.Service, "hold", lambda self, until: None)


def tells_first(patch):
    """An ACK leaves before the lease is in flash."""
    from tests.simulation.explore.board import _Store

    patch.setattr(_Store, "persist", lambda self, row: None)


def never_done(patch):
    """UPDDONE is not sent."""
    patch.setattr(updates.Updates, "answer", lambda *_: None)


def gets_stuck(patch):
    """Two in PARTNER-DOWN leave each other alone."""
    stay = bytearray(states.ON_HEARD)
    at = stay.index(endpoint.PARTNER_DOWN, 2 * states.WIDTH)
    for column in range(6):
        stay[at + 1 + column] = 250
    patch.setattr(states, "ON_HEARD", bytes(stay))


def gives_back_nothing(patch):
    """What was free keeps the promise of its last lease for the next one."""

    def grant_s(self, row, want_s, now):
        return times.granted_s(want_s, self.table.tsfp(row), now, self.record.mclt)

    patch.setattr(service.Service, "grant_s", grant_s)


BUGS = (
    (no_mclt, Beginning(FREE, 0, 1, False, 0)),
    (no_wait, Beginning(FREE, 1, 1, False, 0)),
    (one_list, Beginning(FREE, 0, 0, False, 0)),
    (no_consent, Beginning(FREE, 1, 2, False, 0)),
    (forgets_updates, Beginning(FREE, 1, 1, False, 0)),
    (uses_old_lists, Beginning(FREE, 1, 1, False, 0)),
    (tells_first, Beginning(FREE, 0, 1, False, 0)),
    (never_done, Beginning(NEW, 0, 0, False, 0)),
    (gets_stuck, Beginning(FREE, 2, 0, True, 0)),
)
# These take minutes: DEEP=1 in the environment.
DEEP_BUGS = (
    (believes_all, Beginning(FREE, 1, 2, False, 45)),
    (trusts_new_boards, Beginning(FREE, 1, 2, False, 0)),
    (gives_back_nothing, Beginning(BACKUP, 1, 2, False, 0)),
)


@pytest.mark.parametrize(
    ("bug", "where"), BUGS + DEEP_BUGS * bool(os.environ.get("DEEP")), ids=lambda value: getattr(value, "__name__", "")
)
def test_a_deliberate_bug_is_found(monkeypatch, bug, where):
    bug(monkeypatch)
    found = run(where)
    assert found.problem
    print("%s: after %d worlds: %s\n%s" % (bug.__doc__, found.states, found.problem, found.trace))


def test_a_trace_tells_in_words_how_it_came_about(monkeypatch):
    no_mclt(monkeypatch)
    found = run(Beginning(FREE, 0, 1, False, 0))
    assert found.problem == "the primary grants 120 s; its partner has agreed to nothing", found.problem
    assert found.trace.split("\n")[-1].split("  ")[2].strip() == "X asks the primary"
