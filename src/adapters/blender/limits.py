"""What a Blender may use, measured over its whole group of processes."""

from __future__ import annotations

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
    if _written_bytes(out) > limits.output_bytes:
        return "render.output_too_large"
    return None


def _resident_bytes(pid: int) -> int:
    try:
        process = psutil.Process(pid)
        family = [process, *process.children(recursive=True)]
    except psutil.Error:
        return 0
    total = 0
    for member in family:
        try:
            total += int(member.memory_info().rss)
        except psutil.Error:
            continue
    return total


def _written_bytes(out: Path) -> int:
    total = 0
    for path in out.rglob("*"):
        try:
            if not path.is_symlink() and path.is_file():
                total += path.stat().st_size
        except OSError:
            continue
    return total
