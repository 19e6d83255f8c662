"""What a command may ask of its session: it yields (one of these, what goes with it), and gets the answer.

name = yield LINE, "Name: "             a line that the person types, or None if she would rather not
word = yield SECRET, "Password: "       the same, not shown
octets = yield PASTE, None              the next octets of a pasted text; b"" at its end, None if it was given up
yield ROWS, 24                          the terminal has so many, 0: answers are not paged
yield LOCKED, True                      from now on only `unlock` is answered
yield AFTER, function                   to be called when the answer is complete, the frame around it too
told = yield WAIT, (socket or None, ms)  True: the socket has something; False: time is up; None: a key was pressed
"""

from micropython import const

LINE = const(1)
SECRET = const(2)
PASTE = const(3)
ROWS = const(4)
LOCKED = const(5)
AFTER = const(6)
WAIT = const(7)
