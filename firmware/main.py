"""Start: open the board, run the server; when it fails, say why and start again.

The folder that holds twinlease/ is on sys.path (on a board, /lib).  While the
server runs Ctrl-C is an ordinary octet on the serial line, for the console.
"""

import sys


def main():
    from twinlease import board as boards  # before micropython: the package brings a stand-in where there is none

    import micropython  # isort: skip

    board = boards.open(sys.argv)
    guard = getattr(micropython, "kbd_intr", lambda char: None)
    guard(-1)
    try:
        from twinlease import app

        app.main(board)
    except Exception as e:
        _print_exception(e)
        _count(board, repr(e))
        board.reset("the server failed: %r" % e)
    finally:
        guard(3)
    board.close()


def _count(board, why):
    try:
        from twinlease import attempts

        attempts.failed(board, why)
    except MemoryError:
        pass  # to start again is what matters


def _print_exception(e):
    if hasattr(sys, "print_exception"):
        sys.print_exception(e, sys.stderr)
    else:
        import traceback

        traceback.print_exception(e)


try:
    main()
except KeyboardInterrupt:  # somebody, or mpremote, may want the prompt before the server has begun
    from twinlease.board import repl

    repl.interrupted()
