"""A microcontroller from power-on to its Board, with the chip's littlefs as the root, on chips that are doubles.

MicroPython only: CPython has no littlefs. What a board does while it serves is tested here too.
"""

import asyncio
import sys

import chips

try:
    import vfs
except ImportError:
    import pytest

    pytest.skip("CPython has no littlefs to be a board's root", allow_module_level=True)
from twinlease.board import ALONE, FAULT, NORMAL, settings

WIFI = 'network wifi;\nwifi "office" "secret";\naddress 10.77.0.2/16;\nhost-name twin-a;\nled 2;\nbutton 4;\n'


class Site:
    """A chip whose file system is the root, as long as the `with` lasts; the computer's is at /host meanwhile."""

    def __init__(self, platform, conf="", blocks=96, partition=True):
        self.platform = platform
        self.conf = conf
        self.nor = chips.Nor(blocks, 256 if platform == "rp2" else 1)
        self.leases = chips.Nor(16)
        self.partitions = {"vfs": self.nor}
        if partition:
            self.partitions["leases"] = self.leases
        self.chip = None
        self.printed = []

    def __enter__(self):
        progsize = 256 if self.platform == "rp2" else 32
        vfs.mount(vfs.VfsPosix("/"), "/host")
        self.path = sys.path[:]
        sys.path[:] = [("/host" + path if path.startswith("/") else path) for path in self.path]
        _move_packages(lambda path: "/host" + path)
        vfs.umount("/")
        vfs.VfsLfs2.mkfs(chips.Block(self.nor), progsize=progsize, readsize=32)
        vfs.mount(vfs.VfsLfs2(chips.Block(self.nor), progsize=progsize, readsize=32), "/")
        if self.conf:
            self.put("/board.conf", self.conf)
        return self

    def __exit__(self, *why):
        vfs.umount("/")
        vfs.mount(vfs.VfsPosix("/"), "/")
        vfs.umount("/host")
        sys.path[:] = self.path
        _move_packages(lambda path: path[5:])

    def put(self, path, text):
        f = open(path, "w")
        f.write(text)
        f.close()

    def start(self, again=None, cause=1, held=0):
        """Power on, or start again after what `again` left in memory; returns the Board."""
        chip = chips.install(self.platform, self.nor, self.partitions)
        if again:
            chip.machine.memory = again.machine.memory
        chip.machine.cause = cause
        self.chip = chip
        steps = [held // 50]

        def pressed():
            steps[0] -= 1
            return 0 if steps[0] >= 0 else 1

        from twinlease.board import bringup, hold

        hold._button = lambda words: ((lambda: not pressed()), 0)
        bringup.time = _Quick
        board = bringup.open_board(self.platform)
        board.log.drain = lambda: None
        return board

    def logged(self, board):
        log = board.log
        text = bytes([log._ring[(log._at + i) % len(log._ring)] for i in range(log._n)]).decode()
        return text.strip().split("\n") if text else []


def _move_packages(to):
    for module in sys.modules.values():
        if hasattr(module, "__path__") and module.__path__.startswith("/"):  # the others are frozen
            module.__path__ = to(module.__path__)


class Rest:
    """rest.py, as boot.py has left it."""

    ended = False

    def end(self):
        self.ended = True


class _Quick:
    sleep_ms = staticmethod(lambda ms: None)


def ended(call):
    try:
        call()
    except chips.Reset:
        return True
    return False


def test_a_board_with_its_settings_is_on_the_network_with_leases_in_flash():
    for platform in ("esp32", "rp2"):
        with Site(platform, WIFI) as site:
            board = site.start()
            assert board.name == platform and board.reset_cause == "power-on" and not board.refused, board.refused
            assert [i.name for i in board.interfaces] == ["wlan0"]
            assert site.chip.network.told["hostname"] == ("twin-a",) and board.host_name == "twin-a"
            assert board.leases.program_unit == (256 if platform == "rp2" else 1)
            assert board.leases.size == (98304 if platform == "rp2" else 65536)
            board.leases.erase(1)
            board.leases.program(4096, bytes(256))
            board.store_config("authoritative;\n")
            assert board.load_config() == "authoritative;\n"
            board.release_files()
            for module in ("settings", "hold", "carve", platform, "lan", "w5500", "files"):
                assert "twinlease.board." + module not in sys.modules, module


def test_only_what_a_board_is_wired_for_is_loaded():
    with Site("esp32", "network lan8720 mdc 23 mdio 18 clock-out 17;\naddress 10.77.0.2/16;\n") as site:
        site.start()
        assert "twinlease.board.lan" in sys.modules
        for module in ("wifi", "w5500", "lamp", "unix", "carve"):
            assert "twinlease.board." + module not in sys.modules, module


def test_an_esp32_without_a_partition_takes_files_where_it_is_told_to():
    with Site("esp32", WIFI, partition=False) as site:
        board = site.start()
        assert "flash has no partition named leases" in board.refused and board.leases is None
        assert board.interfaces, "the console is there to mend it, and the network too"
    with Site("esp32", WIFI + "leases 40960;\n", partition=False) as site:
        board = site.start()
        assert not board.refused and board.leases.size == 40960 and board.leases.program_unit == 1


def test_what_is_wrong_in_the_settings_is_said_and_the_console_is_there():
    for conf, why in (
        ("network wifi;\nadress 10.0.0.1/8;\n", "board.conf: line 2: adress is unknown"),
        ("address 10.0.0.1/8;\n", "board.conf: a statement is missing: network"),
        ("network wifi;\naddress 10.0.0.1;\nwifi x;\n", "write it with its prefix length"),
        ("network wifi;\naddress 10.0.0.1/8;\n", "its name is missing"),
        ("network lan8720 mdc 1 mdio 2;\naddress 10.0.0.1/8;\n", "this port has wifi and w5500"),
    ):
        with Site("rp2", conf) as site:
            board = site.start()
            assert why in board.refused and not board.interfaces, (conf, board.refused)


def test_a_new_board_has_no_address_yet_and_says_so():
    with Site("rp2") as site:
        board = site.start()
        assert board.told["network"] == ["wifi"] and not board.interfaces and not board.refused
        assert "This board has no address yet: set it up at its console" in site.logged(board)
        told = dict(board.told)
        told["address"], told["wifi"] = ["10.77.0.9/16"], ["office", "secret"]
        board.store_settings(told)
        assert site.start().interfaces[0].address == bytes((10, 77, 0, 9))


def test_the_button_at_power_on():
    for held, safe in ((0, False), (300, False), (2000, True), (60000, False)):
        with Site("esp32", WIFI) as site:
            board = site.start(held=held)
            assert bool(board.refused) == safe and board.load_config() is None
            assert bool(board.interfaces), "safe mode is no service; the network is there"


def test_a_factory_reset_by_the_button_keeps_the_wiring_only():
    with Site("esp32", WIFI) as site:
        board = site.start()
        board.store_config("authoritative;\n")
        board.leases.program(0, b"\0" * 64)
        board = site.start(held=12000)
        assert board.load_config() is None and sorted(board.told) == ["button", "led", "network"]
        assert not board.interfaces and site.leases.octets[:64] == b"\xff" * 64
        assert settings.parse(open("/board.conf").read()) == board.told
        assert "Everything that this board knew is gone" in site.logged(board)


def test_the_button_counts_at_power_on_only():
    with Site("esp32", WIFI) as site:
        board = site.start(held=12000, cause=2)
        assert not board.refused and "address" in board.told


def test_the_reset_cause_tells_what_was_wanted_from_what_went_wrong():
    for platform in ("esp32", "rp2"):
        with Site(platform, WIFI) as site:
            board = site.start()
            first = site.chip
            assert board.reset_cause == "power-on"
            assert ended(lambda: board.reset("asked for"))  # noqa: B023
            after_reset = first.machine.cause
            assert site.start(first, after_reset).reset_cause == "reset"
            assert site.start(site.chip, 3).reset_cause == "watchdog"
            if platform == "esp32":
                assert site.start(site.chip, 2).reset_cause == "crash", "a panic"
                assert site.start(site.chip, 5).reset_cause == "soft reset"
            site.start().close()
            assert site.start(site.chip, after_reset).reset_cause == "reset", "mpremote reset, after an orderly end"


def test_the_watchdog_begins_with_the_service_and_only_the_service_feeds_it():
    for platform, ms in (("esp32", 30000), ("rp2", 8000)):
        with Site(platform, WIFI) as site:
            board = site.start()
            machine = site.chip.machine
            for task in board.tasks():
                task.close()
            assert machine.watchdog is None, "nothing serves yet"
            board.tick(NORMAL)
            board.tick(NORMAL)
            assert machine.watchdog.timeout == ms and machine.watchdog.fed == 2
            board.close()
            assert machine.timers or machine.watchdog.timeout == 3600000, "the interpreter is left in peace"
            board = site.start(site.chip, 5 if platform == "esp32" else 3)
            if platform == "rp2":
                rest = sys.modules["twinlease.board.rest"] = Rest()
                board.tick(NORMAL)
                assert rest.ended and "twinlease.board.rest" not in sys.modules, "boot.py's timer ends with the first"
    with Site("esp32", WIFI + "watchdog off;\n") as site:
        board = site.start()
        board.tick(NORMAL)
        assert site.chip.machine.watchdog is None
    with Site("rp2", WIFI + "watchdog 20;\n") as site:
        board = site.start()
        board.tick(NORMAL)
        assert site.chip.machine.watchdog.timeout == 8000, "a Pico has no longer one"


def test_the_led_shows_a_fault_while_there_is_no_link():
    with Site("esp32", WIFI) as site:
        board = site.start()
        assert board.shown() == FAULT
        board.tick(ALONE)
        assert board.shown() == FAULT, "the link is not up"
        site.chip.network.wlan.link = True
        board.interfaces[0].tend(board.say)
        assert board.shown() == ALONE


def test_links_are_watched_beside_the_service():
    with Site("esp32", WIFI) as site:
        board = site.start()
        watching = board._watching()
        site.chip.network.wlan.link = True

        async def some():
            task = asyncio.create_task(watching)
            while "wlan0: link up" not in site.logged(board):
                await asyncio.sleep(0)
            task.cancel()

        asyncio.run(some())


def test_the_log_keeps_the_newest_lines_and_waits_for_the_console():
    with Site("esp32", WIFI) as site:
        board = site.start()
        for i in range(400):
            board.say("line %d" % i)
        lines = site.logged(board)
        assert lines[-1] == "line 399" and 75 < len(lines) < 150 and lines[1] == "line %d" % (400 - len(lines) + 1)
        board.log.write(b"x" * 5000 + b"\nlast\n")
        assert site.logged(board)[-1] == "last"
        assert board.log.may_write()
        board.serial.used_at = board.ticks_ms()
        assert not board.log.may_write()


def test_a_service_that_ends_lets_mpremote_reset_the_board_without_a_lie():
    with Site("rp2", WIFI) as site:
        board = site.start()
        board.close()
        assert bytes(site.chip.machine.memory[:3]) == b"TL\1"
