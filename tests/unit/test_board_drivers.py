"""Network drivers, watchdog, LED, button and reset cause against doubles that keep the ports' rules (chips.py)."""

import chips
from twinlease.board import settings

TOLD = {"network": ["wifi"], "address": ["10.77.0.2/16"], "router": ["10.77.0.1"], "wifi": ["office", "secret"]}


def up(platform, driver, text):
    """(chip, what the driver made) for a board.conf of this text."""
    chip = chips.install(platform)
    told = dict(TOLD)
    told.update(settings.parse(text))
    module = __import__("twinlease.board." + driver, None, None, ("up",))
    return chip, module.up(told["network"], told)


def seconds(nic, n):
    """Let so many seconds go by; returns what the log says."""
    said = []
    for _ in range(n):
        nic.tend(said.append)
    return said


def refused(call):
    try:
        call()
    except ValueError as e:
        return e.args[0]
    return ""


def test_wifi_has_its_address_and_no_power_saving_before_it_joins():
    for platform in ("esp32", "rp2"):
        chip, wifi = up(platform, "wifi", "country DE;")
        wlan = chip.network.wlan
        assert wlan.on and wlan.joined == [("office", "secret")]
        assert wlan.settings["pm"] == chip.network.WLAN.PM_NONE and chip.network.told["country"] == ("DE",)
        assert wlan.addr4[0] == "10.77.0.2" and not wlan.dhcp and wlan.gw4 == "10.77.0.1"
        assert (wifi.name, wifi.address, wifi.prefix) == ("wlan0", bytes((10, 77, 0, 2)), 16)
        assert wifi.mac == b"\x24\x62\xab\1\2\3"
    assert "reconnects" not in wlan.settings, "a Pico has none"


def test_wifi_without_a_name_says_what_to_write():
    chip = chips.install("esp32")
    from twinlease.board import wifi

    assert 'add: wifi "name" "key";' in refused(lambda: wifi.up(["wifi"], {"address": ["10.0.0.2/8"]}))
    assert not chip.network.wlan.on


def test_wifi_joins_again_with_growing_pauses_and_says_why_it_cannot():
    for platform, wrong_key in (("esp32", 202), ("rp2", -3)):
        chip, wifi = up(platform, "wifi", "")
        wlan = chip.network.wlan
        wlan.code = wrong_key
        at, said = [], []
        for second in range(1, 200):
            before = len(wlan.joined)
            said.extend(seconds(wifi, 1))
            if len(wlan.joined) > before:
                at.append(second)
        assert at == [10, 30, 70, 130, 190], at
        assert said == ["wlan0: office: wrong key"], said


def test_a_link_that_returns_is_told_and_the_pause_begins_anew():
    for platform in ("esp32", "rp2"):
        chip, wifi = up(platform, "wifi", "")
        wlan = chip.network.wlan
        seconds(wifi, 100)
        wlan.link = True
        assert seconds(wifi, 2) == ["wlan0: link up"] and wifi.up and wifi.connected()
        n = len(wlan.joined)
        wlan.link = False
        assert seconds(wifi, 1) == ["wlan0: link down"] and not wifi.connected()
        assert len(wlan.joined) == n + 1, "an access point that was there a second ago is asked at once"
        seconds(wifi, 19)
        assert len(wlan.joined) == n + 1
        seconds(wifi, 1)
        assert len(wlan.joined) == n + 2


def test_an_address_that_the_stack_has_lost_is_set_again_with_the_link():
    chip, wifi = up("rp2", "wifi", "")
    wlan = chip.network.wlan
    wlan.addr4, wlan.dhcp, wlan.link = ("192.168.4.77", "255.255.255.0"), True, True
    seconds(wifi, 1)
    assert wlan.addr4[0] == "10.77.0.2" and not wlan.dhcp


