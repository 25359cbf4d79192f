"""A cheap look at every frame of a result. It finds oddities and never accepts anything.

Whole pictures pass through one at a time and leave only their facts, so a long task
needs no more memory than one frame.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

import imagehash
import numpy as np
from PIL import Image

from .compare import HASH_BITS, HashDistances, Pixels, eight_bit, pixel_digest

HASHED_PX = 128
"""A picture is made so small before it is hashed (its longer side, by averaging), as a preview is
from the start: a hash then sees shapes, and not what is noise in the one and detail in the other."""

_LEAST_HASHED_PX = 16  # the wavelet hash needs more pixels than bits a side
_EDGE = 8  # bits a side: 64 in all

TOLERANCE = HashDistances(phash=22, dhash=18, whash=16)
"""Bits of ``HASH_BITS`` up to which each hash takes a picture for its preview, or its neighbour.

Chosen never to accuse: above the worst of honest pictures, measured over scenes and noise levels
(docs/verification/screen.md), and wHash must agree with one of the others. pHash and dHash alone take
two noisy versions of one smooth gradient for strangers. Unrelated pictures lie around half of the
bits apart.
"""
LEAST_CONTRAST = 3.0
"""Where a picture varies by fewer levels (standard deviation, once small), hashes see noise alone."""


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
class PictureHashes:
    """imagehash's three, 64 bits each as hex."""

    phash: str
    dhash: str
    whash: str

    def distances(self, other: PictureHashes) -> HashDistances:
        return HashDistances(
            phash=_bits(self.phash, other.phash),
            dhash=_bits(self.dhash, other.dhash),
            whash=_bits(self.whash, other.whash),
        )


@dataclass(frozen=True, slots=True)
class FrameFacts:
    """What one whole picture leaves behind, a submitted one or a preview."""

    frame: int
    digest: str  # of decoded pixels
    blank: bool  # every pixel alike
    contrast: float  # standard deviation of brightness once small, in levels of 8 bit
    hashes: PictureHashes


def facts_of(frame: int, pixels: Pixels) -> FrameFacts:
    small = _small(pixels)
    return FrameFacts(
        frame=frame,
        digest=pixel_digest(pixels),
        blank=bool((pixels == pixels[0, 0]).all()),
        contrast=float(np.asarray(small.convert("L"), dtype=np.float64).std()),
        hashes=PictureHashes(
            phash=str(imagehash.phash(small, hash_size=_EDGE)),
            dhash=str(imagehash.dhash(small, hash_size=_EDGE)),
            whash=str(imagehash.whash(small, hash_size=_EDGE)),
        ),
    )


def screen(facts: Sequence[FrameFacts], previews: Sequence[FrameFacts] | None = None) -> tuple[Finding, ...]:
    """What is odd about the frames of a result, held against previews of some or all of them.

    A preview is a small render of the same frame. Where it is blank, the frame may be. Where the
    previews of two frames are equal to the last bit, the scene stands still and the frames may
    repeat. What no preview shows to be odd is not named. Only where there are none to be had
    (None) are blank and repeated frames named as they are: a night is black, a still scene repeats.
    """
    if previews is None:
        return (*_blank(facts), *_repeats(facts, {each.frame: str(each.frame) for each in facts}))
    preview_of = {each.frame: each for each in previews}
    seen = [each for each in facts if each.frame in preview_of]
    return (
        *_blank([each for each in seen if not preview_of[each.frame].blank]),
        *_repeats(seen, {frame: each.digest for frame, each in preview_of.items()}),
        *(found for each in seen for found in _unlike(each, preview_of[each.frame])),
    )


def repeated_frames(facts: Sequence[FrameFacts]) -> frozenset[int]:
    """Frames that have the pixels of another: those whose previews are worth most."""
    count = Counter(each.digest for each in facts)
    return frozenset(each.frame for each in facts if count[each.digest] > 1)


def among_neighbours(facts: Sequence[FrameFacts]) -> tuple[Finding, ...]:
    """Frames unlike both the one before and the one after in ``facts``, where those two are like
    each other: a cut goes on with the new picture, a single stranger does not."""
    findings: list[Finding] = []
    for before, each, after in zip(facts, facts[1:], facts[2:], strict=False):
        if _far(each, before) and _far(each, after) and not _far(before, after):
            where = f"frames {before.frame} and {after.frame}"
            sides = (each.hashes.distances(other.hashes) for other in (before, after))
            nearer = min(sides, key=lambda side: side.phash)
            findings.append(
                Finding(Oddity.UNLIKE_NEIGHBOURS, each.frame, f"{_words(nearer)} away from {where}")
            )
    return tuple(findings)


def _small(pixels: Pixels) -> Image.Image:
    picture = Image.fromarray(eight_bit(pixels)[..., :3])
    shrink = max(1.0, max(picture.size) / HASHED_PX)
    width, height = (max(_LEAST_HASHED_PX, round(side / shrink)) for side in picture.size)
    return picture.resize((width, height), Image.Resampling.BOX)


def _blank(facts: Sequence[FrameFacts]) -> list[Finding]:
    return [
        Finding(Oddity.BLANK, each.frame, "every pixel has the same colour") for each in facts if each.blank
    ]


def _repeats(facts: Sequence[FrameFacts], scene_at: Mapping[int, str]) -> list[Finding]:
    """Frames with the pixels of an earlier one, of another state of the scene."""
    findings: list[Finding] = []
    shown: defaultdict[str, dict[str, int]] = defaultdict(dict)  # by digest, by scene: the first frame
    for each in facts:
        scenes, scene = shown[each.digest], scene_at[each.frame]
        if scenes and scene not in scenes:
            first = next(iter(scenes.values()))
            findings.append(Finding(Oddity.REPEATED, each.frame, f"the same pixels as frame {first}"))
        scenes.setdefault(scene, each.frame)
    return findings


def _unlike(facts: FrameFacts, preview: FrameFacts) -> list[Finding]:
    if not _far(facts, preview):
        return []
    away = _words(facts.hashes.distances(preview.hashes))
    return [Finding(Oddity.UNLIKE_PREVIEW, facts.frame, f"{away} away from a preview render")]


def _far(facts: FrameFacts, other: FrameFacts) -> bool:
    """Never of an ``other`` too even to be told by hashes."""
    away = facts.hashes.distances(other.hashes)
    seen = away.whash > TOLERANCE.whash and (away.phash > TOLERANCE.phash or away.dhash > TOLERANCE.dhash)
    return seen and other.contrast >= LEAST_CONTRAST


def _words(away: HashDistances) -> str:
    return f"pHash {away.phash}, dHash {away.dhash}, wHash {away.whash} of {HASH_BITS} bits"


def _bits(one: str, other: str) -> int:
    return (int(one, 16) ^ int(other, 16)).bit_count()
