"""Two machines and a cable between them: two network namespaces, each with an eth0."""

from __future__ import annotations

import os
import subprocess
from types import TracebackType

from ..errors import UserError

CLIENT_MAC = "02:00:00:00:00:10"  # always the same, so that a client that comes back tomorrow is known


class Cable:
    """A context manager: makes namespaces `left` and `right` joined by a cable, and removes them."""

    def __init__(self) -> None:
        tag = f"twinlease-{os.getpid()}"
        self.left = f"{tag}-board"
        self.right = f"{tag}-client"

    def __enter__(self) -> Cable:
        for netns in (self.left, self.right):
            ip("netns", "add", netns)
        cable = ["type", "veth", "peer", "name", "eth0", "address", CLIENT_MAC, "netns", self.right]
        ip("link", "add", "eth0", "netns", self.left, *cable)
        for netns in (self.left, self.right):
            ip("-n", netns, "link", "set", "lo", "up")
            ip("-n", netns, "link", "set", "eth0", "up")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for netns in (self.left, self.right):
            ip("netns", "del", netns)


def ip(*words: str) -> str:
    """Run `ip`; raises UserError with what it said."""
    done = subprocess.run(["ip", *words], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise UserError(
            f"`ip {' '.join(words)}` failed: {done.stderr.strip()}", "may this user make network namespaces?"
        )
    return done.stdout
