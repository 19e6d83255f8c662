"""The failover state machine against the reference's tables, cell by cell (sections 4.2 to 4.7)."""

import failover_tables as tables
from failover_tables import PARTNERS, SHORT
from twinlease.failover import endpoint, memory, words
from twinlease.failover import states as s

NOW = 100000
MCLT = 60
N, CI, PD, PC, RI, CD = [SHORT[x] for x in ("N", "CI", "PD", "PC", "RI", "CD")]
R, RW, RD, PA, SD, ST, U = SHORT["R"], SHORT["RW"], SHORT["RD"], SHORT["PA"], SHORT["SD"], s.STARTUP, s.UNKNOWN

# Where we leave ISC's tables; why is said at the top of states.py.  "say" is our state once more.
OURS_RUNNING = {
    "N": {"CI": "say", "RD": "say", "PC": "PC", "RI": "PC", "CD": "say"},
    "CI": {"CD": "N"},
    "PC": {"N": "ask", "PD": "say", "R": "PD", "RW": "PD"},
    "RI": {"R": "PD", "RW": "PD"},
    "CD": {"CI": "say", "PD": "PC", "CD": "PC", "R": "PD", "RW": "PD", "RD": "N", "PA": ".", "SD": "PD"},
    "R": {"N": "all", "PC": "all", "RI": "all", "CD": "all", "RW": "all", "RD": "all", "PA": "all", "SD": "all"},
    "RD": {"CI": "say", "PD": "say", "PC": "PC", "CD": "N"},
}
OURS_STARTUP = {
    "N": {"PC": "PC", "RI": "PC", "CD": "N"},
    "CI": {"PA": ".", "CD": "N"},
    "PC": {"N": "PC", "R": "PD", "RW": "PD"},
    "RI": {"R": "PD", "RW": "PD"},
    "R": {"N": "R", "PC": "R", "RI": "R", "CD": "R", "SD": "R"},
    "RD": {"PC": "PC", "CD": "N"},
    "CD": {"CI": "CD", "PD": "PC", "CD": "PC", "R": "PD", "RW": "PD", "RD": "N", "PA": "CD", "SD": "PD"},
}


def record(state, partner=U, primary=True, linked=True, heard=1, resume=None, served=NOW, asked_all=False):
    resume = state if resume is None else resume
    return s.Record(primary, MCLT, state, resume, 500, partner, served, linked, heard, asked_all)


def kinds(do):
    return [action[0] for action in do]


def said(do):
    return [action[1] for action in do if action[0] == s.SAY]


def test_every_pair_of_state_and_event_is_in_a_table():
    columns = [SHORT[p] for p in PARTNERS] + [U, ST]
    assert sorted(s.HEARS) == sorted(columns)
    running = [state for state in s.STATES if state != ST]
    assert sorted(tables.owns(s.ON_HEARD)) == sorted(running)
    assert sorted(tables.owns(s.ON_HEARD_STARTUP)) == sorted([state for state in running if state not in (PA, SD)])
    for table in (s.ON_HEARD, s.ON_HEARD_STARTUP, s.ON_UPDDONE_PRIMARY, s.ON_UPDDONE_SECONDARY):
        assert 1 + len(columns) == s.WIDTH and len(table) % s.WIDTH == 0
        for cells in tables.as_dict(table).values():
            for cell in cells.values():
                assert cell in s.STATES or cell in (s.SAY_AGAIN, s.REQUEST, s.REQUEST_ALL)
    for table in s._PLAIN + (s.ON_LINK_LOST, s.ON_STARTUP_TIMEOUT, s.ON_START):
        from_states = [table[at] for at in range(0, len(table), 2)]
        assert len(set(from_states)) * 2 == len(table), "pairs, each state once"
        for state in table:
            assert state in s.STATES
    for state in s.STATES:
        assert s.follow(s.ON_SAYS_PARTNER_DOWN, state) == PD


