"""What a Blender may use, measured over its whole group of processes."""

from __future__ import annotations

import contextlib
from pathlib import Path

import psutil

from ...ports.renderer import Limits


def exceeded(pid: int, out: Path, limits: Limits) -> str | None:
    """The error code of the limit that is broken right now, None while all hold.

    Memory is resident memory summed over the process and its descendants: Blender reserves far
    more address space than it touches, so RLIMIT_AS would refuse honest scenes.
    """
    if _resident_bytes(pid) > limits.memory_bytes:
        return "render.out_of_memory"
    if written_bytes(out) > limits.output_bytes:
        return "render.output_too_large"
    return None


def descendants(pid: int) -> list[psutil.Process]:
    """The process and all that it started, whatever session they moved to."""
    try:
        process = psutil.Process(pid)
        return [process, *process.children(recursive=True)]
    except psutil.Error:
        return []


def written_bytes(out: Path) -> int:
    """The sizes of the regular files below ``out``, added up."""
    total = 0
    for path in out.rglob("*"):
        with contextlib.suppress(OSError):
            if not path.is_symlink() and path.is_file():
                total += path.stat().st_size
    return total


def _resident_bytes(pid: int) -> int:
    total = 0
    for member in descendants(pid):
        with contextlib.suppress(psutil.Error):
            total += int(member.memory_info().rss)
    return total
