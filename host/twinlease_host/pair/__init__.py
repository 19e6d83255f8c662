"""A pair of boards, or one, as seen from a PC: what they say, what is wrong, and a new configuration for both."""
