"""No sandbox at all: only for those who asked for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from . import BASE_ENV, SandboxedCommand


class NoSandbox:
    """Passes the command on, with a clean environment and nothing else kept from it."""

    name = "none"

    def wrap(
        self, command: Sequence[str], *, read_only: Sequence[Path], writable: Path, env: Mapping[str, str]
    ) -> SandboxedCommand:
        return SandboxedCommand(tuple(command), {**BASE_ENV, **env})
