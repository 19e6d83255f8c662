"""Leases: the table in RAM (table.py) and the journal over a flash region (journal.py).  Pure: no clock, no file, no socket."""
