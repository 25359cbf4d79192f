"""Frame lists as people type them: ``1-100x5,120``.

A list is parts joined by commas; a part is a frame or a range with both ends included,
optionally with ``xSTEP``. A stepped range always keeps its first and its last frame.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

from .errors import InputError

LAST_FRAME = 1_048_574
"""Blender's own largest frame number (MAXFRAME)."""

MAX_FRAMES = 10_000
"""Frames in one list: a result is one directory, and a directory has at most as many entries."""

_PART = re.compile(r"(\d{1,10})(?:-(\d{1,10})(?:x(\d{1,10}))?)?", re.ASCII)
_MAX_TEXT = 100_000
_OVERLAP = 10  # how often over ranges may repeat frames, before a short text costs long work


def parse_frames(
    text: str, *, first: int = 0, last: int = LAST_FRAME, at_most: int = MAX_FRAMES
) -> tuple[int, ...]:
    """The frames that ``text`` names: ascending, each once.

    Every frame must lie in ``first..last``, ends included.

    Raises:
        InputError: ``frames.malformed`` (not such a list, a range that runs backwards, step
            zero), ``frames.outside_range``, ``frames.too_many`` (found out before the list
            is built, so a short text cannot fill the memory).
    """
    if len(text) > _MAX_TEXT:
        raise _malformed(text)
    frames: set[int] = set()
    spelled_out = 0
    for part in text.split(","):
        span = _parse_part(part, text)
        for end in (span[0], span[-1]):
            if not first <= end <= last:
                raise InputError(
                    "frames.outside_range",
                    f"frame {end} is outside {first}-{last}",
                    remedy=f"ask for frames between {first} and {last}",
                    frame=end,
                    first=first,
                    last=last,
                )
        spelled_out += len(span)
        if len(span) > at_most or spelled_out > _OVERLAP * at_most:
            raise _too_many(max(len(span), spelled_out), at_most)
        frames.update(span)
        if len(frames) > at_most:
            raise _too_many(len(frames), at_most)
    return tuple(sorted(frames))


def format_frames(frames: Sequence[int]) -> str:
    """The one canonical text for these frames, which are ascending and distinct.

    ``parse_frames(format_frames(frames)) == tuple(frames)``. Three or more frames at one
    distance become a range, taken greedily from the left.

    Raises:
        ValueError: empty, negative, repeated or out of order.
    """
    if not frames or frames[0] < 0 or any(b <= a for a, b in pairwise(frames)):
        raise ValueError("frames are ascending, distinct, not negative and at least one")
    parts: list[str] = []
    at = 0
    while at < len(frames):
        end = _run_end(frames, at)
        if end - at >= 2:
            step = frames[at + 1] - frames[at]
            parts.append(f"{frames[at]}-{frames[end]}" + (f"x{step}" if step > 1 else ""))
            at = end + 1
        else:
            parts.append(str(frames[at]))
            at += 1
    return ",".join(parts)


def _parse_part(part: str, text: str) -> Sequence[int]:
    match = _PART.fullmatch(part.strip())
    if match is None:
        raise _malformed(text)
    start = int(match[1])
    if match[2] is None:
        return (start,)
    end, step = int(match[2]), int(match[3] or 1)
    if end < start or step == 0:
        raise _malformed(text)
    whole = range(start, end + 1, step)
    return whole if whole[-1] == end else _WithEnd(whole, end)


class _WithEnd(Sequence[int]):
    """A stepped range and its last frame, not yet spelled out."""

    def __init__(self, whole: range, end: int) -> None:
        self._whole, self._end = whole, end

    def __len__(self) -> int:
        return len(self._whole) + 1

    def __getitem__(self, at: int) -> int:  # type: ignore[override]  # slices are never taken
        if at in (-1, len(self._whole)):
            return self._end
        return self._whole[at]


def _run_end(frames: Sequence[int], at: int) -> int:
    """The last position of the run of equal distances that starts at ``at``."""
    end = at + 1
    if end >= len(frames):
        return at
    step = frames[end] - frames[at]
    while end + 1 < len(frames) and frames[end + 1] - frames[end] == step:
        end += 1
    return end


def _malformed(text: str) -> InputError:
    return InputError(
        "frames.malformed",
        f"{text[:80]!r} is not a list of frames",
        remedy="write frames and ranges such as 7, 1-100, 1-100x5 or 1-100x5,120",
        text=text[:200],
    )


def _too_many(count: int, at_most: int) -> InputError:
    return InputError(
        "frames.too_many",
        f"{count} frames are more than the {at_most} that one job may hold",
        remedy="submit the frames as several jobs",
        count=count,
        at_most=at_most,
    )
