"""Why a time server's answer was refused, in words."""

from .source import (
    ABSURD_STEP,
    ABSURD_YEAR,
    BAD_STRATUM,
    BAD_TIMES,
    DENIED,
    GOOD,
    KISS,
    LATE,
    NO_ANSWER,
    NO_DNS,
    NO_MEMORY,
    NO_NAME,
    NO_SERVER,
    NOT_ASKED,
    OUTVOTED,
    SHORT,
    TOO_FAR,
    TOO_OFTEN,
    UNASKED,
    UNREACHABLE,
    UNSYNCHRONISED,
)

WHY = {
    GOOD: "good",
    NOT_ASKED: "not asked yet",
    NO_ANSWER: "no answer",
    LATE: "its answers come too late",
    SHORT: "its answer is too short",
    NO_SERVER: "its answer is none of a time server",
    UNASKED: "its answer is to no question of ours",
    DENIED: "it does not want to be asked: not asked again until this board starts again",
    TOO_OFTEN: "it wants to be asked less often",
    KISS: "it has no time to tell (stratum 0)",
    UNSYNCHRONISED: "it is not synchronised itself",
    BAD_STRATUM: "its stratum is 16 or more",
    BAD_TIMES: "its times cannot be",
    TOO_FAR: "its time may be off by more than a second and a half",
    ABSURD_YEAR: "its year cannot be",
    OUTVOTED: "it disagrees with the others, or with the clock that they set",
    ABSURD_STEP: "it jumped by a minute or more, and no other server confirms that",
    NO_NAME: "its name was not resolved",
    NO_DNS: "a name, but option domain-name-servers names nobody to ask for it",
    UNREACHABLE: "there is no way to it",
    NO_MEMORY: "no memory to ask it",
}


def refusal(source):
    """A line for the log: what is wrong with this server, or that nothing is any more."""
    return "Time server %s: %s" % (shown(source), WHY[source.why] if source.why != GOOD else "answers again")


def shown(source):
    """Name or address of a server."""
    return source.name if source.name else "%d.%d.%d.%d" % tuple(source.address)


def followed(source, error):
    return "Time server %s is followed: stratum %d, round trip %d ms, within %d ms" % (
        shown(source),
        source.stratum,
        source.delay,
        error,
    )
