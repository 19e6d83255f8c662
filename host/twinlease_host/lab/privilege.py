"""Rights for network namespaces: root's, or those that a user namespace gives to anybody."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys

from ..errors import UserError

_ENTER = ["unshare", "--user", "--map-root-user", "--net", "--mount"]
# `ip netns` keeps its names in /run, which belongs to root: inside, it gets one of its own.
_PREPARE = 'mount -t tmpfs tmpfs /run && ip link set lo up && exec "$@"'


def need(why: str) -> None:
    """Return if this process may make namespaces; otherwise run it again where it may (and never return).

    Raises UserError, with the command to type, if the machine forbids user namespaces.
    """
    if shutil.which("ip") is None:
        raise UserError("the command `ip` is missing", "type: sudo apt-get install iproute2")
    if os.geteuid() == 0:
        return
    sudo = "type: sudo " + shlex.join(sys.argv)
    if shutil.which("unshare") is None:
        raise UserError(why, sudo)
    probe = subprocess.run([*_ENTER, "sh", "-c", _PREPARE, "sh", "true"], capture_output=True, text=True, check=False)
    if probe.returncode != 0:
        raise UserError(f"{why}, and this machine does not let users make one ({probe.stderr.strip()})", sudo)
    sys.stdout.flush()
    sys.stderr.flush()
    os.execvp("unshare", [*_ENTER, "sh", "-c", _PREPARE, "sh", sys.executable, "-m", "twinlease_host", *sys.argv[1:]])
