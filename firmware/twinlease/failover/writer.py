"""The failover codec, sending half: messages of all twelve types, appended to one buffer.  Allocates nothing.

    writer = Writer(4096)
    binding = Binding()                   once; filled in for each update
    if writer.bndupd(now, binding): ...   False: no room, and nothing was written
    sock.send(writer.buf[: writer.end])
    writer.clear()

Options stand in the order in which ISC dhcpd writes them (reference section
1.4), so the same message is the same octets from either.  What a message must
and must not hold is in the reference's sections 0 and 5.4; a Binding cannot
hold a DDNS option or a second address, the rest is for the caller to know.

A message of our own takes the next xid (reference section 1.2).  An answer takes
the xid of what it answers, from its header, as four octets of some buffer: a peer's xid may be
more than a small int holds.
"""

from micropython import const

from ..octets import copy, put16, put32
from . import wire as w
from .wire import HEADER, put_time

_XID_LAST = const(0x3FFFFFFF)

# Host name, vendor class and relay agent information, which ISC dhcpd does not replicate (reference section 10, item
# 21): options 0x5402 to 0x5404, the lease table's items 3 to 5, in that order.
ITEMS = const(3)
FIRST_ITEM = const(2)  # the own option of the first
ITEM_MAX = const(63)


class Binding:
    """What a BNDUPD says about one address.  Times are project seconds; -1, or a length of 0, leaves the option out."""

    def __init__(self):
        self.address = bytearray(4)
        self.id = bytearray(w.ID_MAX)
        self.chaddr = bytearray(w.CHADDR_MAX)  # hardware type, then the hardware address
        self.items = bytearray(ITEMS * ITEM_MAX)  # 63 octets for each
        self.items_n = bytearray(ITEMS)
        self.clear()

    def clear(self):
        self.status = 0
        self.id_n = 0
        self.chaddr_n = 0
        self.lease_expiration = -1
        self.potential_expiration = -1
        self.start = -1
        self.cltt = -1
        self.ip_flags = 0
        for i in range(ITEMS):
            self.items_n[i] = 0

    def take(self, message):
        """Copy what a BNDUPD says; False if address or status are not there, or client data is too long."""
        where, size, buf = message.where, message.size, message.buf
        self.clear()
        if not where[w.ASSIGNED_IP_ADDRESS] or not where[w.BINDING_STATUS]:
            return False
        if size[w.CLIENT_IDENTIFIER] > w.ID_MAX or size[w.CLIENT_HARDWARE_ADDRESS] > w.CHADDR_MAX:
            return False
        copy(self.address, 0, buf, where[w.ASSIGNED_IP_ADDRESS], 4)
        self.status = message.octet(w.BINDING_STATUS)
        self.id_n = size[w.CLIENT_IDENTIFIER]
        copy(self.id, 0, buf, where[w.CLIENT_IDENTIFIER], self.id_n)
        self.chaddr_n = size[w.CLIENT_HARDWARE_ADDRESS]
        copy(self.chaddr, 0, buf, where[w.CLIENT_HARDWARE_ADDRESS], self.chaddr_n)
        self.lease_expiration = message.time(w.LEASE_EXPIRATION_TIME)
        self.potential_expiration = message.time(w.POTENTIAL_EXPIRATION_TIME)
        self.start = message.time(w.START_TIME_OF_STATE)
        self.cltt = message.time(w.CLIENT_LAST_TRANSACTION_TIME)
        self.ip_flags = max(message.number(w.IP_FLAGS), 0)
        for i in range(ITEMS):
            at = w.OWN + FIRST_ITEM + i
            self.items_n[i] = min(size[at], ITEM_MAX)
            copy(self.items, i * ITEM_MAX, buf, where[at], self.items_n[i])
        return True


