"""How much a line of the log matters, as syslog counts (RFC 5424 section 6.2.1): found out from what it says.

Asked seldom: for a syslog server, and while less than everything is written. So nobody else need say it.
"""

_ERROR = (
    "Out of memory|no free leases|peer holds all free|serves nobody|not serving|no memory|not enough memory|rejected:"
    "|the server failed|cannot be opened|cannot be read|cannot be stored|cannot be used|not authentic|UDP port|differ"
)
_WARNING = (
    "bandon|Dropped|Could not send|warning:|not believed|disconnect|timeout|no connection|No raw socket|No subnet"
    "|PARTNER-DOWN|partner-down|communications-interrupted|potential-conflict|resolution-interrupted|no sign of"
    "|Memory is short|on trial|reset:|is closed|than we thought|no room|NTP is not served|not sent"
)


def of(text):
    """3 error, 4 warning, 6 informational."""
    for severity, words in ((3, _ERROR), (4, _WARNING)):
        for word in words.split("|"):
            if word in text:
                return severity
    return 6
