"""Landlock and a small seccomp filter: for machines and containers where bubblewrap is refused.

The command is started through ``landlock_launch.py``, which gives up rights before it becomes
the command. Stopped: reading or writing files outside what is given, TCP and UDP, reading
other processes' memory and environment, and, from Landlock ABI 6 on, signals to them. Not
stopped, unlike with bubblewrap: seeing that other processes exist.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from ....domain.errors import MachineError
from . import BASE_ENV, SandboxedCommand

LAUNCHER = Path(__file__).parent / "landlock_launch.py"
PROBE_SECONDS = 10
_READABLE = (
    *("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/proc", "/sys/devices", "/dev/urandom"),
    *("/etc/ld.so.cache", "/etc/ld.so.conf", "/etc/ld.so.conf.d", "/etc/fonts", "/etc/localtime"),
)
_WRITABLE_DEVICES = ("/dev/null", "/dev/zero")


class Landlock:
    """Made by ``probe``, which has seen it work."""

    name = "landlock"

    def wrap(
        self, command: Sequence[str], *, read_only: Sequence[Path], writable: Path, env: Mapping[str, str]
    ) -> SandboxedCommand:
        target = str(writable.absolute())
        rules = {
            "read": [*_READABLE, *(str(path.absolute()) for path in read_only)],
            "write": [target, *_WRITABLE_DEVICES],
            "chdir": target,
        }
        argv = (sys.executable, "-I", str(LAUNCHER), json.dumps(rules), "--", *command)
        return SandboxedCommand(argv, {**BASE_ENV, "HOME": target, "TMPDIR": target, **env})


def probe() -> Landlock:
    """Runs ``true`` in one. Raises MachineError ``sandbox.unavailable`` with the kernel's reason."""
    sandbox = Landlock()
    wrapped = sandbox.wrap(["/usr/bin/true"], read_only=(), writable=Path("/var/tmp"), env={})
    try:
        done = subprocess.run(
            wrapped.argv, env=dict(wrapped.env), capture_output=True, timeout=PROBE_SECONDS, check=False
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise MachineError("sandbox.unavailable", f"the launcher cannot be run: {error}") from error
    if done.returncode != 0:
        said = done.stderr.decode(errors="replace").strip() or f"exit status {done.returncode}"
        raise MachineError("sandbox.unavailable", f"Landlock is refused by this kernel: {said}")
    return sandbox
