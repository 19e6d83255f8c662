"""Hardware in the loop: one suite for two boards, virtual or real. See README.md."""
