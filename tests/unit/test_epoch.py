"""Ports count their seconds from 1970 or from 2000; ours are the same on all of them."""

import chips
from twinlease import epoch
from twinlease.board import rtc


class Port:
    """What a port's `time` module says at 2026-11-22 20:30:00 UTC, project second 217542600."""

    def __init__(self, year):
        self.ahead = 946684800 if year == 2000 else 0
        self.year = year

    def gmtime(self, s):
        return (self.year, 1, 1) if s == 0 else s + self.ahead  # as Unix seconds, for who asks for more

    def time_ns(self):
        return (1795379400 - self.ahead) * 1000000000 + 999


def test_both_epochs_give_the_same_project_seconds():
    time = epoch.time
    try:
        for year in (1970, 2000):
            epoch.time = Port(year)
            assert epoch.now() == 217542600, year
            assert epoch.calendar(217542600) == 1795379400, year
    finally:
        epoch.time = time


def test_the_calendar_of_this_port():
    assert tuple(epoch.calendar(0))[:6] == (2020, 1, 1, 0, 0, 0)
    assert tuple(epoch.calendar(217542600))[:6] == (2026, 11, 22, 20, 30, 0)


class Board:
    def __init__(self, name):
        self.name = name


class Clock:
    now, ms = 217542600, 750


def test_the_chips_clock_is_set_to_the_same_second_on_both_ports():
    """Which of the two epochs a port has is its RTC's own affair: that is told the calendar."""
    for platform, second, us in (("esp32", 0, 750000), ("rp2", 1, 0)):  # a Pico takes whole seconds: the nearest
        chip = chips.install(platform)
        rtc.set(Board(platform), Clock)
        assert chip.machine.clock == (2026, 11, 22, 20, 30, second) and chip.machine.clock_us == us, platform


def test_a_process_leaves_its_hosts_clock_alone():
    chip = chips.install("esp32")
    rtc.set(Board("unix"), Clock)
    assert chip.machine.clock is None
