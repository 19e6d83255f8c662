"""For all tests on CPython: the firmware's stand-in for the `micropython` module comes first."""

import twinlease  # noqa: F401
