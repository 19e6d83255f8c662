"""python -m twinlease_host.pages [--examples]: write the pages that are made from what they are about (`make docs`)."""

from __future__ import annotations

import sys

from . import boards, console


def main(words: list[str]) -> None:
    if "--examples" in words:
        from . import session

        session.take()
    console.PAGE.write_text(console.render())
    boards.write()


if __name__ == "__main__":
    main(sys.argv[1:])