def test_every_step_of_every_event_from_every_state_is_defined():
    """No pair raises; what is said was persisted before, and no step leads out of the known states."""
    for primary in (True, False):
        for state in s.STATES:
            for resume in s.STATES if state == ST else (state,):
                for partner in s.HEARS:
                    for linked in (True, False):
                        for event in range(s.START, s.SAYS_RESUME + 1):
                            for arg in list(s.HEARS) + [77, 255] if event in (s.HEARD, s.HEARD_STARTING) else (NOW,):
                                if resume in (ST, PA, SD) and state == ST:
                                    continue  # START resumes neither
                                before = record(state, partner, primary, linked, int(linked), resume)
                                after, do = s.step(before, event, arg, NOW)
                                check(before, after, do)


def check(before, after, do):
    assert after.state in s.STATES and (after.state == ST or after.resume == after.state)
    flash = before
    for action in do:
        if action[0] == s.PERSIST:
            flash = action[1]
        elif action[0] == s.SAY:
            assert flash.resume == action[1] and flash.stos == action[3], "said before it was in flash"
    for name in ("resume", "partner", "stos"):
        if getattr(after, name) != getattr(before, name) and after.state != ST:
            assert getattr(flash, name) == getattr(after, name), name


def test_the_running_table_is_the_references_but_for_the_named_cells():
    used = 0
    for own, partner, cell in tables.cells(tables.RUNNING):
        ours = OURS_RUNNING.get(own, {}).get(partner)
        used += ours is not None
        assert ours is None or ours != cell, (own, partner, "is no departure")
        want = ours or cell
        got = s.cell(s.ON_HEARD, SHORT[own], SHORT[partner])
        right = {".": SHORT[own], "say": s.SAY_AGAIN}.get(want, SHORT.get(want))
        assert got == right, (own, partner, want, got)
    assert used == sum([len(row) for row in OURS_RUNNING.values()])


def test_the_startup_table_is_the_references_but_for_the_named_cells():
    for own, partner, cell in tables.cells(tables.STARTUP):
        want = OURS_STARTUP.get(own, {}).get(partner) or cell
        got = s.cell(s.ON_HEARD_STARTUP, SHORT[own], SHORT[partner])
        assert got == (SHORT[own] if want == "." else SHORT[want]), (own, partner, want, got)


def test_each_row_of_the_running_table_does_what_it_says():
    for own in tables.owns(s.ON_HEARD):
        for partner in s.HEARS:
            cell = s.cell(s.ON_HEARD, own, partner)
            after, do = s.step(record(own), s.HEARD, partner, NOW)
            assert after.partner == partner
            if cell == s.REQUEST_ALL:
                assert after.state == own and s.ASK_ALL in kinds(do) and after.asked_all
            elif cell == s.REQUEST:
                assert after.state == own and s.ASK in kinds(do)
            elif cell == s.SAY_AGAIN:
                assert after.state == own and said(do) == [own] and s.PERSIST in kinds(do)
            elif cell == own:
                assert after.state == own and not said(do)
            else:
                assert (s.MOVED, own, cell) in do, (own, partner)


def test_each_row_of_the_startup_table_does_what_it_says():
    for own in tables.owns(s.ON_HEARD_STARTUP):
        for partner in s.HEARS:
            after, do = s.step(record(ST, resume=own, heard=0), s.HEARD, partner, NOW)
            cell = R if (own, partner) == (RD, R) else s.cell(s.ON_HEARD_STARTUP, own, partner)
            assert (s.MOVED, ST, cell) in do and after.state != ST, (own, partner)


def test_no_state_ends_in_shutdown_but_by_the_operator():
    for own in tables.owns(s.ON_HEARD):
        for partner in s.HEARS:
            for event in (s.HEARD, s.HEARD_STARTING):
                assert own == SD or s.step(record(own), event, partner, NOW)[0].state != SD


def test_partner_down_is_the_state_that_looks_at_the_startup_flag():
    for partner in (N, CI, PD, PC, RI, CD, R, RW, RD):
        assert s.step(record(PD), s.HEARD_STARTING, partner, NOW)[0].state == PD
        assert s.step(record(ST, resume=PD), s.HEARD_STARTING, partner, NOW)[0].state == PD
    assert s.step(record(CI), s.HEARD_STARTING, N, NOW)[0].state == N


