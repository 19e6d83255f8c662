"""When a board believes by itself that its partner is down: what counts as a sign of life, what is announced, what cancels it."""

from confs import load
from twinlease.clock import FOREVER
from twinlease.failover import states as s
from twinlease.failover.evidence import ANSWER, BEAT, CONNECTED, CUT_OFF, TURNED_AWAY, Evidence
from twinlease.failover.longest import longest_lease

SIGNS = (CONNECTED, TURNED_AWAY, BEAT, ANSWER, CUT_OFF)
CI, R = s.COMMUNICATIONS_INTERRUPTED, s.RECOVER
RESOLVING = (s.POTENTIAL_CONFLICT, s.RESOLUTION_INTERRUPTED, s.CONFLICT_DONE)


class Conf:
    name = "p1"
    partner_down_after = None
    serve_alone_after = 0


class Record:
    def __init__(self, state):
        self.state = self.resume = state


class Peer:
    """Without a link, in a state; notes what it is told, and moves when it is."""

    def __init__(self, state=CI, **conf):
        self.conf = Conf()
        for name in conf:
            setattr(self.conf, name, conf[name])
        self.record = Record(state)
        self.linked = False
        self.twin = True
        self.skew = 0
        self.partner_board = b"board--B"
        self.store = self
        self.said = []
        self.events = []

    def say(self, text):
        self.said.append(text.replace("failover peer p1: ", ""))

    def says(self, event, now, up):
        self.events.append(event)
        self.record = Record(s.PARTNER_DOWN)


class Scene:
    def __init__(self, state=CI, alone_s=86400, **conf):
        self.peer = Peer(state, **conf)
        self.evidence = Evidence(self.peer, alone_s)
        self.up = 500
        self.run(1)

    def run(self, seconds, *signs):
        """Seconds go by; in each of them these signs of life come."""
        for _ in range(seconds):
            self.up += 10
            for sign in signs:
                self.evidence.sign(sign, self.up)
            self.evidence.tick(0, self.up)

    @property
    def down(self):
        return self.peer.events == [s.SAYS_PARTNER_DOWN]


def test_silence_everywhere_for_the_whole_time_is_what_it_takes():
    scene = Scene(partner_down_after=100)
    scene.run(99)
    assert scene.evidence.left_s() == 1 and not scene.down
    scene.run(1)
    assert scene.down and scene.peer.said[-1] == "no sign of the partner for 100 s"
    scene.run(500)
    assert scene.down and scene.evidence.left_s() is None, "once is enough"


def test_every_combination_of_signs_of_life_puts_it_off():
    for chosen in range(1, 1 << len(SIGNS)):
        signs = [sign for sign in SIGNS if chosen >> sign & 1]
        scene = Scene(partner_down_after=20)
        scene.run(200, *signs)
        assert not scene.peer.events, signs
        assert len(scene.peer.said) == len({0, 1, 2, 4} & {1 if sign == ANSWER else sign for sign in signs})
        scene.run(19)
        assert not scene.peer.events, "the count starts anew"
        scene.run(1)
        assert scene.down


def test_the_last_moment_is_early_enough_for_each_sign():
    for sign in SIGNS:
        scene = Scene(partner_down_after=30)
        for _ in range(5):
            scene.run(29)
            scene.run(1, sign)
        assert not scene.peer.events


def test_a_host_that_lives_is_told_in_words_once():
    for sign in (TURNED_AWAY, ANSWER):
        scene = Scene(partner_down_after=600)
        scene.run(2000, sign)
        assert scene.peer.said == [
            "the partner's host answers, but not its failover port: PARTNER-DOWN only by command"
        ]


def test_it_is_announced_at_the_start_at_half_and_in_the_last_minute():
    scene = Scene()
    scene.evidence.ways = "TCP, ARP/ICMP or the LAN"
    scene.run(600)
    assert scene.down
    assert scene.peer.said == [
        "no sign of the partner on TCP, ARP/ICMP or the LAN; PARTNER-DOWN in 588 s; to cancel: failover keep p1",
        "PARTNER-DOWN in 300 s unless the partner is heard from; to cancel: failover keep p1",
        "PARTNER-DOWN in 60 s unless the partner is heard from; to cancel: failover keep p1",
        "no sign of the partner for 600 s",
    ]


def test_the_shortest_times_are_announced_too():
    for after in (1, 2, 3, 5):
        scene = Scene(partner_down_after=after)
        scene.run(after)
        assert scene.down and "to cancel: failover keep p1" in scene.peer.said[0], scene.peer.said


def test_after_a_sign_of_life_it_is_announced_anew():
    scene = Scene(partner_down_after=100)
    scene.run(40)
    scene.run(1, BEAT)
    scene.run(40)
    assert [text[:20] for text in scene.peer.said] == [
        "no sign of the partn",
        "the partner's beat i",
        "no sign of the partn",
    ]


def test_the_operator_cancels_until_there_has_been_a_link():
    scene = Scene(partner_down_after=20)
    scene.run(10)
    assert scene.evidence.keep() is None
    scene.run(1000)
    scene.run(100, BEAT)
    assert not scene.peer.events and scene.evidence.left_s() is None
    assert len(scene.peer.said) == 3, scene.peer.said
    scene.peer.linked = True
    scene.peer.record = Record(s.NORMAL)
    scene.run(5)
    assert scene.evidence.keep() == "failover peer p1: the partner is connected"
    scene.peer.linked = False
    scene.peer.record = Record(CI)
    scene.run(20)
    assert not scene.peer.events
    scene.run(1)
    assert scene.down


