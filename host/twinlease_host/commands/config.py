"""`twinlease config`: what a board would say about a dhcpd.conf, and one dhcpd.conf for both boards of a pair."""

from __future__ import annotations

import json
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from .. import boardfile, configfile, fit, serial_link
from ..errors import UserError
from ..output import err, note, out
from ..pair import configs, sources
from ..pair import push as pushing
from ..vboard import board
from . import config_import, ports

app = typer.Typer(no_args_is_help=True, help="Check configuration files, and bring them to boards.")
app.command(name="import")(config_import.import_)

_Timeout = ports.Timeout
_ANY_HEAP = fit.Limits(None, fit.octets(fit.DEFAULT_FLASH))  # a board finds out by itself, and goes back


@app.callback()
def config() -> None:
    """Check configuration files, and bring them to boards."""


@app.command()
def check(
    what: Annotated[
        list[str],
        typer.Argument(
            metavar="FILE|A [B]", help="a dhcpd.conf; or boards, for what they serve", autocompletion=ports.complete
        ),
    ],
    heap: Annotated[str, typer.Option(help="the board's heap for Python")] = fit.DEFAULT_HEAP,
    flash: Annotated[str, typer.Option(help="the board's flash for leases")] = fit.DEFAULT_FLASH,
    board_name: Annotated[str, typer.Option("--board", help="its heap and flash, as boards/ tells: pico-w …")] = "",
    rom: Annotated[
        bool,
        typer.Option("--rom", help="a virtual board that runs in flash, see `twinlease vboard run --help`"),
    ] = False,
    timeout: _Timeout = serial_link.PATIENCE_S,
    as_json: ports.AsJson = False,
) -> None:
    """Tell whether a board would serve this file, and if not, what to write.

    Of boards: whether what they serve is right, and whether two of them serve by the same.

    Example: twinlease config check dhcpd.conf --board pico-w

    It also has to fit the board: without --board, a virtual one. What has room there is estimated, on the safe side.

    Exit codes: 0 it would (warnings are shown), 1 it has errors or is too large, or two boards differ, 2 it cannot be
    read.
    """
    limits = _limits(board_name, heap, flash, rom)
    told, texts = [], {}
    for name in what:
        if ports.is_board(name):
            texts[name] = sources.of_board(name, timeout)
            told.append((name, _check_text(name, texts[name], _ANY_HEAP)))
        else:
            told.append((name, configfile.check(Path(name), limits)))
    found = pushing.differ(dict(texts)) if len(texts) == 2 else []
    if as_json:
        answers = [_fields(name, report) for name, report in told]
        pair = {"ok": all(report.ok for _, report in told) and not found, "files": answers}
        pair["differences"] = [one.fields() for one in found]
        typer.echo(json.dumps(answers[0] if len(answers) == 1 else pair))
    else:
        for _, report in told:
            for line in configfile.describe(report):
                out.print(line)
        if len(texts) == 2:
            _tell_differences(found, *texts)
    if found or not all(report.ok for _, report in told):
        raise typer.Exit(1)


@app.command()
def pull(
    boards: ports.Boards = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", metavar="FILE", help="instead of the screen")] = None,
    timeout: _Timeout = serial_link.PATIENCE_S,
    as_json: ports.AsJson = False,
) -> None:
    """Fetch the dhcpd.conf that a board serves. Of two boards: if they serve by the same; else what differs.

    Example: twinlease config pull /dev/ttyUSB0 -o dhcpd.conf

    Exit codes: 0 fetched, 1 a board has none, or the two differ, 2 a board could not be asked, or FILE not written.
    """
    named = ports.named(boards, 1, 2)
    texts = {port: sources.of_board(port, timeout) for port in named.values()}
    found = pushing.differ(dict(texts)) if len(texts) == 2 else []
    text = next(iter(texts.values()))
    if as_json:
        typer.echo(json.dumps({"boards": texts, "differences": [one.fields() for one in found]}))
    elif found:
        _tell_differences(found, *texts)
        hint = f"fetch the right one: twinlease config pull {next(iter(texts))} -o dhcpd.conf"
        raise UserError("the two boards serve by different configurations; none was fetched", hint, code=1)
    elif output is None:
        typer.echo(text, nl=False)
    if output is not None and not found:
        try:
            output.write_text(text)
        except OSError as bad:
            raise UserError(f"{output} cannot be written: {bad.strerror}", "choose another -o FILE") from None
        note(f"{len(text.splitlines())} lines are in {output}")
    if found:
        raise typer.Exit(1)


