"""A 32-bit MicroPython: the WebAssembly port of the npm package, under node. Object sizes are those of a board.

Its heap grows by itself, so it measures and does not limit. A collection takes effect between calls of `run` only.
"""

from __future__ import annotations

import base64
import json
import re
import shutil
import subprocess
from pathlib import Path

HERE = Path(__file__).parent
NPM = HERE.parents[2] / "build" / "node"  # `make $(NODE)` installs there what package-lock.json names
PACKAGE = NPM / "node_modules" / "@micropython" / "micropython-webassembly-pyscript"


def missing() -> str:
    """What keeps us from measuring, by name, or nothing."""
    if shutil.which("node") is None:
        return "node is not installed"
    if not (PACKAGE / "micropython.mjs").exists():
        return "the npm package @micropython/micropython-webassembly-pyscript is not installed (make footprint tries)"
    return ""


def names_told(said: str) -> set[bytes]:
    """The names in what `micropython.qstr_info(1)` prints."""
    return {name.encode() for name in re.findall(r"^Q\((.*)\)\r?$", said, re.MULTILINE)}


class Interpreter:
    """One of them, with these files (path: octets) in its file system."""

    def __init__(self, files: dict[str, bytes]) -> None:
        words = ["node", str(HERE / "run.mjs"), str(PACKAGE)]
        self._process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self._ask({path: base64.b64encode(octets).decode() for path, octets in files.items()})
        self.run("import sys; sys.path[:] = ['/lib', '/rom', '.frozen']; import gc, micropython")

    def __enter__(self) -> Interpreter:
        return self

    def __exit__(self, *args: object) -> None:
        self._process.stdin.close()  # type: ignore[union-attr]
        self._process.wait()
        self._process.stdout.close()  # type: ignore[union-attr]

    def run(self, text: str) -> list[str]:
        """Run it at top level; returns the lines that it prints."""
        return self._ask(text)

    def used(self) -> int:
        """Octets of heap in use after a collection."""
        self.run("gc.collect()")
        self.run("gc.collect()")  # what the call before still held
        return int(self.run("print(gc.mem_alloc())")[-1])

    def names(self) -> set[bytes]:
        """Those that it has learnt; what it has in ROM is not among them."""
        return names_told("\n".join(self.run("micropython.qstr_info(1)")))

    def _ask(self, what: object) -> list[str]:
        pipe = self._process
        assert pipe.stdin and pipe.stdout
        pipe.stdin.write(json.dumps(what) + "\n")
        pipe.stdin.flush()
        answer = json.loads(pipe.stdout.readline() or '{"error": "node ended", "said": []}')
        if answer["error"]:
            raise RuntimeError("\n".join([*answer["said"], str(what)[:300], answer["error"]]))
        said: list[str] = answer["said"]
        return said
