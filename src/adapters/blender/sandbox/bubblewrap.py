"""A mount, process, network, IPC and user namespace of its own, through ``bwrap``."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from ....domain.errors import MachineError
from . import BASE_ENV, SandboxedCommand

PROBE_SECONDS = 10
_SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64")
_FILES = ("/etc/ld.so.cache", "/etc/ld.so.conf", "/etc/ld.so.conf.d", "/etc/fonts", "/etc/localtime")


class Bubblewrap:
    """Made by ``probe``, which has seen it work."""

    name = "bubblewrap"

    def __init__(self, program: str) -> None:
        self._program = program

    def wrap(
        self, command: Sequence[str], *, read_only: Sequence[Path], writable: Path, env: Mapping[str, str]
    ) -> SandboxedCommand:
        argv = [
            self._program,
            *("--unshare-all", "--die-with-parent", "--new-session", "--cap-drop", "ALL"),
            *("--hostname", "tileproof", "--clearenv", "--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp"),
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
        target = str(writable.absolute())
        argv += ["--bind", target, target, "--chdir", target]
        for key, value in {**BASE_ENV, **env}.items():
            argv += ["--setenv", key, value]
        return SandboxedCommand((*argv, "--", *command), {})


def probe() -> Bubblewrap:
    """Runs ``true`` in one. Raises MachineError ``sandbox.unavailable`` with bwrap's own words."""
    program = shutil.which("bwrap")
    if program is None:
        raise MachineError("sandbox.unavailable", "bwrap is not installed")
    sandbox = Bubblewrap(program)
    wrapped = sandbox.wrap(["/usr/bin/true"], read_only=(), writable=Path("/var/tmp"), env={})
    try:
        done = subprocess.run(
            wrapped.argv, env=dict(wrapped.env), capture_output=True, timeout=PROBE_SECONDS, check=False
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise MachineError("sandbox.unavailable", f"bwrap cannot be run: {error}") from error
    if done.returncode != 0:
        said = done.stderr.decode(errors="replace").strip()
        raise MachineError("sandbox.unavailable", f"bwrap is refused by this machine: {said}")
    return sandbox
