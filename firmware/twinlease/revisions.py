"""Which dhcpd.conf a board serves by: the edited one, the one that is served, and those before it, as files in flash.

    candidate.conf     what is being edited at the console
    dhcpd.conf         what is served
    rollback.1.conf …  what was served before, the latest first
    trial              dhcpd.conf is on trial: minutes until it must be confirmed (0: it must only work), and its digest
    problems           why the last one on trial was given up

`store` is a board's Store (board/files.py).  Each step is one rename or one whole file, and the digest tells a
trial that has begun from one that was only announced: after a power cut anywhere the board serves the old
configuration or the new one, never a mixture, and a trial goes on as a trial.
"""

import hashlib

CONFIG = "dhcpd.conf"
CANDIDATE = "candidate.conf"
PROBLEMS = "problems"
KEPT = 4

_EARLIER = "rollback.%d.conf"
TRIAL = "trial"


def commit(store, minutes):
    """Serve the candidate from the next start on; 0 minutes: until something is wrong with it."""
    digest = digest_of(store, CANDIDATE)
    for n in range(KEPT - 1, 0, -1):
        store.rename(_EARLIER % n, _EARLIER % (n + 1))
    before = store.pieces(CONFIG)
    if before is not None:
        store.write(_EARLIER % 1, before)
    store.store(TRIAL, b"%d %s" % (minutes, digest))
    store.rename(CANDIDATE, CONFIG)
    store.remove(PROBLEMS)


def on_trial(store):
    """Minutes until dhcpd.conf must be confirmed, 0 if it must only work; -1 if it is not on trial."""
    told = store.load(TRIAL)
    if not told:
        return -1
    minutes, _, digest = told.partition(b" ")
    return int(minutes) if minutes.isdigit() and digest == digest_of(store, CONFIG) else -1


def prove(store):
    """dhcpd.conf has proved itself."""
    store.remove(TRIAL)


def give_up(store, why):
    """Serve what was served before.  False if there is nothing to go back to: then dhcpd.conf stays, not on trial."""
    store.store(PROBLEMS, why.encode())
    if not store.has(_EARLIER % 1):
        store.remove(TRIAL)
        return False
    store.write(CANDIDATE, store.pieces(CONFIG))  # to be mended
    store.rename(_EARLIER % 1, CONFIG)
    store.remove(TRIAL)
    return True


def earlier(n):
    """The name of the nth configuration before this one."""
    return _EARLIER % n


def digest_of(store, name):
    """Octets that differ where files do; b"" if there is no such file."""
    pieces = store.pieces(name)
    if pieces is None:
        return b""
    digest = hashlib.sha256()
    for piece in pieces:
        digest.update(piece)
    return digest.digest()[:8].hex().encode()