def test_state_numbers_that_do_not_exist_change_nothing():
    """ISC goes to SHUTDOWN."""
    for number in (12, 13, 99, 253, 255):
        for own in tables.owns(s.ON_HEARD):
            assert s.step(record(own), s.HEARD, number, NOW)[0].state == own


# Entering a state: reference section 4.2.


def test_normal_sends_what_is_pending_before_it_is_announced_and_balances():
    _, do = s.step(record(CI, N), s.HEARD, N, NOW)
    assert kinds(do).index(s.FLUSH) < kinds(do).index(s.SAY) < kinds(do).index(s.BALANCE)


def test_leaving_normal_conflict_or_partner_down_queues_what_is_unacknowledged():
    for own, partner in ((N, R), (PD, N), (PC, SD)):
        assert s.REQUEUE in kinds(s.step(record(own), s.HEARD, partner, NOW)[1])


def test_every_lost_link_queues_what_is_unacknowledged():
    for own in s.STATES:
        resume = N if own == ST else own
        after, do = s.step(record(own, resume=resume), s.LINK_LOST, 0, NOW)
        assert do[0] == (s.REQUEUE,) and not after.linked
        assert after.state == {N: CI, PC: RI, ST: CI}.get(own, own)
        assert s.step(after, s.LINK_LOST, 0, NOW) == (after, ())


def test_interrupted_starts_the_timer_and_every_change_stops_it():
    _, do = s.step(record(N), s.LINK_LOST, 0, NOW)
    assert kinds(do)[-1] == s.ARM_AUTO and s.CANCEL_AUTO in kinds(do)
    after, do = s.step(record(CI, linked=False), s.AUTO_PARTNER_DOWN, 0, NOW)
    assert after.state == PD and s.CANCEL_AUTO in kinds(do)
    assert s.step(record(N), s.AUTO_PARTNER_DOWN, 0, NOW) == (record(N), ())


def test_primary_asks_on_entering_conflict_and_secondary_once_the_partner_is_done():
    assert s.ASK in kinds(s.step(record(PD), s.HEARD, PD, NOW)[1])
    assert s.ASK not in kinds(s.step(record(PD, primary=False), s.HEARD, PD, NOW)[1])
    assert s.ASK in kinds(s.step(record(PD, primary=False), s.HEARD, CD, NOW)[1])
    assert s.ASK in kinds(s.step(record(PC, PC, primary=False), s.HEARD, CD, NOW)[1])


def test_an_unanswered_request_for_all_is_repeated_as_such():
    after, do = s.step(record(PC, PC, asked_all=True), s.HEARD, CD, NOW)
    assert s.ASK_ALL in kinds(do) and s.ASK not in kinds(do) and after.asked_all
    assert not s.step(after, s.UPDDONE, 0, NOW)[0].asked_all


# UPDDONE: reference section 4.5.


def test_recovered_waits_for_mclt_unless_the_partner_recovers_too():
    for partner in (N, CI, PD, PC, RI, CD, RW, PA, SD):
        after, do = s.step(record(R, partner, heard=0), s.UPDDONE, 0, NOW)
        assert after.state == RW and do[-1] == (s.ARM_WAIT, NOW + MCLT), partner
    for partner in (R, RD):
        assert (s.MOVED, R, RD) in s.step(record(R, partner), s.UPDDONE, 0, NOW)[1]
    assert s.step(record(R, PD, served=NOW - MCLT), s.UPDDONE, 0, NOW)[0].state == RD


def test_a_server_that_never_served_does_not_wait():
    new = memory.first(False, MCLT, NOW, served_until=0)
    new, _ = s.step(new, s.START, 0, NOW)
    new, _ = s.step(new, s.CONNECTED, 0, NOW)
    new, _ = s.step(new, s.HEARD, PD, NOW)
    assert new.state == R and s.step(new, s.UPDDONE, 0, NOW)[0].state == RD
    lost, _ = s.step(memory.first(False, MCLT, NOW), s.START, 0, NOW)
    assert s.wait_until(lost) == NOW + MCLT


