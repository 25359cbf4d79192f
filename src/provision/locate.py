"""Where a program is: on PATH in the right version, or in the per-user cache."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

from ..domain.errors import MachineError
from .table import Tool

_ASK_SECONDS = 20


def locate(tool: Tool, cache: Path) -> Path:
    """The program, from PATH if its version is the pinned one, else from the cache.

    Raises MachineError ``provision.missing``.
    """
    found = find(tool, cache)
    if found is None:
        raise MachineError(
            "provision.missing",
            f"{tool.name} {tool.version} ({tool.what_for}) is neither on PATH nor in {cache}",
            remedy=f"run `tileproof setup {tool.name}` (to build it takes {tool.minutes} min)",
            tool=tool.name,
            version=tool.version,
        )
    return found


def find(tool: Tool, cache: Path) -> Path | None:
    """As ``locate``, None when there is none."""
    on_path = shutil.which(Path(tool.program).name) if tool.on_path else None
    if on_path is not None and version_of(Path(on_path), tool) == tool.version:
        return Path(on_path)
    cached = in_cache(tool, cache)
    return cached if cached.is_file() else None


def in_cache(tool: Tool, cache: Path) -> Path:
    return cache / "tools" / tool.folder / tool.program


def version_of(program: Path, tool: Tool) -> str | None:
    """What the program says of itself; None when it says nothing that looks like a version."""
    try:
        done = subprocess.run(
            [str(program), "--version"],
            capture_output=True,
            timeout=_ASK_SECONDS,
            check=False,
            stdin=subprocess.DEVNULL,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    match = re.search(tool.version_pattern, (done.stdout + done.stderr).decode(errors="replace"))
    return match[1] if match is not None else None
