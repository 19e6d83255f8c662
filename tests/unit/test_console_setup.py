"""The set-up dialogue: what it makes of answers can be served, and it asks again until it can."""

from consoles import App, Board, said
from twinlease import conf, revisions


class Interface:
    name, address, prefix, mac = "eth0", b"\x0a\x4d\0\x02", 16, bytes(6)

    def connected(self):
        return True


class New(App):
    """A board out of its box."""

    def __init__(self, address=Interface.address, prefix=16):
        self.board = Board()
        self.kept = self.board.store.kept
        self.interface = Interface()
        self.interface.address, self.interface.prefix = address, prefix
        self.board.interfaces = (self.interface,)
        self.restarts = []

    def stop(self, why, last_act=None):
        self.restarts.append(why)

    def served(self):
        text = self.kept[revisions.CONFIG].decode()
        return text, conf.load(text, "dhcpd.conf", None)


def test_enter_all_the_way_gives_a_board_that_serves():
    board = New()
    printed = said(b"\r" * 12, board)
    assert "This board is 10.77.0.2/16 on eth0." in printed and len(board.restarts) == 1
    text, config = board.served()
    assert config.rows == 100 and "range 10.77.0.100 10.77.0.199" in text and "routers 10.77.0.1" in text
    assert revisions.on_trial(board.board.store) == 0


def test_each_answer_finds_its_place():
    board = New()
    answers = (b"10.77.1.1", b"10.77.1.20", b"10.77.0.254", b"10.77.0.53, 9.9.9.9", b"office.example", b"24")
    answers += (b"10.77.0.1", b"", b"a long random text", b"10.77.0.5", b"")
    said(b"setup\r" + b"\r".join(answers) + b"\r", board)
    text, config = board.served()
    assert config.rows == 20 and config.pools[0].peer
    for words in (
        "primary { address 10.77.0.1; }",
        "secondary { address 10.77.0.2; }",
        'key "a long random text";',
        "ntp server 10.77.0.5;",
        "domain-name-servers 10.77.0.53, 9.9.9.9;",
        'domain-name "office.example";',
        "default-lease-time 86400;",
    ):
        assert words in text, words


def test_an_answer_that_cannot_be_is_asked_for_again():
    board = New()
    wrong = (b"10.78.0.1\r", b"fish\r", b"10.77.255.255\r", b"10.77.1.300\r")
    printed = said(b"setup\r" + b"".join(wrong) + b"\r10.77.0.99\r" + b"\r" * 20, board)
    assert printed.count("First address to lease") == 5 and printed.count("Last address to lease") == 2
    assert "is no host's address in 10.77.0.0/16" in printed and "comes after the first, 10.77.0.100" in printed
    assert board.served()[1].rows == 100


def test_small_networks_have_defaults_that_fit():
    for address, prefix in ((b"\xc0\xa8\x01\x01", 24), (b"\xc0\xa8\x01\x12", 28), (b"\xc0\xa8\x01\x02", 30)):
        board = New(address, prefix)
        said(b"setup\r" + b"\r" * 12, board)
        text, config = board.served()
        assert config.rows, text


def test_leaving_changes_nothing():
    for typed in (b"\r\x03", b"\r\r\r\x04", b"\r" * 9 + b"no\r"):
        board = New()
        assert "nothing was changed" in said(typed, board)
        assert not board.kept and not board.restarts


def test_it_begins_by_itself_on_a_new_board_only():
    board = New()
    board.kept[revisions.CONFIG] = b"fish;"
    assert "First address" not in said(b"\r", board)
    assert "First address" not in said(b"!1 show version\r", New())


class Unaddressed(New):
    """A board of hardware out of its box: wired, and that is all."""

    def __init__(self, network):
        super().__init__()
        self.board.interfaces = ()
        self.board.told = {"network": [network], "led": ["LED"]}
        self.stored = []
        self.board.store_settings = self.stored.append


def test_a_board_of_hardware_is_asked_for_its_address_first():
    board = Unaddressed("wifi")
    answers = (b"10.77.0.9", b"10.77.0.9/16", b"10.77.0.1", b"twin-a", b"office", b"short", b"long enough", b"de")
    printed = said(b"setup\r" + b"\r".join(answers) + b"\r" * 13, board)
    assert "This board has no address yet." in printed and "write it with its prefix length" in printed, printed
    assert "This board is 10.77.0.9/16 on wlan0." in printed and "long enough" not in printed
    assert board.stored == [
        {
            "network": ["wifi"],
            "led": ["LED"],
            "address": ["10.77.0.9/16"],
            "router": ["10.77.0.1"],
            "host-name": ["twin-a"],
            "wifi": ["office", "long enough"],
            "country": ["DE"],
        }
    ]
    assert board.served()[1].rows == 100 and len(board.restarts) == 1


def test_ethernet_is_asked_for_no_key_and_leaving_changes_nothing():
    board = Unaddressed("w5500")
    said(b"setup\r10.77.0.9/16\r\r\r" + b"\r" * 12, board)
    assert sorted(board.stored[0]) == ["address", "led", "network"] and len(board.restarts) == 1
    board = Unaddressed("w5500")
    assert "nothing was changed" in said(b"setup\r10.77.0.9/16\r\r\x03", board)
    assert not board.stored and not board.kept