def test_the_wait_counts_from_when_we_last_served():
    """Up for a week in NORMAL, then down for 10 s: ISC would not wait at all (reference section 10, item 6)."""
    week = 604800
    was = s.Record(False, MCLT, N, N, NOW, N, NOW, False, 0, False)
    back, _ = s.step(was, s.START, NOW + week, NOW + week + 10)
    back, _ = s.step(back, s.CONNECTED, 0, NOW + week + 10)
    back, _ = s.step(back, s.HEARD, PD, NOW + week + 10)
    assert back.state == R
    back, do = s.step(back, s.UPDDONE, 0, NOW + week + 10)
    assert back.state == RW and do[-1] == (s.ARM_WAIT, NOW + week + MCLT)


def test_upddone_in_conflict():
    for partner in (PC, PD, CI, RI, R, RW, RD):
        assert s.step(record(PC, partner), s.UPDDONE, 0, NOW)[0].state == CD
        assert s.step(record(PC, partner, primary=False), s.UPDDONE, 0, NOW)[0].state == PC
    for primary in (True, False):
        for partner in (CD, N):
            assert s.step(record(PC, partner, primary), s.UPDDONE, 0, NOW)[0].state == N


def test_upddone_elsewhere_is_ignored():
    for own in s.STATES:
        if own not in (R, PC):
            resume = N if own == ST else own
            after, do = s.step(record(own, resume=resume, asked_all=True), s.UPDDONE, 0, NOW)
            assert after.state == own and not after.asked_all
            assert do == (((s.PERSIST, after),) if own in s.SERVING else ())


def test_partner_down_without_data_asks_for_all_and_serves_nobody_on_the_link_before_it_has_it():
    for primary in (True, False):
        alone = s.step(record(R, s.UNKNOWN, primary, linked=False, heard=0), s.SAYS_PARTNER_DOWN, 0, NOW)[0]
        assert alone.state == PD and alone.asked_all and endpoint.serves(alone)
        for saved in (alone, s.step(s.step(alone, s.START, NOW, NOW)[0], s.STARTUP_TIMEOUT, 0, NOW)[0]):
            linked = s.step(saved, s.CONNECTED, 0, NOW)[0]
            assert linked.state == PD and not endpoint.serves(linked)
            heard, do = s.step(linked, s.HEARD, R, NOW)
            assert (s.ASK_ALL,) in do and not endpoint.serves(heard)
            normal = s.step(heard, s.HEARD, RD, NOW)[0]
            assert normal.state == N and not endpoint.serves(normal)
            done, do = s.step(normal, s.UPDDONE, 0, NOW)
            assert endpoint.serves(done) and do == ((s.PERSIST, done),)
            assert endpoint.serves(s.step(normal, s.LINK_LOST, 0, NOW)[0]), "alone again"
    with_data = s.step(record(CI, linked=False, heard=0), s.SAYS_PARTNER_DOWN, 0, NOW)[0]
    assert with_data.state == PD and not with_data.asked_all


def test_wait_over_ends_recover_wait_linked_or_not():
    assert s.step(record(RW, linked=False, heard=0), s.WAIT_OVER, 0, NOW)[0].state == RD
    after, do = s.step(record(RW, RD), s.WAIT_OVER, 0, NOW)
    assert after.state == N and said(do) == [RD, N]


def test_recover_done_takes_no_old_word_for_normal():
    """The partner's NORMAL may be from before it heard that we recover: then it is in PARTNER-DOWN, and has our list."""
    after, do = s.step(record(RW, N), s.WAIT_OVER, 0, NOW)
    assert after.state == RD and said(do) == [RD]
    assert s.step(after, s.HEARD, N, NOW)[0].state == N


# STARTUP: reference section 4.4.


