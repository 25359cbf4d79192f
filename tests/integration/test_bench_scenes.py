"""The scenes that the verifier proves itself on: auditable, animated, and the same at every making."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tileproof.adapters.blender.find import BlenderBuild
from tileproof.adapters.blender.renderer import BlenderRenderer
from tileproof.adapters.blender.sandbox import Sandbox
from tileproof.adapters.blender.scene import BlenderInspector
from tileproof.adapters.images import ChildDecoder
from tileproof.domain.manifest import RenderSettings
from tileproof.domain.tiles import Tile
from tileproof.ports.images import ImageFormat, Pixels
from tileproof.ports.renderer import RenderSession
from tileproof.ports.scene import SceneFacts

from tests.fakes.renderer import LIMITS, SETTINGS
from tests.services.blender import SCENES, make_scene

pytestmark = [pytest.mark.blender, pytest.mark.sandbox]

MAKE = "proving/make.py"
NAMES = sorted({p.stem for p in (SCENES / "proving").glob("*.py")} - {"make", "frame", "names"})
VOLUME_GUARD_BAND_PX = 16
DECODER = ChildDecoder()


@pytest.fixture(scope="module")
def made(blender: BlenderBuild, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("proving")
    make_scene(blender, MAKE, "--all", str(folder))
    return folder


def facts_of(blend: Path, blender: BlenderBuild, sandbox: Sandbox) -> SceneFacts:
    return BlenderInspector(blender, sandbox).inspect(blend)


def small(facts: SceneFacts) -> RenderSettings:
    """The scene's own settings, in few pixels and samples."""
    return replace(
        SETTINGS,
        width_px=64,
        height_px=36,
        samples_per_pixel=2,
        noise_seed=facts.noise_seed,
        sampling_pattern=facts.sampling_pattern,
        view_transform=facts.view_transform,
        transparent=facts.transparent,
        channels=4 if facts.transparent else 3,
        guard_band_px=VOLUME_GUARD_BAND_PX if facts.has_volumes else 0,
    )


def look(session: RenderSession, frame: int, tile: Tile, settings: RenderSettings) -> Pixels:
    return DECODER.decode(session.render(frame, tile).path, ImageFormat.of(settings, tile))


def test_at_least_nine_scenes_are_made_and_one_of_each_special_kind(
    made: Path, blender: BlenderBuild, sandbox: Sandbox
) -> None:
    assert sorted(path.stem for path in made.iterdir()) == NAMES
    assert len(NAMES) >= 9
    facts = {name: facts_of(made / f"{name}.blend", blender, sandbox) for name in NAMES}
    for name, each in facts.items():
        assert each.engine == "CYCLES"
        assert (each.unauditable, each.external_files, each.missing_files) == ((), (), ()), name
        assert (each.width_px, each.height_px, each.samples_per_pixel) == (240, 135, 64), name
        assert each.frame_end - each.frame_start >= 7, name
    assert [name for name in NAMES if facts[name].has_volumes] == ["mist"]
    assert [name for name in NAMES if facts[name].transparent] == ["candles"]


@pytest.mark.long
@pytest.mark.parametrize("name", NAMES)
def test_frames_differ_and_a_tile_equals_its_frame(
    name: str,
    made: Path,
    blender: BlenderBuild,
    sandbox: Sandbox,
    renderer: BlenderRenderer,
    tmp_path: Path,
) -> None:
    blend = made / f"{name}.blend"
    settings, tile = small(facts_of(blend, blender, sandbox)), Tile(17, 9, 44, 30)
    with renderer.open(blend, settings, tmp_path, LIMITS) as session:
        frames = [look(session, frame, settings.full_frame, settings) for frame in (4, 5)]
        part = look(session, 5, tile, settings)
    assert (np.any(frames[0] != frames[1], axis=-1)).mean() > 0.05
    assert np.array_equal(part, frames[1][tile.y0 : tile.y1, tile.x0 : tile.x1])
    assert frames[1][..., :3].std() > 8, "something is to be seen"


@pytest.mark.long
@pytest.mark.parametrize("name", ["hair", "meadow"])
def test_another_making_renders_the_same(
    name: str,
    made: Path,
    blender: BlenderBuild,
    sandbox: Sandbox,
    renderer: BlenderRenderer,
    tmp_path: Path,
) -> None:
    again = tmp_path / "again" / f"{name}.blend"
    make_scene(blender, MAKE, "--scene", name, "--out", str(again))
    pictures = []
    for number, blend in enumerate((made / f"{name}.blend", again)):
        settings, out = small(facts_of(blend, blender, sandbox)), tmp_path / str(number)
        out.mkdir()
        with renderer.open(blend, settings, out, LIMITS) as session:
            pictures.append(look(session, 3, settings.full_frame, settings))
    assert np.array_equal(pictures[0], pictures[1])