def test_ethernet_of_the_esp32_gets_its_pins_and_its_clock():
    olimex = "network lan8720 mdc 23 mdio 18 power 12 phy 0 clock-out 17;"
    wt32 = "network lan8720 mdc 23 mdio 18 power 16 phy 1 clock-in 0;"
    for text, power, phy, clock, mode in ((olimex, 12, 0, 17, chips.Pin.OUT), (wt32, 16, 1, 0, chips.Pin.IN)):
        chip, lan = up("esp32", "lan", text)
        told = chip.network.lan.told
        assert (told["mdc"].name, told["mdio"].name, told["power"].name) == (23, 18, power)
        assert (told["phy_type"], told["phy_addr"]) == (chip.network.PHY_LAN8720, phy)
        assert (told["ref_clk"].name, told["ref_clk_mode"]) == (clock, mode) and "reset" not in told
        assert chip.network.lan.on and chip.network.lan.addr4[0] == "10.77.0.2" and lan.name == "eth0"


def test_ethernet_follows_its_cable_by_the_link_not_by_the_address():
    chip, lan = up("esp32", "lan", "network lan8720 mdc 23 mdio 18;")
    nic, network = chip.network.lan, chip.network
    for state, connected in (
        (network.ETH_STARTED, False),
        (network.ETH_CONNECTED, True),
        (network.ETH_GOT_IP, True),
        (network.ETH_DISCONNECTED, False),
    ):
        nic.state = state
        assert lan.connected() == connected, state
    nic.state = network.ETH_GOT_IP
    assert seconds(lan, 3) == ["eth0: link up"]
    nic.state = network.ETH_DISCONNECTED
    assert seconds(lan, 100) == ["eth0: link down"], "IDF watches the cable; there is nothing to do"


def test_a_w5500_on_the_esp32_is_reset_and_given_its_spi():
    chip, _ = up("esp32", "lan", "network w5500 spi 1 sck 12 mosi 11 miso 13 cs 10 int 14 reset 9;")
    told = chip.network.lan.told
    assert told["spi"].pins == (1, 12, 11, 13) and (told["cs"].name, told["int"].name) == (10, 14)
    assert told["phy_type"] == chip.network.PHY_W5500 and told["phy_addr"] == 0
    assert chips.Pin.made[9].history == [0, 1]


def test_pins_that_are_missing_and_kinds_that_nobody_knows_are_told():
    chips.install("esp32")
    from twinlease.board import lan

    for text, said in (
        ("network lan8720 mdc 23;", "the number of the pin mdio is missing"),
        ("network w5500 sck 1 mosi 2 miso 3 cs 4;", "the number of the pin int is missing"),
        ("network token-ring;", "network token-ring: known are wifi, w5500, dp83848"),
    ):
        assert said in refused(lambda text=text: lan.up(settings.parse(text)["network"], TOLD)), text


def test_a_w5500_on_a_pico_that_went_down_is_started_anew():
    chip, w5500 = up("rp2", "w5500", "network w5500;")
    nic = chip.network.wiznet
    nic.link = True
    assert seconds(w5500, 1) == ["eth0: link up"]
    nic.on = False  # as after a transmission that failed
    nic.calls.clear()
    assert seconds(w5500, 1) == ["eth0: link down"] and nic.calls == []
    assert seconds(w5500, 11) == ["eth0: link up"] and nic.calls == ["inactive", "active"]
    assert nic.addr4[0] == "10.77.0.2" and not nic.dhcp


def test_a_w5500_that_would_not_start_is_tried_again():
    chip = chips.install("rp2")
    from twinlease.board import w5500

    chip.network.WIZNET5K.fails = 3
    found = w5500.up(["w5500"], TOLD)
    said = seconds(found, 35)
    assert said == [
        "eth0: cannot be started (errno -5), trying again in 20 s",
        "eth0: cannot be started (errno -5), trying again in 40 s",
    ], said
    chip.network.wiznet.link = True
    assert seconds(found, 36) == ["eth0: link up"]


