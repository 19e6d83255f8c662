"""What the firmware takes of a board's heap: see __main__.py."""