class Writer:
    """A buffer of messages that wait to be sent."""

    def __init__(self, size):
        self.buf = bytearray(size)
        self.xid = 0  # of our next message; set to 0 for a new link
        self.end = 0
        self._start = 0
        self._own = 1
        self._full = False
        self.seal = None  # sign(buf, start, end) -> the new end, -1 if there is no room; it sets the length itself
        self.wrote = False  # set with each message; for whoever counts our own silence

    def clear(self):
        """All of it has been sent."""
        self.end = 0

    def sent(self, n):
        """The first n octets have been sent; the rest moves to the front."""
        self.end -= n
        copy(self.buf, 0, self.buf, n, self.end)

    # One method for each message.  `now` is project seconds; each returns False if there was no room.

    def connect(self, now, name, max_unacked, receive_timer, vendor, mclt, hba, hello=b"", agree=b""):
        """The primary's first word, on any connection: reference section 2.1.

        hba           32 octets, see balance.py
        hello, agree  what our boards tell each other, see link.py; ISC skips it
        """
        self._begin(w.CONNECT, now)
        self._relationship(name, max_unacked, receive_timer, vendor)
        self._octet(w.TLS_REQUEST, 0)
        self._number(w.MCLT, mclt)
        self._octets(w.HASH_BUCKET_ASSIGNMENT, hba, 0, len(hba))
        self._between_boards(hello, agree)
        return self._finish()

    def connectack(
        self, now, buf, xid_at, name, max_unacked, receive_timer, vendor, tls_asked=True, hello=b"", agree=b""
    ):
        """The secondary's consent to a CONNECT whose xid is at buf[xid_at]; answers TLS-request with "no TLS"."""
        self._begin_answer(w.CONNECTACK, now, buf, xid_at)
        self._relationship(name, max_unacked, receive_timer, vendor)
        if tls_asked:
            self._octet(w.TLS_REPLY, 0)
        self._between_boards(hello, agree)
        return self._finish()

    def connectack_reject(self, now, buf, xid_at, name, max_unacked, receive_timer, vendor, reason, text):
        """The secondary refuses: reference section 2.2.  ISC omits the two limits (-1) if it knows no such name."""
        self._begin_answer(w.CONNECTACK, now, buf, xid_at)
        self._relationship(name, max_unacked, receive_timer, vendor)
        self._octet(w.TLS_REPLY, 0)
        self._reason(reason, text)
        return self._finish()

    def state(self, now, state, flags, stos):
        """Our state, since when, and whether we are starting: reference section 2.1."""
        self._begin(w.STATE, now)
        self._octet(w.SERVER_STATE, state)
        self._octet(w.SERVER_FLAGS, flags)
        self._time(w.START_TIME_OF_STATE, stos)
        return self._finish()

    def bndupd(self, now, binding):
        """One address (ISC takes no more in one message): reference section 5.4.  Its xid is never 0."""
        if not self.xid:
            self.xid = 1
        self._begin(w.BNDUPD, now)
        self._octets(w.ASSIGNED_IP_ADDRESS, binding.address, 0, 4)
        self._octet(w.BINDING_STATUS, binding.status)
        if binding.id_n:
            self._octets(w.CLIENT_IDENTIFIER, binding.id, 0, binding.id_n)
        if binding.chaddr_n:
            self._octets(w.CLIENT_HARDWARE_ADDRESS, binding.chaddr, 0, binding.chaddr_n)
        self._time(w.LEASE_EXPIRATION_TIME, binding.lease_expiration)
        self._time(w.POTENTIAL_EXPIRATION_TIME, binding.potential_expiration)
        self._time(w.START_TIME_OF_STATE, binding.start)
        self._time(w.CLIENT_LAST_TRANSACTION_TIME, binding.cltt)
        if binding.ip_flags:
            self._short(w.IP_FLAGS, binding.ip_flags)
        for i in range(ITEMS):
            if binding.items_n[i]:
                self._octets(w.OWN_FIRST + FIRST_ITEM + i, binding.items, i * ITEM_MAX, binding.items_n[i])
        return self._finish()

    def bndack(self, now, buf, xid_at, address, address_at):
        """Accepted, and in flash: the address and nothing else (reference section 0, item 6)."""
        self._begin_answer(w.BNDACK, now, buf, xid_at)
        self._octets(w.ASSIGNED_IP_ADDRESS, address, address_at, 4)
        return self._finish()

    def bndack_reject(self, now, buf, xid_at, address, address_at, reason, text):
        """Refused, and why: reference sections 2.4 and 5.4."""
        self._begin_answer(w.BNDACK, now, buf, xid_at)
        self._octets(w.ASSIGNED_IP_ADDRESS, address, address_at, 4)
        self._reason(reason, text)
        return self._finish()

    def poolresp(self, now, buf, xid_at, count):
        """So many addresses have just been moved to the partner's list: reference section 6.2."""
        self._begin_answer(w.POOLRESP, now, buf, xid_at)
        self._number(w.ADDRESSES_TRANSFERRED, count)
        return self._finish()

    def upddone(self, now, buf, xid_at):
        """All that the latest UPDREQ or UPDREQALL asked for has been answered: reference section 6.1."""
        self._begin_answer(w.UPDDONE, now, buf, xid_at)
        return self._finish()

    def bare(self, kind, now, clock=-1):
        """POOLREQ, UPDREQ, UPDREQALL or CONTACT: a header, and no option; clock: between our boards, what ours is."""
        self._begin(kind, now)
        if clock >= 0:
            self._octet(w.OWN_FIRST + w.CLOCK, clock)
        return self._finish()

    def disconnect(self, now, reason, text):
        """Why the link is about to be closed: reference section 2.3."""
        self._begin(w.DISCONNECT, now)
        self._reason(reason, text)
        return self._finish()

    # Parts of messages.

    def _relationship(self, name, max_unacked, receive_timer, vendor):
        self._octets(w.RELATIONSHIP_NAME, name, 0, len(name))
        if max_unacked >= 0:
            self._number(w.MAX_UNACKED_BNDUPD, max_unacked)
        if receive_timer >= 0:
            self._number(w.RECEIVE_TIMER, receive_timer)
        self._octets(w.VENDOR_CLASS_IDENTIFIER, vendor, 0, len(vendor))
        self._octet(w.PROTOCOL_VERSION, w.VERSION)

    def _between_boards(self, hello, agree):
        if hello:
            self._octets(w.OWN_FIRST + w.HELLO, hello, 0, len(hello))
        if agree:
            self._octets(w.OWN_FIRST + w.AGREE, agree, 0, len(agree))

    def _reason(self, reason, text):
        self._octet(w.REJECT_REASON, reason)
        self._octets(w.MESSAGE_TEXT, text, 0, len(text))

    def _begin(self, kind, now):
        if self._begin_header(kind, now):
            put32(self.buf, self._start + w.XID, self.xid)
        self._own = 1

    def _begin_answer(self, kind, now, buf, xid_at):
        if self._begin_header(kind, now):
            copy(self.buf, self._start + w.XID, buf, xid_at, 4)
        self._own = 0

    def _begin_header(self, kind, now):
        self._start = at = self.end
        self._full = at + HEADER > len(self.buf)
        if self._full:
            return False
        self.buf[at + 2] = kind
        self.buf[at + 3] = HEADER
        put_time(self.buf, at + 4, now)
        self.end = at + HEADER
        return True

    def _finish(self):
        """Set the length, or take back a message that did not fit.  Every message passes here."""
        if not self._full:
            put16(self.buf, self._start, self.end - self._start)
            if self.seal:
                end = self.seal.sign(self.buf, self._start, self.end)
                self._full = end < 0
                self.end = end
        if self._full:
            self.end = self._start
            return False
        self.wrote = True
        # Answers do not count (capture 01).  After 2**30 messages of one link it starts anew, and stays a small int.
        self.xid = self.xid + self._own if self.xid < _XID_LAST else 1
        return True

    def _head(self, code, n):
        """Begin an option of n octets; returns where its value goes, -1 if it does not fit."""
        at = self.end
        if self._full or at + 4 + n > len(self.buf) or at + 4 + n - self._start > w.MESSAGE_MAX:
            self._full = True
            return -1
        put16(self.buf, at, code)
        put16(self.buf, at + 2, n)
        self.end = at + 4 + n
        return at + 4

    def _octet(self, code, value):
        at = self._head(code, 1)
        if at >= 0:
            self.buf[at] = value

    def _short(self, code, value):
        at = self._head(code, 2)
        if at >= 0:
            put16(self.buf, at, value)

    def _number(self, code, value):
        at = self._head(code, 4)
        if at >= 0:
            put32(self.buf, at, value)

    def _time(self, code, t):
        if t < 0:
            return
        at = self._head(code, 4)
        if at >= 0:
            put_time(self.buf, at, t)

    def _octets(self, code, value, at, n):
        to = self._head(code, n)
        if to >= 0:
            copy(self.buf, to, value, at, n)
