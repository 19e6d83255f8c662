"""A board that is a process: wires (wiring.py), serial port (serial_port.py), processor (cpu.py), the whole (board.py)."""
