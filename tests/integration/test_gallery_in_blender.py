"""The gallery worn by the real Blender: what no fake can show."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tileproof.adapters.blender.renderer import BlenderRenderer
from tileproof.adapters.images import ChildDecoder
from tileproof.domain.manifest import RenderSettings
from tileproof.domain.tiles import Tile
from tileproof.ports.images import ImageFormat, Pixels
from tileproof.ports.renderer import RenderSession

import gallery
from tests.fakes.renderer import LIMITS, SETTINGS
from tests.services.blender import Tiny

pytestmark = [pytest.mark.blender, pytest.mark.sandbox]

RAW = replace(SETTINGS, samples_per_pixel=16, noise_seed=7)
DENOISED = replace(RAW, denoise=True)
DECODER = ChildDecoder()
Delivered = tuple[Pixels, Pixels]
"""What is rendered of a frame, and its picture (of a raw job the same)."""


class Stage:
    def __init__(self, renderer: BlenderRenderer, tiny: Tiny, room: Path) -> None:
        self._renderer, self._tiny, self._room, self._rooms = renderer, tiny, room, 0

    @contextmanager
    def worn(self, name: str | None, variant: str, settings: RenderSettings) -> Iterator[RenderSession]:
        self._rooms += 1
        out = self._room / str(self._rooms)
        out.mkdir()
        dress = gallery.load(name).dress if name else lambda renderer: renderer
        assert dress is not None
        with dress(self._renderer).open(self._tiny(variant), settings, out, LIMITS) as session:
            yield session

    def frame(self, name: str | None, variant: str, settings: RenderSettings, frame: int = 3) -> Delivered:
        with self.worn(name, variant, settings) as session:
            return delivered(session, settings, frame)


def delivered(session: RenderSession, settings: RenderSettings, frame: int) -> Delivered:
    full = settings.full_frame
    rendered = session.render(frame, full)
    pixels = DECODER.decode(rendered.path, ImageFormat.audited(settings, full))
    if not settings.has_passes:
        return pixels, pixels
    finished = session.finish(frame, rendered.path)
    return pixels, DECODER.decode(finished.path, ImageFormat.of(settings, full))


@pytest.fixture
def stage(renderer: BlenderRenderer, tiny: Tiny, tmp_path: Path) -> Stage:
    return Stage(renderer, tiny, tmp_path)


@pytest.mark.parametrize(
    ("name", "variant"),
    [
        ("fewer_bounces", "plain"),
        ("guessed_indirect_light", "plain"),
        ("clamped_light", "plain"),
        ("frozen_shutter", "motion_blur"),
    ],
)
def test_a_tampered_blender_renders_other_pixels_that_agree_with_themselves(
    stage: Stage, name: str, variant: str
) -> None:
    honest, _ = stage.frame(None, variant, RAW)
    with stage.worn(name, variant, RAW) as session:
        cheat, _ = delivered(session, RAW, 3)
        tile = Tile(20, 10, 41, 30)
        part = DECODER.decode(session.render(3, tile).path, ImageFormat.audited(RAW, tile))
    assert not np.array_equal(cheat, honest)
    assert np.array_equal(part, cheat[10:30, 20:41])


@pytest.mark.parametrize(
    "name",
    [
        "wrong_noise_seed",
        "fewer_samples",
        "half_resolution",
        "smooth_guides",
        "smooth_passes",
        "rounded_passes",
        "negative_zeros",
    ],
)
def test_a_cheat_of_a_denoised_job_differs_in_its_passes(stage: Stage, name: str) -> None:
    honest, _ = stage.frame(None, "plain", DENOISED)
    cheat, picture = stage.frame(name, "plain", DENOISED)
    assert cheat.tobytes() != honest.tobytes()
    assert picture.std() > 5, "and its picture is one"


def test_a_picture_that_was_never_finished_lies_beside_honest_passes(stage: Stage) -> None:
    honest, finished = stage.frame(None, "plain", DENOISED)
    passes, picture = stage.frame("never_finished", "plain", DENOISED)
    assert np.array_equal(passes, honest)
    assert np.array_equal(picture, stage.frame(None, "plain", RAW)[0])
    assert not np.array_equal(picture, finished)


def test_few_samples_denoised_look_better_than_few_samples(stage: Stage) -> None:
    """Which is what makes it tempting."""
    good, _ = stage.frame(None, "plain", replace(RAW, samples_per_pixel=256))
    error = {}
    for name in ("fewer_samples", "few_samples_denoised"):
        cheat, _ = stage.frame(name, "plain", RAW)
        error[name] = float(np.abs(cheat.astype(float) - good).mean())
    assert 0 < error["few_samples_denoised"] < error["fewer_samples"]


@pytest.mark.parametrize("name", ["honest_nothing_kept", "honest_small_tiles"])
@pytest.mark.parametrize("settings", [RAW, DENOISED], ids=["raw", "denoised"])
def test_an_honest_blender_set_up_otherwise_changes_no_pixel(
    stage: Stage, name: str, settings: RenderSettings
) -> None:
    """Both frames: what is kept from the first might show in the second."""
    with stage.worn(None, "plain", settings) as session:
        honest = [delivered(session, settings, frame) for frame in (2, 5)]
    with stage.worn(name, "plain", settings) as session:
        variant = [delivered(session, settings, frame) for frame in (2, 5)]
    for ours, theirs in zip(honest, variant, strict=True):
        assert np.array_equal(ours[0], theirs[0])
        assert np.array_equal(ours[1], theirs[1])


def test_another_processor_renders_the_same_bits_and_denoises_within_the_gate(stage: Stage) -> None:
    entry = gallery.load("honest_other_kernel")
    if why := entry.missing():
        pytest.skip(why)
    assert not entry.exact
    settings = replace(DENOISED, depth=16)
    passes, picture = stage.frame(None, "plain", settings)
    other_passes, other_picture = stage.frame(entry.name, "plain", settings)
    assert np.array_equal(passes, other_passes)
    assert not np.array_equal(picture, other_picture), "it was played: the denoiser picked other code"
    assert np.abs(picture.astype(int) - other_picture).max() < 257, "by less than a level of 8 bits"


def test_another_build_renders_other_pixels(stage: Stage, renderer: BlenderRenderer) -> None:
    entry = gallery.load("other_build")
    if why := entry.missing():
        pytest.skip(why)
    assert entry.dress is not None
    assert entry.dress(renderer).report() == renderer.report(), "and says nothing of it"
    honest, _ = stage.frame(None, "plain", RAW)
    assert not np.array_equal(stage.frame("other_build", "plain", RAW)[0], honest)
