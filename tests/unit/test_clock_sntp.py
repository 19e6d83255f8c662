"""Time servers overrule every other clock: leases move with the step, power cuts or not, and none ends early."""

import asyncio

import chips
from leases import Nor, check
from nor import KINDS, PowerCut
from test_clock_steps import DAY, Partner, T, boot, give, left, run
from twinlease import epoch, move, start, stepping
from twinlease.app import App
from twinlease.clock import JOURNAL, PARTNER, RTC, SNTP
from twinlease.lease.row import ABANDONED, PROVISIONAL
from twinlease.net import sntp_round
from twinlease.net.sntp import Sntp

YEAR = 365 * DAY


def sntp(app, offset_s, error_ms=10):
    assert stepping.by(app, offset_s * 1000, error_ms, SNTP)


def test_a_board_without_a_clock_takes_its_provisional_leases_along():
    app = boot(Nor(64), None)
    run(app, 100)
    give(app, 0, 7200)
    sntp(app, T)
    assert app.clock.source == SNTP and app.clock.trusted and app.clock.now == T + 100
    assert left(app, 0) == 7200 and not app.table.flags(0) & PROVISIONAL
    assert app.board.said[-1] == "Time from sntp, %d s later than we thought; before: none" % T


def test_a_clock_a_year_ahead_is_set_back_and_what_it_gave_moves_back():
    flash = Nor(64)
    app = boot(flash, T)
    give(app, 0, 10 * DAY)  # by a clock that was right
    flash = flash.reboot()
    app = boot(flash, T + YEAR)
    run(app, 100)
    give(app, 1, 7200)
    app.table.set_state(2, ABANDONED)
    app.table.set_times(2, app.clock.now + 600, app.clock.now)
    sntp(app, -YEAR)
    assert app.clock.now == T + 100
    assert left(app, 1) == 7200, "its client was promised that, and no year"
    assert left(app, 2) == 600
    assert left(app, 0) == 10 * DAY - 100, "given by a clock that was right"
    check(app.table)


def test_a_lease_of_an_earlier_start_stays_when_the_clock_is_set_back():
    """It may have been given by a clock that was right, or ahead by less; it lasts too long at worst."""
    flash = Nor(64)
    app = boot(flash, T + 10 * DAY)
    give(app, 0, 7200)
    flash = flash.reboot()
    app = boot(flash, T + YEAR)
    run(app, 100)
    ends = app.table.ends(0)
    sntp(app, -YEAR)
    assert app.table.ends(0) == ends and app.table.cltt(0) <= app.clock.now


def test_after_a_step_back_the_next_start_begins_where_time_is():
    flash = Nor(64)
    app = boot(flash, T + YEAR)
    run(app, 4000)
    give(app, 0, 7200)
    sntp(app, -YEAR)
    run(app, 10)
    flash = flash.reboot()
    app = boot(flash, None)
    assert T + 4000 <= app.clock.now <= T + 4010, app.clock.now - T
    assert app.clock.source == JOURNAL and 7190 <= left(app, 0) <= 7200
    run(app, 4000)  # the floor is written as ever
    flash = flash.reboot()
    app = boot(flash, None)
    assert T + 7600 <= app.clock.now <= T + 8010


def test_a_clock_behind_takes_every_lease_along():
    flash = Nor(64)
    app = boot(flash, T)
    give(app, 0, DAY)
    flash = flash.reboot()
    app = boot(flash, T)
    give(app, 1, 7200)
    sntp(app, 3600)
    assert (left(app, 0), left(app, 1)) == (DAY, 7200) and app.clock.now == T + 3600


def test_a_guess_ahead_of_time_is_set_back():
    flash = Nor(64)
    app = boot(flash, T + YEAR)
    run(app, 4000)
    flash = flash.reboot()
    app = boot(flash, None)
    assert not app.clock.trusted
    give(app, 0, 7200)
    sntp(app, -YEAR)
    assert left(app, 0) == 7200 and not app.table.flags(0) & PROVISIONAL


def test_within_what_the_clock_was_known_to_be_off_by_no_lease_moves():
    app = boot(Nor(64), T)
    give(app, 0, 7200)
    programmed = app.journal.programmed
    assert stepping.by(app, 1400, 10, SNTP)
    assert app.clock.now == T + 1 and app.clock.ms == 400 and app.table.ends(0) == T + 7200
    assert app.journal.programmed == programmed
    assert app.board.said[-1] == "Time from sntp, 1.400 s later than we thought; before: rtc"


def test_time_servers_overrule_a_partner_and_what_it_told_moves_back():
    flash = Nor(64)
    app = boot(flash, T)
    run(app, 10)
    flash = flash.reboot()
    app = boot(flash, None)
    app.hear_partner(Partner(T + YEAR))
    assert app.clock.source == PARTNER
    run(app, 10)
    give(app, 0, 7200)
    sntp(app, -YEAR)
    assert app.clock.source == SNTP and left(app, 0) == 7200


def test_the_boards_own_clock_is_not_heard_once_servers_have_told_the_time():
    app = boot(Nor(64), T)
    sntp(app, 0)
    app.board.now += 3600
    run(app, 300)
    assert app.clock.source == SNTP and app.clock.now == T + 300


