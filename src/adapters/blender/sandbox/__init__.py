"""What stands between a stranger's scene and this machine.

Blender's own flags (scripts off) are the second belt; the sandbox is the first. Every kind
keeps the same promise, checked by one escape suite: the command reads the system's programs
and what it is given, writes one directory, sees no network and none of our environment, and
dies with us.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from ....domain.errors import MachineError

log = logging.getLogger("tileproof.adapters.sandbox")


@dataclass(frozen=True, slots=True)
class SandboxedCommand:
    """What to start instead: the whole command line and the whole environment."""

    argv: tuple[str, ...]
    env: Mapping[str, str]


class Sandbox(Protocol):
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
        """The same command, able to read the system's programs and ``read_only``, to write
        ``writable`` alone, and to reach nothing else. File descriptors that the caller passes
        on stay open. ``env`` is the whole environment the command sees, apart from PATH, HOME
        and LANG."""
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