@app.command()
def diff(
    first: Annotated[str, typer.Argument(metavar="A", help="a board, or a dhcpd.conf", autocompletion=ports.complete)],
    second: Annotated[str, typer.Argument(metavar="B", help="a board, or a dhcpd.conf", autocompletion=ports.complete)],
    timeout: _Timeout = serial_link.PATIENCE_S,
    as_json: ports.AsJson = False,
) -> None:
    """Show what two boards, or a board and a file, do not agree on.

    What they say is compared: comments and spaces do not matter, nor that each half of a failover peer in ISC's form
    has its own view of it.

    Example: twinlease config diff /dev/ttyUSB0 dhcpd.conf

    Exit codes: 0 they agree, 1 they differ, 2 a board could not be asked, or a file not read.
    """
    texts = [
        sources.of_board(one, timeout) if ports.is_board(one) else sources.of_file(Path(one)) for one in (first, second)
    ]
    found = configs.differences(*texts)
    if as_json:
        typer.echo(json.dumps({"differences": [one.fields() for one in found]}))
    else:
        _tell_differences(found, first, second)
    if found:
        raise typer.Exit(1)


@app.command()
def push(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="a dhcpd.conf; what it includes goes along")],
    boards: ports.Boards = None,
    minutes: Annotated[int, typer.Option(min=1, max=60, help="how long a board tries it before it goes back")] = 3,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="show what would change, and change nothing")] = False,
    force: Annotated[bool, typer.Option("--force", help="even if the check on this PC finds errors")] = False,
    timeout: _Timeout = serial_link.PATIENCE_S,
    as_json: ports.AsJson = False,
) -> None:
    """Have a board, or both of a pair, serve by this file; confirmed only when they serve again.

    The boards are restarted one after the other, so that one of the pair always serves. If a board cannot read the
    file, has no room for it, or does not serve again (for a pair: is not in normal again), it goes back by itself.

    Example: twinlease config push dhcpd.conf pair/board-a pair/board-b

    Exit codes: 0 it is served and kept, 1 a board went back, or will, or the file has errors, 2 nothing was changed.
    """
    named = ports.named(boards, 1, 2)
    text = pushing.plain(sources.of_file(file))
    report = _check_text(str(file), text, _ANY_HEAP)
    if not report.ok and not force:
        for line in configfile.describe(report):
            err.print(line)
        raise UserError("nothing was changed", f"mend {file} and run this again", code=1)
    changes = {name: _changes(port, text, timeout) for name, port in named.items()}
    if dry_run:
        if as_json:
            typer.echo(json.dumps({name: [one.fields() for one in found] for name, found in changes.items()}))
        else:
            for name, found in changes.items():
                _tell_differences(found, f"board {name}", str(file))
        return
    consoles = [pushing.Serial(name, port, timeout) for name, port in named.items()]
    changed = pushing.push(consoles, text, minutes, note)
    if as_json:
        typer.echo(json.dumps({"changed": changed, "changes": {name: len(found) for name, found in changes.items()}}))
    else:
        for name, found in changes.items():
            out.print(
                f"board {name}: {len(found)} statements changed" if name in changed else f"board {name}: as it was"
            )


def _changes(port: str, text: str, timeout: float) -> list[configs.Difference]:
    """What a board would change; a new one, all."""
    try:
        return configs.differences(sources.of_board(port, timeout), text)
    except UserError as bad:
        if bad.code != 1:
            raise
        return configs.differences("", text)


def _limits(board_name: str, heap: str, flash: str, rom: bool) -> fit.Limits:
    if board_name and rom:
        raise UserError("--board and --rom: what is measured in ROM is the virtual board", "leave one of them out")
    if board_name:
        return boardfile.load(board_name).limits
    sizes = board.parse_size("--heap", heap), board.parse_size("--flash", flash)
    return fit.Limits(fit.octets(sizes[0]), fit.octets(sizes[1]), fit.VIRTUAL_IN_ROM if rom else fit.VIRTUAL)


def _check_text(name: str, text: str, limits: fit.Limits) -> configfile.Report:
    """The report of a text that is in no file, under this name."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "dhcpd.conf"
        path.write_text(text)
        report = configfile.check(path, limits)
    report.title = name
    report.text = text
    return report


def _fields(name: str, report: configfile.Report) -> dict[str, object]:
    return {
        "file": name,
        "ok": report.ok,
        "addresses": report.rows,
        "problems": [asdict(p) for p in report.problems],
        "too_large": [{"message": message, "advice": advice} for message, advice in report.unfit],
    }


def _tell_differences(found: list[configs.Difference], first: str, second: str) -> None:
    if not found:
        out.print(f"{first} and {second} say the same")
        return
    for line in configs.describe(found, first, second):
        out.print(line)
