"""The LED of a board that is a process: a file with a word, for whoever looks.  Loaded when the light changes."""

_WORDS = ("normal", "alone", "no time", "fault")  # by NORMAL, ALONE, NO_TIME, FAULT


def show(folder, light):
    with open(folder + "/led", "w") as f:
        f.write(_WORDS[light] + "\n")