def test_a_partner_is_not_heard_once_servers_have_told_the_time():
    app = boot(Nor(64), None)
    sntp(app, T)
    assert app.clock.trusted and app.clock.source == SNTP  # and net/failover asks no partner then


def test_where_leases_are_at_stake_time_servers_are_asked_before_a_clock_far_ahead_is_believed():
    flash = Nor(64)
    app = boot(flash, T)
    give(app, 0, 7200)
    flash = flash.reboot()
    app = boot(flash, T + YEAR, servers=True)
    assert not app.clock.trusted and app.clock.now == T and left(app, 0) == 7200
    run(app, 50)
    sntp(app, 5)
    assert left(app, 0) == 7150 - 5, "no year has passed for it"
    flash = flash.reboot()
    app = boot(flash, T + YEAR, servers=True)
    run(app, 70)  # no server answers: it says so twice, a minute apart
    assert app.clock.trusted and app.clock.source == RTC and app.clock.now == T + YEAR + 70
    flash = flash.reboot()
    app = boot(flash, T + YEAR + 3600, servers=True)
    assert app.clock.trusted, "an hour is no distance"


def test_a_power_cut_while_leases_move_back_ends_none_early_and_none_late():
    for cut in range(9):
        for kind in KINDS:
            flash = Nor(64)
            app = boot(flash, T, 40)
            for row in range(20):
                give(app, row, 10 * DAY)
            flash = flash.reboot()
            app = boot(flash, T + YEAR, 40)
            run(app, 61)
            for row in range(20, 40):
                give(app, row, 7200)
            app.journal.sync()
            flash.cut_at(cut, kind, cut + 1)
            done = False
            try:
                move.back(app.table, app.journal, -YEAR, app.since, app.clock.now - YEAR)
                done = True
            except PowerCut:
                pass
            flash = flash.reboot()
            app = boot(flash, None, 40)
            ends = [app.table.ends(row) - T for row in range(40)]
            assert ends[:20] == [10 * DAY] * 20, (cut, kind)
            assert ends[20:] in ([7261] * 20, [YEAR + 7261] * 20), (cut, kind, ends)
            assert ends[20] == 7261 or cut == 0, "noted first: finished at the next start"
            assert not done or cut > 4
            check(app.table)


def test_a_board_that_does_not_know_of_time_servers_believes_its_clock_at_once():
    assert start._is_asked_first(boot(Nor(64), T), T, T + YEAR) is False


def look(server):
    """A round in which no server is due."""
    server.state.sources[0].next_at = 1000
    asyncio.run(sntp_round.ask(server))


def test_what_time_servers_tell_is_kept_by_the_chips_clock_and_a_partners_word_is_not():
    chip = chips.install("esp32")
    app = boot(Nor(64), None)
    app.board.name = "esp32"
    app.board.now = 12  # since power-on: nobody has set it
    app.hear_partner(Partner(T))
    assert app.clock.source == PARTNER and chip.machine.clock is None
    server = Sntp(app, (b"\x0a\0\0\1",))
    look(server)
    assert chip.machine.clock is None
    sntp(app, 500)
    look(server)
    assert app.clock.source == SNTP and chip.machine.clock == tuple(epoch.calendar(T + 500))[:6]
    chip.machine.clock, app.board.now = None, T + 500
    look(server)
    assert chip.machine.clock is None, "it is right: why load what sets it"
    app.board.now += 1
    look(server)
    assert chip.machine.clock == tuple(epoch.calendar(T + 500))[:6], "a crystal that nobody trims drifts"


class Linked(Partner):
    """A partner whose clock is known to be ahead by `skew`."""

    def __init__(self, app, skew, owns=True):
        super().__init__(app.clock.now + skew)
        self.skew = skew
        self.partner_owns = owns


def told_by_partner():
    flash = Nor(64)
    app = boot(flash, T)
    run(app, 10)
    flash = flash.reboot()
    app = boot(flash, None)
    app.hear_partner(Partner(T + 1000))
    run(app, 10)
    give(app, 0, 7200)
    return app


def test_a_board_that_has_its_time_from_its_partner_follows_it_when_it_is_set():
    for skew in (90, -90, 86400, -400):
        app = told_by_partner()
        now = app.clock.now
        app.hear_partner(Linked(app, skew))
        assert app.clock.now == now + skew and app.clock.source == PARTNER and left(app, 0) == 7200, skew


def test_it_does_not_follow_its_own_word_nor_one_that_cannot_be():
    for skew, owns in ((90, False), (0, True), (None, True), (4, True), (-5, True), (-2000, True), (3 * YEAR, True)):
        app = told_by_partner()
        now = app.clock.now
        partner = Linked(app, skew or 0, owns)
        partner.skew = skew
        app.hear_partner(partner)
        assert app.clock.now == now, skew


def test_the_server_knows_whose_time_it_is():
    app = told_by_partner()

    class Server:
        pass

    app.node = app
    app.server = Server()
    App.tell_time(app)
    assert app.server.trusted_time and not app.server.own_time
    sntp(app, 5)
    App.tell_time(app)
    assert app.server.trusted_time and app.server.own_time
