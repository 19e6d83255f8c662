"""How much a line of the log matters, as syslog counts (RFC 5424 section 6.2.1): found out from what it says.

Asked seldom: for a syslog server, and while less than everything is written. So nobody else need say it.
"""

# The first that has a word of the line counts: good news may name what is over, and a warning what is wrong.
_WORDS = (
    (6, "answers again| is followed|agrees with ours|to normal|servers normal|(0 damaged)"),
    (4, "warning:|serial line|Dropped|cannot be started|The image of"),
    (
        3,
        "Out of memory|no free leases|peer holds all free|serves nobody|not serving|No service|o memory|enough memory"
        "|rejected:|the server failed|cannot be |Cannot listen|not authentic|UDP port|differ| line |were gone"
        "|its pools wait|are too little",
    ),
    (
        4,
        "bandon|Could not send|not believed|disconnect|DISCONNECT|CONNECT from|CONNECTACK from|timeout"
        "|no connection|No raw socket|No subnet|PARTNER-DOWN|partner-down|communications-interrupted|potential-conflict"
        "|resolution-interrupted|no sign of|no partner to|Memory is short|on trial|reset:|is closed|closed a connection"
        "|than we thought|no room|NTP is not served|not sent|Time server|link down|another board|new board|clock is"
        "|does not send|answering negatively|cable is out|cause: watchdog|cause: crash|damaged)|no address yet"
        "|has an address yet|button was held|knew is gone|are not where|The service stops",
    ),
)


def of(text):
    """3 error, 4 warning, 6 informational."""
    if text.startswith(("DHCP", "BOOT")):  # a client's name stands in it, and may be any word
        text = text[max(text.rfind(" via "), 0) :]
    for severity, words in _WORDS:
        for word in words.split("|"):
            if word in text:
                return severity
    return 6
