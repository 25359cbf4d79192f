"""What Blender prints, read for progress and kept for post-mortems."""

from __future__ import annotations

import re
from collections import deque

_SAMPLE = re.compile(r"Sample (\d+)/(\d+)")
_EEVEE_SAMPLE = re.compile(r"Rendering (\d+) / (\d+) samples")
_TILE = re.compile(r"Rendered (\d+)/(\d+) Tiles")
KEPT_LINES = 400
LINE_CHARS = 500


def share_done(line: str) -> float | None:
    """The share 0..1 of the picture that this line says is rendered; None when it says nothing."""
    for pattern in (_TILE, _SAMPLE, _EEVEE_SAMPLE):
        match = pattern.search(line)
        if match is not None and int(match[2]) > 0:
            return min(1.0, int(match[1]) / int(match[2]))
    return None


class Tail:
    """The last ``KEPT_LINES`` lines, each cut at ``LINE_CHARS`` characters."""

    def __init__(self) -> None:
        self._lines: deque[str] = deque(maxlen=KEPT_LINES)

    def add(self, line: str) -> None:
        if line.strip():
            self._lines.append(line.rstrip()[:LINE_CHARS])

    def last(self, count: int) -> tuple[str, ...]:
        lines = tuple(self._lines)
        return lines[-count:] if count else ()
