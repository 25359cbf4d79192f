"""Frames as Blender renders them, held against previews as Blender renders those."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from tileproof.adapters.images import ChildDecoder
from tileproof.audit.plan import plan_audit
from tileproof.audit.report import Work
from tileproof.audit.screen import FrameFacts, Oddity, facts_of, screen
from tileproof.domain.manifest import RenderSettings, TaskSpec
from tileproof.domain.result import has_picture
from tileproof.domain.tiles import Tile, split
from tileproof.ports.images import ImageFormat, Pixels
from tileproof.verifier.preview import preview_settings, render_preview

from ..unit.test_manifest import MANIFEST
from .test_blender_pixels import FEW, Studio, studio  # noqa: F401  # a fixture is found by its name

pytestmark = pytest.mark.blender

CODEC = ChildDecoder()
FRAMES = (1, 4, 10)
LARGER = replace(FEW, width_px=192, height_px=108)


def submitted(studio: Studio, variant: str, work: Work) -> dict[int, Pixels]:  # noqa: F811
    """What an honest worker hands in of each frame, that people would look at."""
    settings, region = work.settings, work.spec.region
    shown = {}
    with studio.open(variant, settings) as session:
        for frame in work.spec.frames:
            rendered, wanted = session.render(frame, region), ImageFormat.audited(settings, region)
            if settings.has_passes and has_picture(settings, work.spec):
                rendered, wanted = session.finish(frame, rendered.path), ImageFormat.of(settings, region)
            shown[frame] = CODEC.decode(rendered.path, wanted)
    return shown


def previews(studio: Studio, variant: str, work: Work) -> list[FrameFacts]:  # noqa: F811
    with studio.open(variant, preview_settings(work.settings, work.spec)) as session:
        return [facts_of(frame, render_preview(session, CODEC, work, frame)) for frame in work.spec.frames]


def work_on(settings: RenderSettings, region: Tile) -> Work:
    manifest = replace(MANIFEST, settings=settings, tasks=(TaskSpec(FRAMES, region),))
    return Work("film", manifest.audit, settings, manifest.tasks[0], plan_audit(manifest, 0, 10_000), ())


def seen(pictures: dict[int, Pixels], held_against: list[FrameFacts]) -> list[tuple[Oddity, int]]:
    facts = [facts_of(frame, pixels) for frame, pixels in pictures.items()]
    return [(finding.oddity, finding.frame) for finding in screen(facts, held_against)]


@pytest.mark.parametrize(
    ("variant", "settings", "columns"),
    [
        ("volume", replace(LARGER, guard_band_px=16), 1),
        ("transparent", replace(LARGER, transparent=True, channels=4, depth=16), 2),
        ("denoising", replace(LARGER, denoise=True), 2),
        ("replayable_nodes", replace(LARGER, denoise=True, composite=True), 1),
    ],
)
def test_honest_frames_are_never_odd(
    studio: Studio,  # noqa: F811
    variant: str,
    settings: RenderSettings,
    columns: int,
) -> None:
    work = work_on(settings, split(settings.full_frame, columns, 1)[0])
    assert seen(submitted(studio, variant, work), previews(studio, variant, work)) == []


def test_what_an_artist_would_see_at_a_glance_is_named(studio: Studio) -> None:  # noqa: F811
    work = work_on(LARGER, LARGER.full_frame)
    honest, held_against = submitted(studio, "plain", work), previews(studio, "plain", work)
    black: Pixels = np.zeros_like(honest[1])
    stranger: Pixels = np.ascontiguousarray(honest[1].astype(np.uint8)[:, ::-1] // 2)
    stranger[:, 60:] = 255 - stranger[:, 60:]
    assert (Oddity.BLANK, 4) in seen({**honest, 4: black}, held_against)
    assert (Oddity.REPEATED, 10) in seen({**honest, 10: honest[4]}, held_against)
    assert (Oddity.UNLIKE_PREVIEW, 4) in seen({**honest, 4: stranger}, held_against)
