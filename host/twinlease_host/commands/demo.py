"""`twinlease demo`: a virtual board serves a real client."""

from __future__ import annotations

from typing import Annotated

import typer


def demo(
    once: Annotated[bool, typer.Option("--once", help="end after the client's steps")] = False,
) -> None:
    """Boot a virtual board and let a real udhcpc obtain, renew and release an address.

    Example: twinlease demo
    """
    raise typer.Exit(0)
