"""Two lease tables, the update queue of each, and a line between them; no states, no timers.  Both interpreters."""

import leases
from leases import lease, plain
from twinlease.conf.model import FailoverPeer
from twinlease.failover import balance, bindings, times
from twinlease.failover import wire as w
from twinlease.failover.updates import Updates
from twinlease.failover.writer import Writer
from twinlease.lease.row import ACKED, ACTIVE, BACKUP, DUE, EXPIRED, FREE, RELEASED

NOW = 210_000_000
HBA = balance.hba_of_split(128)


def _updates(*args):
    made = Updates(*args)
    made.bindings = bindings
    return made


class Network:
    name = "10.0.0.0/24"


class Store:
    """What a Peer's updates ask of the node."""

    def __init__(self):
        self.saved = []
        self.lines = []
        self.room = 1000

    def persist(self, row):
        self.saved.append(row)
        self.room -= 1

    def save_later(self, row):
        pass

    def say(self, text):
        self.lines.append(text)

    def has_room(self):
        return self.room > 0


class Side:
    """One server: its table, queue and writer.  `held` is what its clients believe: {client number: (row, until)}."""

    def __init__(self, primary, n=20, window=10):
        self.table = leases.make(((10, 0, 0, 10), n, 0))
        pool = leases.Pool(0)
        pool.network, pool.size = Network, n
        pool.ranges = [leases.Range((10, 0, 0, 10), n, 0, pool)]
        self.pools = [pool]
        self.conf = FailoverPeer("pair")
        self.primary = primary
        self.own = FREE if primary else BACKUP
        self.store = Store()
        self.updates = _updates(self.conf, self.table, self.pools, self.store)
        self.updates.window = window
        self.writer = Writer(4096)
        self.waiting = []  # messages that the other side has written and we have not read
        self.normal = False
        self.done = 0  # UPDDONEs that came

    def send(self, other, now=NOW):
        """Write what is due, and put it on the line."""
        self.store.room = 1000
        self.updates.send(self.writer, now, 0)
        self.line(other)

    def line(self, other):
        out = self.writer
        at = 0
        while at < out.end:
            n = out.buf[at] << 8 | out.buf[at + 1]
            other.waiting.append(bytes(out.buf[at : at + n]))
            at += n
        out.clear()

    def read(self, other, now=NOW, up=0):
        """One message of the partner; answers go on the line.  Returns its type."""
        octets = self.waiting.pop(0)
        m = w.Message()
        assert m.read(octets, 0, len(octets)) == 0
        if m.type == w.BNDUPD:
            self._bndupd(m, now)
        elif m.type == w.BNDACK:
            self.updates.on_ack(m, now, up)
        elif m.type == w.UPDDONE:
            self.done += 1
        self.line(other)
        return m.type

    def _bndupd(self, m, now):
        at = m.where[w.ASSIGNED_IP_ADDRESS]
        row = self.table.row_of(m.buf, at)
        sent = row >= 0 and self.updates.is_sent(row)
        reject = bindings.judge(self.table, row, m, now, 0, self.primary, self.normal, sent)
        if reject:
            reason, text = bindings.reason_of(reject)
            self.writer.bndack_reject(now, m.buf, m.at + w.XID, m.buf, at, reason, text)
            if reject == bindings.TRANSITION and not sent:
                self.updates.put(row)
            elif reject == bindings.LESS_CRITICAL and not sent:
                self.updates.insist(row, 0)
        else:
            bindings.take(self.table, row, m, 0)
            self.writer.bndack(now, m.buf, m.at + w.XID, m.buf, at)

    # What happens to leases

    def grant(self, row, client, now, want=300, mclt=60):
        """What a DHCPACK does; returns until when the client believes that it has the address."""
        t = self.table
        g = times.granted_s(want, t.tsfp(row), now, mclt)
        lease(t, row, plain(client), now + g, now)
        tstp = times.tstp_of_grant(now, want, g)
        t.set_tsfp(row, min(t.tsfp(row), tstp))
        t.set_tstp(row, tstp)
        t.clear_flags(row, ACKED)
        self.updates.put(row)
        return now + g

    def release(self, row, now):
        t = self.table
        t.set_times(row, now, t.cltt(row))
        t.set_tstp(row, now)
        t.set_state(row, RELEASED)
        t.clear_flags(row, ACKED)
        self.updates.put(row)

    def expire(self, row):
        t = self.table
        assert t.state(row) == ACTIVE
        t.set_state(row, EXPIRED)
        t.clear_flags(row, ACKED)
        self.updates.put(row)

    def due(self):
        return [r for r in range(self.table.rows) if self.table.flags(r) & DUE]


def pair(n=20, window=10):
    return Side(True, n, window), Side(False, n, window)


def cut(a, b):
    """The link is gone, with all that was on it; both begin anew."""
    for side in (a, b):
        side.waiting = []
        side.writer.clear()
        side.writer.xid = 0
        side.updates.requeue()


def settle(a, b, now=NOW, up=0):
    """Until neither has a word to say.  The number of messages read."""
    n = 0
    while True:
        a.send(b, now)
        b.send(a, now)
        if not a.waiting and not b.waiting:
            return n
        while a.waiting or b.waiting:
            for side, other in ((a, b), (b, a)):
                if side.waiting:
                    side.read(other, now, up)
                    n += 1
        assert n < 20000, "they never come to rest"


def facts(side):
    """What both tables are to agree on."""
    t, out = side.table, bytearray(64)
    rows = []
    for row in range(t.rows):
        n = t.get_id(row, out, 0)
        rows.append((t.state(row), t.ends(row) if t.state(row) == ACTIVE else 0, bytes(out[:n])))
    return rows
