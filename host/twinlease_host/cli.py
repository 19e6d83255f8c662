"""The `twinlease` command: the table of commands, and the one place that turns errors into exit codes.

Exit codes: 0 done; 1 done, and the answer is no (a configuration with errors, a console command that was refused);
2 could not be done, and the message says what to type next.
"""

from __future__ import annotations

from typing import NoReturn

import typer
from rich.text import Text

from .commands import config, console, demo, doctor, flash, leases, migrate, status, top, upgrade, vboard
from .errors import UserError
from .output import err

app = typer.Typer(
    no_args_is_help=True,
    add_completion=True,
    rich_markup_mode="rich",
    help="Configure, run and watch Twinlease DHCP servers.\n\n"
    "Start with: [bold]twinlease demo[/]  (two virtual boards, a real client, a power cut)\n\n"
    "Exit codes: 0 done; 1 done, and the answer is no; 2 could not be done.",
)
app.add_typer(config.app, name="config")
app.add_typer(leases.app, name="leases")
app.add_typer(vboard.app, name="vboard")
app.command(name="console")(console.console)
app.command(name="demo")(demo.demo)
app.command(name="doctor")(doctor.doctor)
app.command(name="flash")(flash.flash)
app.command(name="migrate")(migrate.migrate)
app.command(name="status")(status.status)
app.command(name="top")(top.top)
app.command(name="upgrade")(upgrade.upgrade)


def main() -> None:
    """Console entry point."""
    try:
        app()
    except UserError as bad:
        _end(bad)
    except OSError as bad:
        if bad.filename is None:
            raise
        _end(UserError(f"{bad.filename}: {bad.strerror}", "give another path, or make that one right"))


def _end(bad: UserError) -> NoReturn:
    err.print(Text.assemble(("error: ", "bold red"), str(bad)))
    if bad.hint:
        err.print(Text.assemble(("  hint: ", "dim"), bad.hint))
    raise SystemExit(bad.code) from None
