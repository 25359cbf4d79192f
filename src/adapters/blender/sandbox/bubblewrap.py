"""A mount, process, network, IPC and user namespace of its own, through ``bwrap``, and a filter.

Stopped: all of ``Sandbox``'s promise. Other processes, the rest of the file system and the network
do not exist inside. Left to the caller's limits: processor time, memory, the number of threads.
"""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from ....domain.errors import MachineError
from . import BASE_ENV, LAUNCHER, SandboxedCommand, refuse_whole_disk, try_once

TMP_BYTES = 256 << 20
"""Of memory: what Blender's own temporary files may take."""
_SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64")
_FILES = ("/etc/ld.so.cache", "/etc/ld.so.conf", "/etc/ld.so.conf.d", "/etc/fonts", "/etc/localtime")


class Bubblewrap:
    """Made by ``probe``, which has seen it work. ``python`` starts the launcher."""

    name = "bubblewrap"

    def __init__(self, program: str, python: str = sys.executable, launcher: Path = LAUNCHER) -> None:
        self._program, self._python, self._launcher = program, python, launcher

    def wrap(
        self, command: Sequence[str], *, read_only: Sequence[Path], writable: Path, env: Mapping[str, str]
    ) -> SandboxedCommand:
        refuse_whole_disk((*read_only, writable))
        target = str(writable.absolute())
        argv = [
            self._program,
            *("--seccomp", "set by the launcher"),
            *("--unshare-all", "--die-with-parent", "--new-session", "--cap-drop", "ALL"),
            *("--hostname", "tileproof", "--clearenv", "--proc", "/proc", "--dev", "/dev"),
            *("--remount-ro", "/dev", "--size", str(TMP_BYTES), "--tmpfs", "/tmp"),
        ]
        for name in _SYSTEM:
            path = Path(name)
            if path.is_symlink():
                argv += ["--symlink", str(path.readlink()), name]
            elif path.is_dir():
                argv += ["--ro-bind", name, name]
        for name in _FILES:
            argv += ["--ro-bind-try", name, name]
        for place in sorted({path.absolute() for path in read_only}):
            if not place.is_relative_to("/usr"):
                argv += ["--ro-bind", str(place), str(place)]
        argv += ["--bind", target, target, "--chdir", target, "--remount-ro", "/"]
        for key, value in {**BASE_ENV, **env}.items():
            argv += ["--setenv", key, value]
        rules = json.dumps({"chdir": target, "filter_at": argv.index("--seccomp") + 1})
        launch = (self._python, "-I", str(self._launcher), rules)
        return SandboxedCommand((*launch, "--", *argv, "--", *command), {})


def probe() -> Bubblewrap:
    """Runs ``true`` in one. Raises MachineError ``sandbox.unavailable`` with bwrap's own words."""
    program = shutil.which("bwrap")
    if program is None:
        raise MachineError("sandbox.unavailable", "bwrap is not installed")
    sandbox = Bubblewrap(program)
    try_once(sandbox)
    return sandbox
