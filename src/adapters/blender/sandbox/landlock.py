"""Landlock and a system call filter: for machines and containers where bubblewrap is refused.

The command is started through ``launch.py``, which gives up rights before it becomes the command.
Stopped: all of ``Sandbox``'s promise, on any kernel with Landlock (5.13 and later); what older ABIs
lack is refused by the filter. Not stopped, unlike with bubblewrap: learning that a path or a
process number exists, how large and how old a file is, and how busy the machine is.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from . import BASE_ENV, LAUNCHER, SandboxedCommand, refuse_whole_disk, try_once

_READABLE = (
    *("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64"),
    *("/etc/ld.so.cache", "/etc/ld.so.conf", "/etc/ld.so.conf.d", "/etc/fonts", "/etc/localtime"),
    *("/proc/self", "/proc/cpuinfo", "/proc/meminfo", "/proc/stat", "/proc/sys/vm/overcommit_memory"),
    *("/sys/devices/system/cpu", "/sys/devices/system/node", "/dev/urandom"),
)
_WRITABLE_DEVICES = ("/dev/null", "/dev/zero")


class Landlock:
    """Made by ``probe``, which has seen it work.

    ``python`` starts the launcher. ``newest_abi`` asks the kernel for no more than that Landlock
    ABI: how an older kernel's rules are tried on a newer one.
    """

    name = "landlock"

    def __init__(
        self, python: str = sys.executable, launcher: Path = LAUNCHER, newest_abi: int | None = None
    ) -> None:
        self._python, self._launcher, self._newest_abi = python, launcher, newest_abi

    def wrap(
        self, command: Sequence[str], *, read_only: Sequence[Path], writable: Path, env: Mapping[str, str]
    ) -> SandboxedCommand:
        refuse_whole_disk((*read_only, writable))
        target = str(writable.absolute())
        rules = {
            "read": [*_READABLE, *(str(path.absolute()) for path in read_only)],
            "write": [target, *_WRITABLE_DEVICES],
            "abi": self._newest_abi,
            "chdir": target,
        }
        argv = (self._python, "-I", str(self._launcher), json.dumps(rules), "--", *command)
        return SandboxedCommand(argv, {**BASE_ENV, "HOME": target, "TMPDIR": target, **env})


def probe() -> Landlock:
    """Runs ``true`` in one. Raises MachineError ``sandbox.unavailable`` with the kernel's reason."""
    sandbox = Landlock()
    try_once(sandbox)
    return sandbox
