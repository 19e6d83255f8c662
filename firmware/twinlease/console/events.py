"""What the flight recorder (net/recorder.py) has of requests, and how it is told."""

from twinlease.clock import FOREVER, UNIX_2020
from twinlease.dhcp.server import (
    DENIED,
    FOUND,
    LEFT_TO_PARTNER,
    NO_BOOTP,
    NO_FREE,
    NO_MEMORY,
    NOT_AUTHORITATIVE,
    NOT_FOUND,
    NOW_ABANDONED,
    OTHER_SERVER,
    RECLAIMED,
    TOO_EARLY,
    UNAVAILABLE,
    UNKNOWN_CLIENT,
    UNKNOWN_LEASE,
    UNKNOWN_NETWORK,
    WRONG_NETWORK,
)
from twinlease.net.recorder import HEAD, REBOOTS, RENEWS, SIZE

from .dates import date

_ASKED = {
    0: "asked for an address by BOOTP",
    1: "asked for an address",
    3: "took the offer of %s",
    4: "declined %s",
    7: "released %s",
    8: "asked for options only, at %s",
    RENEWS: "renewed %s",
    REBOOTS: "came back for %s",
}
_WHY = {
    WRONG_NETWORK: "NAK: that address is not of the network that the client is on; it asks anew",
    NOT_AUTHORITATIVE: "no answer: that address is not of this network, and a server that is not authoritative must not"
    " say so; write authoritative;",
    UNAVAILABLE: "NAK: that address is another client's, abandoned, or in a pool that is closed to this client",
    UNKNOWN_LEASE: "no answer: that address is in no range here",
    UNKNOWN_CLIENT: "no answer: unknown clients are denied, and it has no host declaration",
    DENIED: "no answer: the configuration denies it (booting, bootp or declines)",
    NO_MEMORY: "no answer: no room for its client identifier; show memory",
    FOUND: "it is free",
    NOT_FOUND: "ignored: it is not this client's",
    NOW_ABANDONED: "somebody else uses it, so it is left alone for a while (abandon-lease-time)",
    NO_BOOTP: "no answer: no range here is for BOOTP clients (range dynamic-bootp)",
    TOO_EARLY: "no answer yet: it has not asked for min-secs",
    RECLAIMED: "nothing but an abandoned address was left",
}
_BY_PARTNER = (
    ("load balance", "left to the partner, whose share of the clients it is in"),
    ("peer holds", "no answer: all addresses that are free are the partner's to give; show failover"),
    ("lease owned", "no answer: that address is the partner's to give"),
    ("lease in trans", "no answer: the lease has ended, and nobody else may have the address until the partner agrees"),
    ("lease may", "no answer: whether that lease has ended nobody knows until the partner is connected"),
    ("not resp", "no answer, as to everybody: this server is %s; show failover"),
)
_NETWORK_MAX = 63


class Event:
    """number orders them; address and other are dotted, "" for none; why: word 3."""

    def __init__(self, words, at):
        first, key, last = words[at], words[at + 2], words[at + 7]
        self.times = first >> 24
        self.seconds = words[at + 1]
        self.message = key >> 22 & 15
        self.note = key >> 26 & 31
        self.reply = last & 15
        self.is_short = bool(last & 16)
        self.why = words[at + 3]
        self.address = _dotted(words[at + 4])
        self.other = _dotted(words[at + 5])
        self.hardware = words[at + 6].to_bytes(4, "big") + (last >> 16).to_bytes(2, "big")
        stays = words[0] >> 1 if self.note and self.note != LEFT_TO_PARTNER else 0
        self.number = (first - stays) & 0xFFFFFF


def found(recorder):
    """All events, the oldest first."""
    words = recorder.events or ()
    events = [Event(words, at) for at in range(HEAD, len(words), SIZE) if words[at]]
    newest = words[1] if words else 0
    events.sort(key=lambda event: -((newest - event.number) & 0xFFFFFF))
    return events


def hardware(octets):
    return ":".join(["%02x" % b for b in octets])


def told(app, event):
    """One event as a sentence."""
    text = _ASKED.get(event.message, "sent a message")
    if "%s" in text:
        text = text % (event.address or "an address")
    if event.note != OTHER_SERVER and event.other:
        text += " through the relay agent " + event.other
    text += ": " + became(app, event)
    return text + " (%s%d times)" % ("at least " if event.times == 255 else "", event.times) * (event.times > 1)


def became(app, event):
    """What became of it, and why."""
    if event.note:
        return _why(app, event)
    if event.reply == 2:
        return "offered " + event.address
    if event.reply == 0:
        return "no answer"
    if event.message == 8:
        return "it got them"
    if event.why >= FOREVER:
        return "it has it for ever"
    short = ", until the partner has agreed to more (MCLT)" if event.is_short else ""
    return "it has it for %d s%s" % (event.why, short)


def _why(app, event):
    note = event.note
    network = event.why & _NETWORK_MAX
    name = app.config.networks[network].name if network < min(len(app.config.networks), _NETWORK_MAX) else "?"
    if note == UNKNOWN_NETWORK:
        if event.other:
            return "no answer: no subnet of the configuration holds %s; declare its subnet" % event.other
        return "no answer: no subnet of the configuration holds this board's address there"
    if note == NO_FREE:
        if event.why >> 6 & 15:
            return "no answer: what is free in network %s is in pools that are closed to it (allow, deny)" % name
        return "no answer: no address was free in network %s; show pools" % name
    if note == OTHER_SERVER:
        return "it chose another server, %s" % (event.other or "?")
    if note == LEFT_TO_PARTNER:
        return _by_partner(app.recorder.said, event.why >> 6 & 15)
    return _WHY.get(note, "no answer")


def _by_partner(said, index):
    words = str(said[index], "utf8") if index < len(said) else ""
    for start, text in _BY_PARTNER:
        if words.startswith(start):
            at = words.find("(") + 1
            return text % (words[at:-1] if at else "starting") if "%s" in text else text
    return "no answer: " + words


def facts(app, event):
    """The same for programs; times are Unix seconds."""
    return {
        "at": event.seconds + UNIX_2020,
        "times": event.times,
        "hardware": hardware(event.hardware),
        "address": event.address or None,
        "relay": event.other if event.note != OTHER_SERVER and event.other else None,
        "message": event.message,
        "note": event.note,
        "reply": event.reply,
        "told": told(app, event),
    }


def line(app, event):
    """For people who know whose it is."""
    return "  %s  %s\n" % (date(event.seconds), told(app, event))


def _dotted(word):
    return "%d.%d.%d.%d" % (word >> 24, word >> 16 & 255, word >> 8 & 255, word & 255) if word else ""
