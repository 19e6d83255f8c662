"""Check a dhcpd.conf with the firmware's own parser, and show its complaints beside the text."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.text import Text

from . import fit
from .errors import UserError


@dataclass(frozen=True)
class Problem:
    """One complaint of the parser, as the firmware words it."""

    severity: str
    file: str
    line: int
    column: int
    message: str
    advice: str


@dataclass
class Report:
    """What the firmware thinks of a configuration, and the files that belong to it."""

    path: Path
    problems: list[Problem] = field(default_factory=list)
    files: dict[str, Path] = field(default_factory=dict)
    rows: int = 0
    config: Any = None  # the firmware's model of it, if it has no errors
    unfit: list[tuple[str, str]] = field(default_factory=list)  # what is too much for the board: message, advice
    title: str = ""  # what to call it, if that is not the path
    text: str | None = None  # what it says, if the file is gone

    @property
    def ok(self) -> bool:
        """Tell whether a board would serve it; warnings do not stand in the way."""
        return not self.unfit and all(p.severity != "error" for p in self.problems)

    def source_line(self, problem: Problem) -> str:
        """The line that a problem is about, or nothing."""
        path = self.path if problem.file == self.path.name else self.files.get(problem.file)
        if path is None:
            return ""
        lines = (read_text(path) if self.text is None else self.text).splitlines()
        return lines[problem.line - 1] if 0 < problem.line <= len(lines) else ""


def check(path: Path, limits: fit.Limits) -> Report:
    """Load a configuration as a board would. Raises UserError only if it cannot be read."""
    from twinlease import conf
    from twinlease.conf import image_writer

    report = Report(path)
    text = read_text(path)

    def included(name: str) -> str:
        report.files[name] = path.parent / name
        try:
            return report.files[name].read_text()
        except UnicodeDecodeError as bad:
            raise OSError(f"not a text file: {bad.reason} at octet {bad.start}") from None

    try:
        config = report.config = conf.load(text, path.name, included)
        found, report.rows = config.problems, config.rows
        report.unfit = list(fit.complaints(config, b"".join(image_writer.dump(config, [])), limits))
    except conf.ConfError as bad:
        found = bad.problems
    report.problems = [Problem(p.severity, p.file, p.line, p.column, p.message, p.advice or "") for p in found]
    return report


def image(report: Report, code: Path, in_rom: bool = False) -> bytes:
    """The image that a board would make of a good configuration; `code` is the folder of its conf room.

    A board loads far larger configurations than it has the memory to read.
    """
    from twinlease import configuration
    from twinlease.conf import image_writer

    sources = [(configuration.CODE, configuration.code_digest(str(code), timed=not in_rom))]
    for name, path in {configuration.CONFIG: report.path, **report.files}.items():
        sources.append((name, configuration.digest(path.read_bytes())))
    return b"".join(image_writer.dump(report.config, sources))


def read_text(path: Path, wanted: str = "give the path of your dhcpd.conf") -> str:
    """Read a configuration file, or another one that is wanted; say what is wrong if that fails."""
    try:
        return path.read_text()
    except FileNotFoundError:
        raise UserError(f"there is no file {path}", wanted) from None
    except UnicodeDecodeError as bad:
        raise UserError(f"{path} is not a text file, in UTF-8: {bad.reason} at octet {bad.start}", wanted) from None
    except OSError as bad:
        raise UserError(f"{path} cannot be read: {bad.strerror}", wanted) from None


def describe(report: Report) -> Iterator[Text]:
    """Lines for a terminal: each problem with its place, its line of text and a mark under the column."""
    for p in report.problems:
        style = "bold red" if p.severity == "error" else "yellow"
        yield Text.assemble((f"{p.file}:{p.line}:{p.column}: ", "bold"), (f"{p.severity}: ", style), p.message)
        line = report.source_line(p)
        if line:
            yield Text("    " + line.expandtabs(8))
            yield Text("    " + " " * len(line[: p.column - 1].expandtabs(8)) + "^", style=style)
        if p.advice:
            yield Text("    " + p.advice, style="cyan")
    for message, advice in report.unfit:
        yield Text.assemble((f"{report.path.name}: ", "bold"), ("error: ", "bold red"), message)
        yield Text("    " + advice, style="cyan")
    errors = sum(p.severity == "error" for p in report.problems)
    warnings = len(report.problems) - errors
    errors += len(report.unfit)
    verdict = "cannot be served" if errors else f"can be served: {report.rows} dynamic addresses"
    yield Text(f"{report.title or report.path} {verdict} ({_count(errors, 'error')}, {_count(warnings, 'warning')})")


def _count(n: int, what: str) -> str:
    return f"{n} {what}" + ("" if n == 1 else "s")
