"""Small, quick renders of the frames that no sample tile fell on: what the screen compares with."""

from __future__ import annotations

from dataclasses import replace

from ..audit.report import Work
from ..domain.manifest import RenderSettings
from ..domain.tiles import Tile

MAX_SIDE_PX = 128
MAX_SAMPLES = 8
MAX_SECONDS = 60.0
"""A hint must not eat the time in which a commitment is sent."""


def unsampled_frames(work: Work, at_most: int) -> tuple[int, ...]:
    """Frames of the task without a sample tile, spread evenly over them when there are more."""
    sampled = {sample.frame for sample in work.samples}
    left = [frame for frame in work.spec.frames if frame not in sampled]
    if len(left) <= at_most:
        return tuple(left)
    return tuple(left[at * len(left) // at_most] for at in range(at_most))


def preview_settings(settings: RenderSettings) -> RenderSettings:
    """The job's settings, small and quick: no side above ``MAX_SIDE_PX``, few samples."""
    scale = _scale(settings)
    return replace(
        settings,
        width_px=-(-settings.width_px // scale),
        height_px=-(-settings.height_px // scale),
        samples_per_pixel=min(settings.samples_per_pixel, MAX_SAMPLES),
        guard_band_px=0,
    )


def preview_tile(settings: RenderSettings, region: Tile) -> Tile:
    """``region`` in the pixels of ``preview_settings``, rounded outwards."""
    scale = _scale(settings)
    return Tile(region.x0 // scale, region.y0 // scale, -(-region.x1 // scale), -(-region.y1 // scale))


def _scale(settings: RenderSettings) -> int:
    return max(1, -(-max(settings.width_px, settings.height_px) // MAX_SIDE_PX))
