"""A cheap look at every frame of a result. It finds oddities and never accepts anything.

Whole pictures pass through one at a time and leave only their facts, so a long task
needs no more memory than one frame.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

import imagehash
from PIL import Image

from .compare import Pixels, eight_bit, pixel_digest

TOLERANCE_BITS = 22
"""pHash distance to a preview or to neighbours above which a frame is worth a look.

Unrelated pictures lie around 32 of 64 bits apart; a low-sample preview of the same frame
well below 16. A finding is only a hint, so the line lies between the two.
"""


class Oddity(Enum):
    BLANK = "blank"
    REPEATED = "repeated"
    UNLIKE_PREVIEW = "unlike_preview"
    UNLIKE_NEIGHBOURS = "unlike_neighbours"


@dataclass(frozen=True, slots=True)
class Finding:
    """Something a person may want to look at; no verdict rests on it."""

    oddity: Oddity
    frame: int
    detail: str


@dataclass(frozen=True, slots=True)
class FrameFacts:
    """What one whole picture leaves behind."""

    frame: int
    digest: str  # of decoded pixels
    blank: bool  # every pixel alike
    phash: str  # 64 bits as hex


def facts_of(frame: int, pixels: Pixels) -> FrameFacts:
    return FrameFacts(
        frame=frame,
        digest=pixel_digest(pixels),
        blank=bool((pixels == pixels[0, 0]).all()),
        phash=_phash(pixels),
    )


def screen(facts: Sequence[FrameFacts]) -> tuple[Finding, ...]:
    """Frames that are blank, and frames that repeat an earlier one pixel for pixel.

    A still camera on a still scene repeats honestly, and a night shot can be black:
    that is why these are findings and not verdicts.
    """
    findings: list[Finding] = []
    first_with: dict[str, int] = {}
    for each in facts:
        if each.blank:
            findings.append(Finding(Oddity.BLANK, each.frame, "every pixel has the same colour"))
        earlier = first_with.setdefault(each.digest, each.frame)
        if earlier != each.frame:
            findings.append(Finding(Oddity.REPEATED, each.frame, f"the same pixels as frame {earlier}"))
    return tuple(findings)


def among_neighbours(facts: Sequence[FrameFacts]) -> tuple[Finding, ...]:
    """Frames unlike both the one before and the one after in ``facts``, where those two are like
    each other: a cut goes on with the new picture, a single stranger does not."""
    findings: list[Finding] = []
    for before, each, after in zip(facts, facts[1:], facts[2:], strict=False):
        nearer = min(_distance(before.phash, each.phash), _distance(each.phash, after.phash))
        if nearer > TOLERANCE_BITS >= _distance(before.phash, after.phash):
            findings.append(
                Finding(
                    Oddity.UNLIKE_NEIGHBOURS,
                    each.frame,
                    f"pHash {nearer} of 64 bits away from frames {before.frame} and {after.frame}",
                )
            )
    return tuple(findings)


def against_preview(facts: FrameFacts, preview: Pixels) -> Finding | None:
    """A finding when the frame's pHash is far from that of a small, quick preview of it."""
    distance = _distance(facts.phash, _phash(preview))
    if distance <= TOLERANCE_BITS:
        return None
    return Finding(
        Oddity.UNLIKE_PREVIEW, facts.frame, f"pHash {distance} of 64 bits away from a preview render"
    )


def _distance(one: str, other: str) -> int:
    return int(imagehash.hex_to_hash(one) - imagehash.hex_to_hash(other))


def _phash(pixels: Pixels) -> str:
    return str(imagehash.phash(Image.fromarray(eight_bit(pixels)[..., :3])))
