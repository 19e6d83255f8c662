"""board.conf: what is read is what was written, and what is wrong is told with its line."""

from twinlease.board import settings

TEXT = """
# The one in the cellar.
board esp32-poe;
network lan8720 mdc 23 mdio 18 power 12 phy 0 clock-out 17;   # as Olimex says
address 10.77.0.2/16; router 10.77.0.1;
wifi "the \\"office\\" net; #2" "a \\\\ key";
led 2
    low;
"""


def refused(text):
    try:
        settings.parse(text)
    except ValueError as e:
        return e.args[0]
    return ""


def test_statements_come_with_their_words():
    told = settings.parse(TEXT)
    assert sorted(told) == ["address", "board", "led", "network", "router", "wifi"]
    assert settings.pairs(told["network"][1:]) == {"mdc": 23, "mdio": 18, "power": 12, "phy": 0, "clock-out": 17}
    assert told["wifi"] == ['the "office" net; #2', "a \\ key"] and told["led"] == ["2", "low"]
    assert settings.address(told["address"]) == (bytes((10, 77, 0, 2)), 16)


def test_what_is_written_reads_as_before():
    told = settings.parse(TEXT)
    assert settings.parse(settings.text(told)) == told
    odd = {"wifi": ["", "\u00fcber", 'a"b']}
    assert settings.parse(settings.text(odd)) == odd


def test_mistakes_are_told_with_their_line():
    for text, said in (
        ("adress 10.0.0.1/8;", "line 1: adress is unknown; known are address,"),
        ("led 1;\nled 2;", "line 2: led is there twice"),
        ("\n\nled 1", "line 3: a semicolon is missing"),
        ("led;", "line 1: what follows after led is missing"),
        ('\nwifi "x;\n', 'line 2: the closing " is missing'),
    ):
        assert said in refused(text), (text, refused(text))


def test_numbers_and_addresses_are_checked():
    for call, words in (
        (settings.pairs, ["mdc"]),
        (settings.pairs, ["mdc", "x"]),
        (settings.address, ["10.0.0.1"]),
        (settings.address, ["10.0.0.1/31"]),
        (settings.address, ["10.0.0.256/8"]),
        (settings.address, ["10.0.1/8"]),
    ):
        try:
            call(words)
        except ValueError:
            continue
        raise AssertionError(words)


def test_a_factory_reset_keeps_the_wiring():
    assert sorted(settings.wiring(settings.parse(TEXT))) == ["board", "led", "network"]


def test_a_board_without_the_file_is_what_its_interpreter_says():
    assert settings.usual("Raspberry Pi Pico W with RP2040")["network"] == ["wifi"]
    assert settings.usual("W5500-EVB-Pico with RP2040") == {"network": ["w5500"], "led": ["25"], "button": ["bootsel"]}
    assert settings.usual("Generic ESP32 module with ESP32") == {"network": ["wifi"]}


def test_a_host_name_is_one_that_dns_and_syslog_take():
    assert settings.host_name(["twin-a2"]) == "twin-a2"
    for name in ("the office", "twin.a", "-a", "a_b", "x" * 33, "ü"):
        try:
            settings.host_name([name])
        except ValueError as e:
            assert e.args[0].startswith("host-name " + name)
        else:
            raise AssertionError(name)
