"""A thousand spoilt configurations: ConfError or a Config, never anything else.  `SEED` replays one run."""

from confs import read
from twinlease import conf

SEED = 20240824
RUNS = 400

GOOD = """
option space S code width 1; option S.a code 1 = text; option wpad code 252 = text; option wpad "x\\n";
option r code 224 = array of { ip-address, integer 8 }; option r 10.0.0.1 5, 10.0.0.2 6;
class "pxe" { match if substring(option vendor-class-identifier, 0, 9) = "PXE" and not exists agent.circuit-id;
  vendor-option-space S; option S.a "x"; if option user-class = "i" { filename "a"; } elsif known { filename "b"; } }
class "m" { match hardware; } subclass "m" 1:8:0:2b:4c:39:ad { option host-name "x"; }
group g { host a { hardware ethernet 0:1:2:3:4:5; fixed-address 10.0.0.5; option dhcp-client-identifier "abc"; } }
host b { group g; uid 1:2; option host-name = concat("h-", binary-to-ascii(10, 8, "-", leased-address)); }
subnet 10.0.0.0 netmask 255.255.255.0 { option routers 10.0.0.1; range 10.0.0.10 10.0.0.20;
 pool { range 10.0.0.100 10.0.0.120; allow members of "pxe"; deny unknown clients; deny after 4 2026/08/24 09:14:32; } }
"""

WORDS = (
    "{ } ; option range subnet 10.0.0.1 255.255.255.0 if not ( ) = != , class host pool include exists substring( 0 -1 "
    "99999999999999999999 0x 08 \\ and or concat( array of code space a.b : :: 1:2 # infinite true null encode-int( "
    "hardware ethernet netmask unknown-999 after vendor. agent. failover peer elsif else ~= ! \x00 \x7f \xff"
)
PIECES = WORDS.split(" ") + ['"', '"x"', 'include "a";', "\n", "option space q;"]


class Dice:
    """The same numbers on every interpreter."""

    def __init__(self, seed):
        self.state = seed or 1

    def below(self, n):
        self.state = (self.state * 1103515245 + 12345) & 0x7FFFFFFF
        return (self.state >> 8) % n


def spoil(text, dice):
    for _ in range(1 + dice.below(4)):
        at = dice.below(len(text) + 1)
        end = min(len(text), at + dice.below(30))
        way = dice.below(4)
        if way == 0:
            text = text[:at] + text[end:]
        elif way == 1:
            text = text[:at] + " " + PIECES[dice.below(len(PIECES))] + " " + text[at:]
        elif way == 2:
            text = text[:at] + text[at:end] * 3 + text[end:]
        else:
            text = text[:at] + chr(dice.below(128)) + text[at + 1 :]
    return text


def test_spoilt_configurations_give_conf_errors_only():
    texts = (GOOD, read("seed-fixed.conf"))
    loaded = 0
    for i in range(RUNS):
        text = spoil(texts[i % 2], Dice(SEED + i))
        try:
            conf.load(text, "mutant", lambda name: GOOD[:100])
            loaded += 1
        except conf.ConfError as bad:
            assert bad.problems and len(str(bad)) < 40000
        except Exception:
            print("seed", SEED + i)
            raise
    assert 0 < loaded < RUNS // 2, "mutants that all load, or never, test nothing: %d" % loaded


def test_prefixes_give_conf_errors_only():
    for at in range(0, len(GOOD), 3):
        try:
            conf.load(GOOD[:at])
        except conf.ConfError as bad:
            assert len(bad.problems) <= 4, str(bad)
