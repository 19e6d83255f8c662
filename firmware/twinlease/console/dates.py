"""Dates, as the console prints them."""

from twinlease import epoch


def date(seconds):
    """Project seconds as a date."""
    if seconds is None:
        return None
    return "%04d-%02d-%02d %02d:%02d:%02d" % tuple(epoch.calendar(seconds))[:6]
