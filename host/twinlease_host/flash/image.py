"""MicroPython's own image for a board: a file that somebody names, or one from micropython.org, kept for the next time.

What is downloaded has no signature. So the SHA-256 of a file is recorded when it first comes, beside it, and a file of
that name that ever has another one is refused; `sha256` pins it beforehand.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from .. import cache
from ..boardfile import MicroPython
from ..errors import UserError

LEAST = (1, 29, 0)
SITE = "https://micropython.org"
_RECORD = "checksums.json"
_PATIENCE_S = 20


@dataclass(frozen=True)
class Image:
    """What is to be written, and where it comes from."""

    path: Path
    octets: bytes
    source: str

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.octets).hexdigest()


def obtain(
    wanted: MicroPython, given: Path | None, pinned: str, folder: Path, progress: Callable[[int, int], None]
) -> Image:
    """The image: the given file, the newest in `folder`, or one from the site that goes there. Raises UserError."""
    if given:
        found = _load(given, "given")
    else:
        kept = _newest(path.name for path in folder.glob(wanted.image + "-*") if _is_one(wanted, path.name))
        found = _load(folder / kept, "kept") if kept else _download(wanted, folder, progress)
        _compare(folder, found)
    if pinned and found.sha256 != pinned.lower():
        raise UserError(
            f"{found.path} has the SHA-256 {found.sha256}, and {pinned} was asked for",
            "download it again, from the page it is said to come from, or correct --sha256",
        )
    return found


def version_of(name: str) -> tuple[int, ...]:
    """The release in the name of a file, (0,) if there is none."""
    found = re.search(r"-v(\d+)\.(\d+)\.(\d+)\.", name)
    return tuple(int(part) for part in found.groups()) if found else (0,)


def _load(path: Path, source: str) -> Image:
    try:
        return Image(path, path.read_bytes(), source)
    except OSError as bad:
        raise UserError(f"the image {path} cannot be read: {bad.strerror}", "name a file that is there") from None


def _is_one(wanted: MicroPython, name: str) -> bool:
    """A release, new enough, of this very board: no preview, no other variant."""
    pattern = re.escape(wanted.image) + r"-\d{8}-v\d+\.\d+\.\d+\." + wanted.suffix
    return re.fullmatch(pattern, name) is not None and version_of(name) >= LEAST


def _newest(names: object) -> str:
    return max(names, key=lambda name: (version_of(name), name), default="")  # type: ignore[call-overload, no-any-return]


def _download(wanted: MicroPython, folder: Path, progress: Callable[[int, int], None]) -> Image:
    if not wanted.page:
        raise UserError(
            "no site has an image for a virtual chip",
            "twinlease vboard image micropython.bin; then name it: --image micropython.bin",
        )
    site = os.environ.get("TWINLEASE_IMAGES", SITE).rstrip("/")
    page = f"{site}/download/{wanted.page}/"
    names = re.findall(r"/resources/firmware/([\w.-]+)", _get(page, wanted, lambda *_: None).decode())
    name = _newest(name for name in names if _is_one(wanted, name))
    if not name:
        release = ".".join(map(str, LEAST))
        raise UserError(
            f"{page} names no {wanted.image}-*.{wanted.suffix} of v{release} or later",
            "look there, download one, and name it: --image FILE",
        )
    octets = _get(f"{site}/resources/firmware/{name}", wanted, progress)
    folder.mkdir(parents=True, exist_ok=True)
    new = folder / (name + ".new")
    new.write_bytes(octets)
    new.rename(folder / name)
    return Image(folder / name, octets, "downloaded")


def _get(url: str, wanted: MicroPython, progress: Callable[[int, int], None]) -> bytes:
    try:
        with urllib.request.urlopen(url, timeout=_PATIENCE_S) as answer:
            size = int(answer.headers.get("Content-Length") or 0)
            octets = b""
            while piece := answer.read(65536):
                octets += piece
                progress(len(octets), size)
    except (urllib.error.URLError, OSError) as bad:
        raise UserError(
            f"{url} cannot be had: {getattr(bad, 'reason', bad)}",
            f"on a PC with internet fetch {wanted.image}-….{wanted.suffix}, v{'.'.join(map(str, LEAST))} or later, "
            f"from {SITE}/download/{wanted.page}/, and name it: --image FILE; or put it into {cache.folder('images')}",
        ) from None
    if size and len(octets) != size:
        raise UserError(f"{url} ended after {len(octets)} of {size} octets", "run this again")
    return octets


def _compare(folder: Path, image: Image) -> None:
    """With what was recorded when a file of this name first came; record it if it has not."""
    record = folder / _RECORD
    known = json.loads(record.read_text()) if record.exists() else {}
    before = known.setdefault(image.path.name, image.sha256)
    if before != image.sha256:
        raise UserError(
            f"{image.path} is not the file that it was: its SHA-256 is {image.sha256}, and was {before}",
            f"remove it if you do not know why, and run this again; its entry in {record} if you do",
        )
    new = record.with_suffix(".new")
    new.write_text(json.dumps(known, indent=1, sort_keys=True) + "\n")
    new.rename(record)