def test_the_led_shows_each_light_by_its_own_pattern():
    import asyncio

    chips.install("esp32")
    from twinlease.board import lamp

    lamp._STEP_S = 0
    shown = []
    for light in range(4):

        class Board:
            steps = 0

            def shown(self, light=light):
                Board.steps += 1
                if Board.steps > 16:
                    raise chips.Reset
                return light

        levels = []
        one = lamp.Lamp(lambda on: None)
        one.put = levels.append
        try:
            asyncio.run(one.run(Board()))
        except chips.Reset:
            pass
        shown.append("".join([str(level) for level in levels]))
    assert shown == ["1111111111111110", "1111111100000000", "1010000000000000", "1010101010101010"], shown


def test_a_led_that_is_lit_by_a_low_pin():
    chips.install("esp32")
    from twinlease.board import lamp

    one = lamp.wired(["2", "low"])
    for on in (1, 1, 0):
        one.put(on)
    assert chips.Pin.made[2].history == [0, 1], "and only changes are written"
    lamp.wired(["LED"]).put(1)
    assert chips.Pin.made["LED"].history == [1]


def held(words, pressed):
    """How long a button counts as held whose pin says these levels, one each 50 ms."""
    chips.install("esp32")
    from twinlease.board import hold

    steps = [0]

    def sleep_ms(ms):
        steps[0] += 1
        set_level()

    def set_level():
        level = pressed[steps[0]] if steps[0] < len(pressed) else 0
        chips.Pin.levels[34] = level if words[-1] == "high" else 1 - level

    set_level()
    return hold.wish(hold.held(words, sleep_ms, None))


def test_a_button_is_safe_mode_then_factory_reset_and_a_stuck_one_is_nothing():
    for words in (["34"], ["34", "high"]):
        for n, wish in ((0, ""), (10, ""), (25, "safe"), (190, "safe"), (210, "factory"), (390, "factory"), (410, "")):
            assert held(words, [1] * n) == wish, (words, n)


def test_only_pins_that_have_a_pull_up_are_asked_for_it():
    chips.install("esp32")
    import sys

    from twinlease.board import hold

    platform = sys.platform
    assert hold._only_in(34) == (platform == "esp32")
    hold._button(["4"])
    assert chips.Pin.made[4].pull == chips.Pin.PULL_UP
    hold._button(["4", "high"])
    assert chips.Pin.made[4].pull == chips.Pin.PULL_DOWN


def test_bootsel_is_asked_for_a_moment_after_the_power_came():
    chip = chips.install("rp2")
    from twinlease.board import hold

    slept = []
    chip.rp2.pressed = [0] * 20 + [1] * 40
    assert hold.wish(hold.held(["bootsel"], slept.append, None)) == "safe"
    chip.rp2.pressed = []
    slept.clear()
    assert hold.held(["bootsel"], slept.append, None) == 0 and sum(slept) == 1500


def test_boot_of_an_esp32_has_that_moment_too():
    chips.install("esp32")
    from twinlease.board import hold

    class Esp32:
        platform = "esp32"

    before, hold.sys = hold.sys, Esp32
    try:
        slept = []
        assert hold.held(["0"], slept.append, None) == 0 and sum(slept) == 1500
        slept.clear()
        assert hold.held(["4"], slept.append, None) == 0 and not slept
    finally:
        hold.sys = before


def test_a_watchdog_of_a_pico_is_fed_by_a_timer_while_nobody_serves():
    chip = chips.install("rp2")
    from twinlease.board import rest

    rest.begin("rp2")
    rest.begin("rp2")
    assert len(chip.machine.timers) == 1 and chip.machine.watchdog.timeout == 8388
    chip.machine.timers[0].callback(None)
    assert chip.machine.watchdog.fed == 1
    rest.end()
    rest.end()
    assert not chip.machine.timers


def test_a_watchdog_of_an_esp32_is_given_an_hour():
    chip = chips.install("esp32")
    from twinlease.board import rest

    rest.begin("esp32")
    assert chip.machine.watchdog.timeout == 3600000 and not chip.machine.timers
