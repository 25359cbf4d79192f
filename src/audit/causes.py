"""From how a tile differs to what was likely done, as a person would guess it.

A guess and never a verdict: other causes can look alike, and the thresholds are chosen so that
each of the gallery's cheats is called by its own name (tests/unit/test_causes.py).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from .compare import TileScore
from .traits import Traits


class Cause(Enum):
    """What was likely done to a tile."""

    BLANK = "blank"
    OTHER_LAYERS = "other_layers"
    ROUNDING = "rounding"
    CHANNELS = "channels"
    PATCH = "patch"
    COLOURS = "colours"
    OTHER_PICTURE = "other_picture"
    SOFTER = "softer"
    GRAINIER = "grainier"
    OTHER_SAMPLING = "other_sampling"
    UNCLEAR = "unclear"


IN_WORDS = {
    Cause.BLANK: "nothing was rendered there: it is one flat colour",
    Cause.OTHER_LAYERS: "the picture itself is right; only a layer beside it differs, transparency or "
    "what the noise removal goes by",
    Cause.ROUNDING: "a few pixels differ by less than eyes can see, as another kind of processor or "
    "another Blender build would round them",
    Cause.CHANNELS: "the colour channels were exchanged",
    Cause.PATCH: "a part of it was painted over, replaced or marked, and the rest was left as it is",
    Cause.COLOURS: "brightness or colours were changed after rendering, or another view transform was used",
    Cause.OTHER_PICTURE: "it shows something else: another frame, another camera or another scene",
    Cause.SOFTER: "it is softer than it should be: rendered smaller and scaled up, smoothed or compressed",
    Cause.GRAINIER: "it is grainier than it should be: too few samples per pixel",
    Cause.OTHER_SAMPLING: "it is the same picture with other noise: another number of samples, another "
    "noise seed or another Blender version",
    Cause.UNCLEAR: "it fits none of the usual ways to go wrong",
}
"""Each the end of the sentence "most likely ...", for an artist."""

_ROUNDED_SHARE, _ROUNDED_LEVELS = 0.99, 1.01  # docs/verification.md: 1 level in 0.01 % of pixels
_SOLID, _PATCH_EQUAL = 0.85, 0.02
_SPOT_SPREAD, _SPOT_EQUAL = 0.6, 0.4
_CURVE_LEVELS, _CURVE_SHARE = 0.6, 0.3  # rounding to 8 bit alone leaves 0.3 to 0.4 levels
_CURVE_LEAST = 0.6  # of the difference, so that what is all but equal anyway is not called explained
_SAME_LIKENESS, _SLIGHT_LEVELS = 0.8, 12.0  # a curve also turns one plain wall into any other
_STRANGE_LIKENESS, _STRANGE_DB = 0.5, 20.0
_SOFT, _GRAINY = 0.85, 1.12
_TELLING = 0.25  # of the largest difference


def cause_of(score: TileScore, traits: Traits) -> Cause:
    """The likely cause of one tile's difference; the first that fits, the plainest first."""
    if traits.blank:
        return Cause.BLANK
    if traits.difference == 0:
        return Cause.OTHER_LAYERS
    if score.equal_share >= _ROUNDED_SHARE and score.max_difference <= _ROUNDED_LEVELS:
        return Cause.ROUNDING
    if traits.channels != "RGB":
        return Cause.CHANNELS
    solid = traits.filled >= _SOLID and score.equal_share >= _PATCH_EQUAL and traits.spread < 1
    spot = traits.spread <= _SPOT_SPREAD and score.equal_share >= _SPOT_EQUAL
    if solid or spot:
        return Cause.PATCH
    rounding = min(_CURVE_LEVELS, _CURVE_LEAST * traits.difference)
    same_shapes = traits.likeness >= _SAME_LIKENESS or traits.difference < _SLIGHT_LEVELS
    if same_shapes and traits.unexplained <= max(rounding, _CURVE_SHARE * traits.difference):
        return Cause.COLOURS
    if traits.likeness < _STRANGE_LIKENESS and score.psnr_db < _STRANGE_DB:
        return Cause.OTHER_PICTURE
    if traits.sharpness < _SOFT:
        return Cause.SOFTER
    if traits.sharpness > _GRAINY:
        return Cause.GRAINIER
    return Cause.OTHER_SAMPLING if score.psnr_db >= _STRANGE_DB else Cause.UNCLEAR


@dataclass(frozen=True, slots=True)
class Guess:
    """What most of the tiles that differ most look like."""

    cause: Cause
    like_it: int  # tiles
    of: int  # tiles that differ most

    @property
    def certainty(self) -> str:
        """``most likely`` where three or more tiles nearly all look so, ``likely`` where most do."""
        share = self.like_it / self.of
        if self.of >= 3 and share >= 0.8:
            return "most likely"
        return "likely" if share > 0.5 else "possibly"

    def __str__(self) -> str:
        return f"{self.certainty}, {IN_WORDS[self.cause]}"


def guess(tiles: Sequence[tuple[TileScore, Traits]]) -> Guess | None:
    """The commonest cause among the tiles that differ most, the plainest of equals; None of none.

    A tile that is all but equal shows little of what was done to it.
    """
    most = max((traits.difference for _, traits in tiles), default=0.0)
    causes = [cause_of(*tile) for tile in tiles if tile[1].difference >= _TELLING * most]
    if not causes:
        return None
    counted = Counter(causes)
    order = list(Cause)
    best = min(counted, key=lambda cause: (-counted[cause], order.index(cause)))
    return Guess(best, counted[best], len(causes))