def test_zero_is_never_and_a_dhcpd_is_left_to_the_operator_unless_the_file_says_otherwise():
    for after, twin, skew, board, expected in (
        (None, True, 5, b"board--B", True),
        (None, False, None, b"board--B", True),  # not met in this run: what flash remembers
        (None, False, None, None, False),
        (None, False, 5, b"board--B", False),  # a dhcpd in the place of a board
        (0, True, 5, b"board--B", False),
        (60, False, 5, None, True),
        (60, False, None, None, True),
    ):
        scene = Scene(partner_down_after=after)
        peer = scene.peer
        peer.twin, peer.skew, peer.partner_board = twin, skew, board
        scene.run(700)
        assert scene.down == expected, (after, twin, skew, board)
        assert expected or not peer.said


def test_a_resolution_that_was_broken_off_is_not_waited_for_for_ever():
    for state in RESOLVING:
        assert s.follow(s.ON_SAYS_PARTNER_DOWN, state) == s.PARTNER_DOWN
        scene = Scene(state)
        scene.run(599)
        assert not scene.peer.events
        first = scene.peer.said[0]
        assert first.startswith("no partner to resolve conflicts with") and "nobody is served for 588 s" in first
        scene.run(1, BEAT)
        scene.run(599)
        assert not scene.peer.events, "it lives"
        scene.run(1)
        assert scene.down


def test_beside_a_dhcpd_the_log_says_what_ends_a_resolution_that_was_broken_off():
    for state in RESOLVING:
        for after, twin in ((None, False), (0, True)):
            scene = Scene(state, partner_down_after=after)
            scene.peer.twin = twin
            scene.run(5000)
            assert not scene.peer.events and scene.evidence.left_s() is None
            said = "no partner to resolve conflicts with: nobody is served until it comes, or failover partner-down p1"
            assert scene.peer.said[-1] == said, scene.peer.said
        scene = Scene(state, partner_down_after=60)
        scene.peer.twin = False
        scene.run(60)
        assert scene.down


def test_only_in_communications_interrupted_and_while_there_is_nothing_to_serve_from():
    for state in s.STATES:
        scene = Scene(state, partner_down_after=10, serve_alone_after=10)
        scene.run(100)
        assert scene.down == (state in (CI, R, s.RECOVER_DONE) + RESOLVING), state
    scene = Scene(CI, partner_down_after=10)
    scene.peer.linked = True
    scene.run(100)
    assert not scene.peer.events


def test_starting_with_nothing_counts_from_the_start():
    scene = Scene(s.STARTUP, serve_alone_after=10)
    scene.peer.record.resume = R
    scene.run(10)
    assert not scene.peer.events
    scene.run(1)
    assert scene.down
    scene = Scene(s.STARTUP, partner_down_after=10)
    scene.peer.record.resume = CI
    scene.run(100)
    assert not scene.peer.events


def test_a_new_board_waits_for_the_longest_lease_or_as_long_as_the_operator_says():
    scene = Scene(R, alone_s=7200)
    scene.run(7199)
    assert not scene.peer.events
    first = scene.peer.said[0]
    assert "nobody is served for 7188 s" in first and "failover partner-down p1 ends the wait" in first
    scene.run(1)
    assert scene.down
    scene = Scene(R, alone_s=7200, serve_alone_after=50)
    scene.run(49)
    assert not scene.peer.events
    scene.run(1, ANSWER)
    scene.run(49)
    assert not scene.peer.events, "its predecessor's partner lives"
    scene.run(1)
    assert scene.down


def test_leases_that_never_end_are_waited_for_until_a_person_ends_it():
    scene = Scene(R, alone_s=FOREVER)
    scene.run(5000)
    assert not scene.peer.events and scene.evidence.left_s() is None
    assert scene.peer.said == [
        "no partner to ask for its leases: nobody is served until it comes, or failover partner-down p1"
    ]


def test_while_this_board_slept_nobody_was_silent():
    scene = Scene(partner_down_after=100)
    scene.run(50)
    scene.up += 36000
    scene.run(49)
    assert not scene.peer.events
    scene.run(1)
    assert scene.down


# How long the longest lease is

FILE = """
failover peer "p1" { primary; address 10.0.0.2; peer address 10.0.0.3; mclt 60; split 128; load balance max seconds 3; }
%s
subnet 10.0.0.0 netmask 255.255.255.0 {
  pool { failover peer "p1"; deny dynamic bootp clients; range 10.0.0.10 10.0.0.19; %s }
  pool { range 10.0.0.30 10.0.0.39; max-lease-time 999999; }
}
"""


def longest(outside="", inside=""):
    config = load(FILE % (outside, inside))
    return longest_lease(config, config.peers["p1"])


def test_the_longest_lease_is_what_the_pools_of_the_pair_allow():
    assert longest() == 86400
    assert longest("max-lease-time 7200;") == 7200
    assert longest("max-lease-time 7200;", "max-lease-time 300;") == 300
    assert longest("max-lease-time 7200; min-lease-time 9000;") == 9000
    assert longest("max-lease-time 7200;", "max-lease-time infinite;") == -1


def test_longer_leases_of_classes_hosts_and_conditions_count():
    short = "max-lease-time 600;"
    assert longest(short + 'class "a" { match if known; max-lease-time 7000; }') == 7000
    assert longest(short + 'class "a" { match hardware; } subclass "a" 1:2:3:4:5:6:7 { max-lease-time 7001; }') == 7001
    assert longest(short + "host h { hardware ethernet 2:0:0:0:0:1; max-lease-time 7002; }") == 7002
    assert longest(short, "if known { if exists host-name { max-lease-time 7003; } }") == 7003
    assert longest(short + "host h { hardware ethernet 2:0:0:0:0:1; max-lease-time -1; }") == -1
