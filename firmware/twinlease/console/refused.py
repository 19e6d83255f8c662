"""What a command raises that is not carried out."""


class Refused(Exception):
    """A line that is no command, or one that cannot be answered now; the text says why, and what to do."""
