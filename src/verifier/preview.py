"""Small, quick renders of a task's frames: what the screen holds every frame against.

A preview costs a fraction of a second and its session one more load of the scene, so there is one for
every frame; when there is not the time, for frames spread evenly over the task.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from ..audit.compare import Pixels
from ..audit.report import Work
from ..domain.manifest import RenderSettings, TaskSpec
from ..domain.result import has_picture
from ..domain.tiles import Tile
from ..ports.images import ImageDecoder, ImageFormat
from ..ports.renderer import RenderSession

MAX_SIDE_PX = 128
MAX_SAMPLES = 8
"""Of noise there is then little enough for hashes to tell frames apart (docs/verification.md)."""
LEAST_SIDE_PX = 16
"""Of a thinner strip a hash says nothing."""
SHARE_OF_TIME_LEFT = 0.25
"""A hint must not eat the time in which a commitment is sent."""


def preview_settings(settings: RenderSettings, spec: TaskSpec) -> RenderSettings:
    """The job's settings, small and quick: no side of the region above ``MAX_SIDE_PX``, few samples,
    never denoised. Finished as the frames are, where the task's results hold finished pictures;
    else the noisy passes are what is looked at."""
    scale = _scale(spec.region)
    return replace(
        settings,
        width_px=-(-settings.width_px // scale),
        height_px=-(-settings.height_px // scale),
        samples_per_pixel=min(settings.samples_per_pixel, MAX_SAMPLES),
        guard_band_px=0,
        # A session that asks for passes leaves them noisy; only finishing denoises.
        denoise=settings.denoise and not has_picture(settings, spec),
    )


def preview_tile(region: Tile) -> Tile:
    """``region`` in the pixels of ``preview_settings``, rounded outwards."""
    scale = _scale(region)
    return Tile(region.x0 // scale, region.y0 // scale, -(-region.x1 // scale), -(-region.y1 // scale))


def can_be_previewed(region: Tile) -> bool:
    tile = preview_tile(region)
    return min(tile.width, tile.height) >= LEAST_SIDE_PX


def in_order(frames: Sequence[int], first: frozenset[int]) -> tuple[int, ...]:
    """All frames, those of ``first`` before the others, either so that wherever one stops those done
    lie evenly spread."""
    urgent = [frame for frame in frames if frame in first]
    others = [frame for frame in frames if frame not in first]
    return (*_spread(urgent), *_spread(others))


def render_preview(session: RenderSession, decoder: ImageDecoder, work: Work, frame: int) -> Pixels:
    """What the result's file of this frame looks like, from a session under ``preview_settings``.

    Raises MachineError as the session does; EvidenceError when our own picture cannot be read.
    """
    small, tile = preview_settings(work.settings, work.spec), preview_tile(work.spec.region)
    rendered = session.render(frame, tile)
    wanted = ImageFormat.audited(small, tile)
    if small.has_passes and has_picture(work.settings, work.spec):
        rendered, wanted = session.finish(frame, rendered.path), ImageFormat.of(small, tile)
    try:
        return decoder.decode(rendered.path, wanted)
    finally:
        rendered.path.unlink(missing_ok=True)


def _spread(frames: Sequence[int]) -> Iterator[int]:
    """Halves before quarters before eighths: places in the order of their bits turned round (the
    sequence of van der Corput)."""
    bits = max(len(frames) - 1, 0).bit_length()
    for place in range(1 << bits):
        turned = int(f"{place:0{bits}b}"[::-1], 2) if bits else 0
        if turned < len(frames):
            yield frames[turned]


def _scale(region: Tile) -> int:
    return max(1, -(-max(region.width, region.height) // MAX_SIDE_PX))
