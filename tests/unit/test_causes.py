"""What was likely done to a tile: each cheat of the gallery is called by its own name."""

from __future__ import annotations

import io
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from tileproof.audit.causes import IN_WORDS, Cause, Guess, cause_of, guess
from tileproof.audit.compare import Pixels, TileScore, compare_tiles
from tileproof.audit.traits import Traits, traits_of
from tileproof.domain.tiles import Tile

SIDE = 64
Cheat = Callable[[np.ndarray], np.ndarray]


def scene() -> np.ndarray:
    """Levels 0..255 without noise: a soft wall, a lit ball, a fine weave."""
    y, x = np.mgrid[0:SIDE, 0:SIDE].astype(float)
    ball = 90 * np.clip(1 - np.hypot(x - 22, y - 30) / 16, 0, 1)
    weave = 6 * ((x.astype(int) // 2 + y.astype(int) // 3) % 2) * (y > 44)
    return np.stack([60 + x + ball, 90 + y * 0.6 + ball * 0.5 + weave, 150 - x * 0.8 + weave], axis=2)


def rendered(noise: float, noise_seed: int) -> np.ndarray:
    grain = np.random.default_rng(noise_seed).normal(0, noise, (SIDE, SIDE, 3))
    return levels(scene() + grain)


def levels(values: np.ndarray) -> np.ndarray:
    return np.asarray(np.clip(np.rint(values), 0, 255), dtype=np.uint8)


HONEST = rendered(2.0, 1)


def named(submitted: Pixels, honest: Pixels = HONEST) -> Cause:
    traits = traits_of(submitted, honest)
    assert traits is not None
    return cause_of(compare_tiles(submitted, honest), traits)


def resized(pixels: np.ndarray) -> np.ndarray:
    small = Image.fromarray(pixels).resize((SIDE // 2, SIDE // 2), Image.Resampling.BOX)
    return np.asarray(small.resize((SIDE, SIDE), Image.Resampling.BICUBIC))


def jpeg(pixels: np.ndarray) -> np.ndarray:
    kept = io.BytesIO()
    Image.fromarray(pixels).save(kept, format="JPEG", quality=75)
    return np.asarray(Image.open(kept))


def patched(pixels: np.ndarray) -> np.ndarray:
    out = pixels.copy()
    out[10:26, 30:46] ^= 0x40
    return out


def watermarked(pixels: np.ndarray) -> np.ndarray:
    out = pixels.copy()
    out[50:56, 4:30:3] = 255
    return out


def rounded(pixels: np.ndarray) -> np.ndarray:
    out = pixels.copy()
    out[7, 9, 1] += 1
    return out


@pytest.mark.parametrize(
    ("cheat", "cause"),
    [
        (lambda p: np.full_like(p, 40), Cause.BLANK),
        (rounded, Cause.ROUNDING),
        (lambda p: p[..., ::-1], Cause.CHANNELS),
        (patched, Cause.PATCH),
        (watermarked, Cause.PATCH),
        (lambda p: levels(p * 1.02), Cause.COLOURS),
        (lambda p: levels(255 * (p / 255) ** (1 / 1.03)), Cause.COLOURS),
        (lambda p: levels(p + np.array([9.0, 0.0, -9.0])), Cause.COLOURS),
        (lambda p: levels(scene()[:, ::-1] * 1.4 - 60), Cause.OTHER_PICTURE),
        (resized, Cause.SOFTER),
        (jpeg, Cause.SOFTER),
        (lambda p: rendered(0.4, 1), Cause.SOFTER),
        (lambda p: rendered(5.0, 2), Cause.GRAINIER),
        (lambda p: rendered(2.0, 2), Cause.OTHER_SAMPLING),
    ],
    ids=[
        "blank",
        "another kernel",
        "channel swap",
        "patched",
        "watermark",
        "2 % brighter",
        "gamma",
        "tint",
        "another picture",
        "half resolution",
        "JPEG",
        "denoised",
        "fewer samples",
        "another noise seed",
    ],
)
def test_a_cheat_is_called_by_its_name(cheat: Cheat, cause: Cause) -> None:
    assert named(cheat(HONEST)) is cause


def test_passes_are_judged_by_the_picture_in_them() -> None:
    """A normal alone: the picture is right. The noisy picture brightened: colours."""
    passes = np.random.default_rng(3).normal(0.4, 0.05, (32, 32, 9)).astype(np.float16)
    normal, brighter = passes.copy(), passes.copy()
    normal[4, 4, 7] = np.float16(0)
    brighter[..., :3] = (brighter[..., :3].astype(np.float32) * 1.1).astype(np.float16)
    assert named(normal, passes) is Cause.OTHER_LAYERS
    assert named(brighter, passes) is Cause.COLOURS


def test_another_plain_wall_is_another_picture_and_no_change_of_colours() -> None:
    random = np.random.default_rng(5)
    wall, other = (levels(random.normal(mean, 2.0, (SIDE, SIDE, 3))) for mean in (90, 160))
    assert named(other, wall) is Cause.OTHER_PICTURE
    assert named(levels(wall * 1.05), wall) is Cause.COLOURS


def test_equal_tiles_have_no_traits() -> None:
    assert traits_of(HONEST, HONEST.copy()) is None


def test_the_box_holds_what_differs_and_no_more() -> None:
    traits = traits_of(patched(HONEST), HONEST)
    assert traits is not None
    assert traits.box == Tile(30, 10, 46, 26)
    assert traits.filled == 1.0
    assert traits.spread == pytest.approx(16 * 16 / SIDE**2)


@given(st.integers(1, 5), st.integers(1, 5), st.integers(0, 2**32))
def test_the_smallest_and_the_plainest_tiles_have_traits_too(rows: int, columns: int, noise: int) -> None:
    random = np.random.default_rng(noise)
    one = random.integers(0, 256, (rows, columns, 3), dtype=np.uint8)
    other = one ^ np.uint8(1)
    traits = traits_of(one, other)
    assert traits is not None
    numbers = [traits.filled, traits.spread, traits.difference, traits.unexplained, *traits.shift]
    assert np.isfinite([*numbers, traits.sharpness, traits.likeness]).all()
    assert cause_of(compare_tiles(one, other), traits) in IN_WORDS


def seen(*cheats: np.ndarray) -> list[tuple[TileScore, Traits]]:
    found = [(compare_tiles(each, HONEST), traits_of(each, HONEST)) for each in cheats]
    return [(score, traits) for score, traits in found if traits is not None]


def test_a_guess_is_as_sure_as_the_tiles_agree() -> None:
    soft, grainy = resized(HONEST), rendered(5.0, 2)
    assert guess([]) is None
    assert guess(seen(soft)) == Guess(Cause.SOFTER, 1, 1)
    assert [
        guess(seen(*tiles)).certainty  # type: ignore[union-attr]
        for tiles in ([soft], [soft, soft, soft], [soft, soft, grainy], [soft, grainy])
    ] == ["likely", "most likely", "likely", "possibly"]
    assert guess(seen(soft, grainy)) == Guess(Cause.SOFTER, 1, 2)


def test_tiles_that_are_all_but_equal_have_no_say() -> None:
    grainy, nearly = rendered(5.0, 2), rounded(HONEST)
    assert guess(seen(nearly, nearly, nearly, grainy)) == Guess(Cause.GRAINIER, 1, 1)


def test_every_cause_has_words_for_an_artist() -> None:
    assert set(IN_WORDS) == set(Cause)
    assert not any(words.endswith(".") or words[0].isupper() for words in IN_WORDS.values())
