"""What is known of each time server, and of all of them together: records, and the words for a refusal as numbers."""

from micropython import const

# Why the last answer did not count.
GOOD = const(0)
NOT_ASKED = const(1)
NO_ANSWER = const(2)
LATE = const(3)
SHORT = const(4)
NO_SERVER = const(5)  # not an answer of a server: mode, version
UNASKED = const(6)  # it answers no question of ours
DENIED = const(7)
TOO_OFTEN = const(8)
KISS = const(9)
UNSYNCHRONISED = const(10)
BAD_STRATUM = const(11)
BAD_TIMES = const(12)
TOO_FAR = const(13)
ABSURD_YEAR = const(14)
OUTVOTED = const(15)
ABSURD_STEP = const(16)
NO_NAME = const(17)
NO_DNS = const(18)
UNREACHABLE = const(19)
NO_MEMORY = const(20)

BURST = const(4)  # questions at once, two seconds apart, to a server that is new or has come back
POLL_MIN = const(6)  # as powers of two: 64 s
POLL_MAX = const(10)  # 1024 s


class Source:
    """One server: four octets, or its name.  Offset and delay are those of the best of its last answers, ms."""

    def __init__(self, server):
        self.name = None if isinstance(server, bytes) else server
        self.address = server if self.name is None else None
        self.nonce = None  # of the question that waits for an answer: eight octets
        self.old_nonce = None  # of the last one that was given up
        self.late = False  # that one has been answered since
        self.asked_ms = 0  # ticks
        self.answer = None  # octets and when they came, until the round is over
        self.next_at = 0  # up
        self.burst = BURST
        self.misses = 0
        self.reach = 0  # the last eight questions, the latest in the lowest bit: was there a good answer?
        self.why = NOT_ASKED
        self.said = GOOD  # the `why` that is in the log
        self.poll = 0  # it wants to be asked no more often than every 2 ** poll seconds
        self.leap = 0  # 1 or 2: the last minute of this month has 61 or 59 seconds
        self.stratum = self.root_delay = self.root_dispersion = 0
        self.samples = []  # (offset, delay, up)
        self.offset = self.delay = self.at = 0


class State:
    """All servers together.

    peer       the Source that we follow, or None
    offset     ours at the last look, error: what it may be off, ms
    synced_at  up, −1: never; began_at: the first time
    """

    def __init__(self, servers):
        self.sources = [Source(server) for server in servers]
        self.peer = None
        self.offset = self.error = 0
        self.synced_at = self.began_at = -1
        self.used_at = -1  # when the answer came that the clock was set by
        self.stepped_ms = 0  # the last step
        self.poll = POLL_MIN
        self.large_since = -1
        self.large = 0
        self.learn_since = -1
        self.learnt = 0  # ms that the clock was corrected by since then
