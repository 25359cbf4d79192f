"""What stands between a stranger's scene and this machine.

Blender's own flags (scripts off) are the second belt; the sandbox is the first. Every kind but
``none`` keeps the promise of ``Sandbox``, and one escape suite checks them all.
"""

from __future__ import annotations

import logging
import subprocess
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from ....domain.errors import MachineError

log = logging.getLogger("tileproof.adapters.sandbox")

LAUNCHER = Path(__file__).parent / "launch.py"
PROBE_SECONDS = 10


@dataclass(frozen=True, slots=True)
class SandboxedCommand:
    """What to start instead: the whole command line and the whole environment."""

    argv: tuple[str, ...]
    env: Mapping[str, str]


class Sandbox(Protocol):
    """The command reads the system's programs and what it is given and writes one directory. It
    opens no socket, starts no process, reaches no other process, changes no file's rights or
    times, has no privileges even when started as root, and sees none of our environment. It is
    killed when the thread that started it ends, so that thread must outlive it.

    Left to the caller's limits: processor time, memory, bytes written, the number of threads.
    """

    @property
    def name(self) -> str:
        """As reports name it: ``bubblewrap``, ``landlock`` or ``none``."""
        ...

    def wrap(
        self,
        command: Sequence[str],
        *,
        read_only: Sequence[Path],
        writable: Path,
        env: Mapping[str, str],
    ) -> SandboxedCommand:
        """The same command with those rights. File descriptors that the caller passes on stay
        open. ``env`` is the whole environment the command sees, apart from PATH, HOME, TMPDIR
        and the language.

        Raises MachineError ``sandbox.too_wide`` when a path given is the whole disk.
        """
        ...


BASE_ENV = {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": "/tmp", "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8"}


def choose(allow_none: bool = False) -> Sandbox:
    """The strongest sandbox that this kernel really grants, tried once each.

    With ``allow_none`` the absence of all of them is logged as a warning instead.

    Raises MachineError ``sandbox.unavailable``, saying why each kind was refused.
    """
    from . import bubblewrap, landlock, none

    kinds: tuple[tuple[str, Callable[[], Sandbox]], ...] = (
        ("bubblewrap", bubblewrap.probe),
        ("landlock", landlock.probe),
    )
    refused: list[str] = []
    for name, probe in kinds:
        try:
            return probe()
        except MachineError as error:
            refused.append(f"{name}: {error.message}")
    if allow_none:
        log.warning("no sandbox: scenes run with this account's rights (%s)", "; ".join(refused))
        return none.NoSandbox()
    raise MachineError(
        "sandbox.unavailable",
        f"this machine offers no sandbox ({'; '.join(refused)})",
        remedy="install bubblewrap and allow unprivileged user namespaces, use a kernel with Landlock, "
        "or accept the risk with --no-sandbox",
    )


def refuse_whole_disk(paths: Sequence[Path]) -> None:
    """Raises MachineError ``sandbox.too_wide``: a program installed at ``/`` cannot be told apart from
    everything else."""
    for path in paths:
        if path.resolve() == Path("/"):
            raise MachineError(
                "sandbox.too_wide",
                "the sandbox would have to show the whole disk",
                remedy="install Blender in a folder of its own and set BLENDER_PATH",
            )


def try_once(sandbox: Sandbox) -> None:
    """Runs ``true`` in it. Raises MachineError ``sandbox.unavailable`` with the machine's own words."""
    with tempfile.TemporaryDirectory(prefix="tileproof-probe-") as folder:
        wrapped = sandbox.wrap(["/usr/bin/true"], read_only=(), writable=Path(folder), env={})
        try:
            done = subprocess.run(
                wrapped.argv,
                env=dict(wrapped.env),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=PROBE_SECONDS,
                check=False,
            )
        except (OSError, subprocess.SubprocessError) as error:
            raise MachineError("sandbox.unavailable", f"it cannot be started: {error}") from error
    if done.returncode != 0:
        said = done.stderr.decode(errors="replace").strip()[-300:] or f"exit status {done.returncode}"
        raise MachineError("sandbox.unavailable", f"it is refused by this machine: {said}")