def test_startup_ends_after_its_time():
    for saved, then in ((N, CI), (PC, RI), (CI, CI), (PD, PD), (RI, RI), (CD, CD), (R, R), (RD, RD)):
        after, do = s.step(record(ST, resume=saved, linked=False, heard=0), s.STARTUP_TIMEOUT, 0, NOW)
        assert after.state == then and not said(do)
    ended = record(ST, resume=RW, linked=False, heard=0, served=NOW - MCLT)
    assert s.step(ended, s.STARTUP_TIMEOUT, 0, NOW)[0].state == RD
    assert s.step(record(N), s.STARTUP_TIMEOUT, 0, NOW) == (record(N), ())


def test_a_restart_resumes_what_was_and_ends_paused_and_shutdown():
    for saved in (N, CI, PD, PC, RI, CD, R, RW, RD):
        after, do = s.step(record(saved), s.START, NOW, NOW)
        assert (after.state, after.resume, after.linked) == (ST, saved, False) and (s.ARM_STARTUP,) in do
    assert s.step(record(PA), s.START, NOW, NOW)[0].resume == CI
    assert s.step(record(SD), s.START, NOW, NOW)[0].resume == R


def test_stos_survives_a_restart_and_is_set_by_a_change():
    after, _ = s.step(record(CI), s.START, NOW, NOW)
    after, _ = s.step(after, s.STARTUP_TIMEOUT, 0, NOW)
    assert after.stos == 500
    assert s.step(after, s.SAYS_PARTNER_DOWN, 0, NOW)[0].stos == NOW
    assert s.step(record(R, N), s.UPDDONE, 0, NOW)[0].stos == 500  # RECOVER-WAIT keeps that of RECOVER


# The first words on a link.


def test_primary_speaks_first_and_secondary_answers():
    _, do = s.step(record(CI, linked=False, heard=0), s.CONNECTED, 0, NOW)
    assert said(do) == [CI]
    second, do = s.step(record(CI, primary=False, linked=False, heard=0), s.CONNECTED, 0, NOW)
    assert not said(do)
    assert said(s.step(second, s.HEARD, PA, NOW)[1]) == [CI]


def test_starting_is_told_with_the_state_of_before():
    _, do = s.step(record(ST, resume=N, linked=False, heard=0), s.CONNECTED, 0, NOW)
    assert do == ((s.SAY, N, True, 500),)


def test_conflict_done_hears_only_what_an_isc_survives():
    """Reference section 0, item 4; SHUTDOWN it would follow."""
    for own in tables.owns(s.ON_HEARD):
        for asked in (False, True):
            second = record(own, U, primary=False, heard=0, asked_all=asked)
            after, do = s.step(second, s.HEARD, CD, NOW)
            words = said(do)
            for event in (s.UPDDONE, s.WAIT_OVER, s.SAYS_PARTNER_DOWN, s.SAYS_PAUSE, s.SAYS_SHUTDOWN, s.SAYS_RESUME):
                words.extend(said(s.step(after, event, 0, NOW)[1]))
            assert not [word for word in words if word not in (N, PC, RI)], (own, words)


def test_what_was_left_unsaid_is_said_later():
    second, do = s.step(record(R, U, primary=False, heard=0), s.HEARD, CD, NOW)
    assert not said(do)
    assert said(s.step(second, s.HEARD, N, NOW)[1]) == [R]


# Who answers clients: reference section 4.7.


def test_service_table():
    for own in s.STATES:
        for partner in s.HEARS:
            resume = N if own == ST else own
            linked = record(own, partner, resume=resume)
            want = own in (N, CI, PD) and partner not in (PD, PC, CD, RI)
            assert endpoint.serves(linked) == want, (own, partner)
            alone = record(own, partner, linked=False, resume=resume)
            assert endpoint.serves(alone) == (own in (N, CI, PD)), "a partner that is not there vetoes nothing"
            assert endpoint.balances(linked) == (own == N and partner == N)


def test_the_log_speaks_as_isc_does():
    assert words.move_line("p1", CI, N) == "failover peer p1: I move from communications-interrupted to normal"
    assert words.partner_line("p1", U, R) == "failover peer p1: peer moves from unknown-state to recover"
    assert [words.NAMES[x] for x in (RW, RI, CD, PC, ST)] == [
        "recover-wait",
        "resolution-interrupted",
        "conflict-done",
        "potential-conflict",
        "startup",
    ]
