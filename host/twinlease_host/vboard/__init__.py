"""A board that is a process.  board.py is the whole of it; wiring, serial_port, cpu and keyboard are its parts."""
