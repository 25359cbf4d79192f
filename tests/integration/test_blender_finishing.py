"""Frames that are finished from stored passes: by a worker, again by a verifier, once for a split still."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from tileproof.adapters.images import ChildDecoder
from tileproof.domain.manifest import RenderSettings
from tileproof.domain.tiles import Tile, split
from tileproof.ports.images import ImageFormat, Pixels
from tileproof.ports.renderer import RenderSession

from .test_blender_pixels import FEW, Studio, studio  # noqa: F401  # a fixture is found by its name

pytestmark = pytest.mark.blender

DENOISED = replace(FEW, denoise=True)
COMPOSITED = replace(FEW, composite=True)
BOTH = replace(FEW, denoise=True, composite=True)
CODEC = ChildDecoder()


def passes(session: RenderSession, settings: RenderSettings, tile: Tile, frame: int = 5) -> Pixels:
    return CODEC.decode(session.render(frame, tile).path, ImageFormat.passes(settings, tile))


def finished(session: RenderSession, settings: RenderSettings, stored: Pixels, frame: int = 5) -> Pixels:
    given = session.out / "given.exr"
    CODEC.encode_exr(stored, given)
    return CODEC.decode(session.finish(frame, given).path, ImageFormat.of(settings, settings.full_frame))


@pytest.mark.parametrize(
    ("variant", "settings"),
    [
        ("denoising", DENOISED),
        ("transparent", replace(DENOISED, transparent=True, channels=4, depth=16)),
        ("replayable_nodes", BOTH),
        ("replayable_nodes", COMPOSITED),
    ],
)
def test_tiles_of_the_passes_equal_the_frame_and_joined_they_finish_as_the_frame(
    studio: Studio,  # noqa: F811
    variant: str,
    settings: RenderSettings,
) -> None:
    full = settings.full_frame
    with studio.open(variant, settings) as session:
        whole = passes(session, settings, full)
        assert whole.shape == (36, 64, settings.pass_channels)
        once = finished(session, settings, whole)
        joined = np.zeros_like(whole)
        for tile in split(full, 3, 2):
            joined[tile.y0 : tile.y1, tile.x0 : tile.x1] = passes(session, settings, tile)
    assert np.array_equal(joined.view(np.uint16), whole.view(np.uint16))
    with studio.open(variant, settings, threads=2) as session:
        assert np.array_equal(finished(session, settings, joined), once)
    assert len(np.unique(once)) > 50
    shown = once[..., :3].astype(float) / (255 if settings.depth == 8 else 65_535)
    noisy = np.clip(whole[..., :3].astype(float), 0, 1)
    assert np.abs(np.diff(shown, axis=1)).mean() < np.abs(np.diff(noisy, axis=1)).mean()


def test_what_blender_leaves_itself_finishes_as_what_was_packed_again(studio: Studio) -> None:  # noqa: F811
    with studio.open("denoising", DENOISED) as session:
        left = session.render(1, DENOISED.full_frame).path
        form = ImageFormat.of(DENOISED, DENOISED.full_frame)
        own = CODEC.decode(session.finish(1, left).path, form)
        stored = CODEC.decode(left, ImageFormat.passes(DENOISED, DENOISED.full_frame))
        assert np.array_equal(own, finished(session, DENOISED, stored, frame=1))


def test_one_changed_pixel_of_the_passes_is_another_picture(studio: Studio) -> None:  # noqa: F811
    with studio.open("denoising", DENOISED) as session:
        stored = passes(session, DENOISED, DENOISED.full_frame)
        changed = stored.copy()
        changed[10:14, 10:14, :3] += np.float16(0.25)
        assert not np.array_equal(finished(session, DENOISED, stored), finished(session, DENOISED, changed))


def test_a_file_output_node_of_the_scene_writes_nothing(studio: Studio) -> None:  # noqa: F811
    with studio.open("replayable_nodes", BOTH) as session:
        before = passes(session, BOTH, BOTH.full_frame)
        finished(session, BOTH, before)
        pictures = [path.name for path in session.out.rglob("*") if path.suffix in (".exr", ".png")]
        assert sorted(pictures) == ["000001.exr", "000002.png", "given.exr"]
