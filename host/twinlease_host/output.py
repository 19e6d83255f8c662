"""Where words go: results to standard output, everything else to standard error."""

from rich.console import Console
from rich.text import Text

out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)


def note(text: str) -> None:
    """Tell about progress."""
    err.print(Text(text, style="dim"))
