"""A board that is a process: its wires (wiring.py), its serial port (serial_port.py), its processor (cpu.py), all (board.py)."""
