"""What every Renderer promises, held against the fake and against Blender."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path

import numpy as np
import pytest
from tileproof.adapters.blender.device import this_device
from tileproof.adapters.images import ChildDecoder
from tileproof.domain.errors import EvidenceError, MachineError
from tileproof.domain.manifest import EEVEE, ENGINES, RenderSettings
from tileproof.domain.tiles import Tile, split
from tileproof.ports.images import ImageFormat, Pixels
from tileproof.ports.renderer import Limits, Rendered, Renderer, RenderSession

from tests.fakes.renderer import LIMITS, MACHINE, SETTINGS, FakeRenderer

FULL = SETTINGS.full_frame
FEW = replace(SETTINGS, samples_per_pixel=4)


@dataclass
class Studio:
    """A renderer, a scene it can open, and room for its pictures."""

    renderer: Renderer
    scene: Path
    room: Path

    def __post_init__(self) -> None:
        self._rooms = count(1)

    @contextmanager
    def open(
        self, settings: RenderSettings = FEW, limits: Limits = LIMITS, scene: Path | None = None
    ) -> Iterator[RenderSession]:
        out = self.room / str(next(self._rooms))
        out.mkdir()
        with self.renderer.open(scene or self.scene, settings, out, limits) as session:
            yield session

    def frame(self, frame: int = 1, settings: RenderSettings = FEW) -> Pixels:
        with self.open(settings) as session:
            return look(session.render(frame, settings.full_frame), settings)


def look(rendered: Rendered, settings: RenderSettings = FEW) -> Pixels:
    tile = rendered.tile
    wanted = ImageFormat("PNG", tile.width, tile.height, settings.channels, settings.depth)
    return ChildDecoder().decode(rendered.path, wanted)


def render_many(session: RenderSession) -> None:
    for frame in range(1, 1000):
        session.render(frame, FULL)


@pytest.fixture(params=["fake", pytest.param("blender", marks=pytest.mark.blender)])
def studio(request: pytest.FixtureRequest, tmp_path: Path) -> Studio:
    if request.param == "blender":
        blend = request.getfixturevalue("tiny")("plain")
        return Studio(request.getfixturevalue("renderer"), blend, tmp_path)
    scene = tmp_path / "scene" / "fake.blend"
    scene.parent.mkdir()
    scene.write_bytes(b"BLENDER-v405 of the fake")
    return Studio(FakeRenderer(machine=replace(MACHINE, engines=ENGINES)), scene, tmp_path)


def test_a_whole_frame_has_the_size_and_the_format_asked_for(studio: Studio) -> None:
    for depth, channels in ((8, 3), (16, 4)):
        settings = replace(FEW, depth=depth, channels=channels, transparent=channels == 4)
        pixels = studio.frame(1, settings)  # decoding refuses any other format
        assert pixels.shape == (36, 64, channels)
        assert len(np.unique(pixels)) > 50


def test_every_tile_is_bit_equal_to_the_same_pixels_of_its_frame(studio: Studio) -> None:
    with studio.open() as session:
        frame = look(session.render(1, FULL))
        for tile in (*split(FULL, 3, 2), Tile(0, 0, 1, 1), Tile(63, 35, 64, 36), Tile(7, 3, 10, 36)):
            expected = frame[tile.y0 : tile.y1, tile.x0 : tile.x1]
            assert np.array_equal(look(session.render(1, tile)), expected), tile


def test_two_processes_render_the_same_pixels(studio: Studio) -> None:
    assert np.array_equal(studio.frame(), studio.frame())


def test_the_order_of_requests_changes_nothing(studio: Studio) -> None:
    tile = Tile(10, 10, 30, 20)
    with studio.open() as session:
        forward = [look(session.render(frame, tile)) for frame in (1, 4, 7)]
    with studio.open() as session:
        backward = [look(session.render(frame, tile)) for frame in (7, 4, 1)]
    for one, other in zip(forward, reversed(backward), strict=True):
        assert np.array_equal(one, other)


def test_frame_samples_seed_and_camera_each_change_the_picture(studio: Studio) -> None:
    honest = studio.frame(1)
    assert not np.array_equal(studio.frame(2), honest)
    for change in ({"samples_per_pixel": 3}, {"noise_seed": 1}, {"camera": "Side"}):
        assert not np.array_equal(studio.frame(1, replace(FEW, **change)), honest), change


def test_an_animated_seed_gives_every_frame_noise_of_its_own(studio: Studio) -> None:
    still, moving = replace(FEW, noise_seed=5), replace(FEW, noise_seed=5, animated_seed=True)
    assert not np.array_equal(studio.frame(3, still), studio.frame(3, moving))


def test_pictures_stay_until_the_session_ends_and_lie_in_its_folder(studio: Studio) -> None:
    with studio.open() as session:
        first, second = session.render(1, Tile(0, 0, 8, 8)), session.render(1, Tile(8, 0, 16, 8))
        assert first.path != second.path
        assert first.path.parent == second.path.parent == studio.room / "1"
        assert first.path.is_file()
        assert first.frame == 1
        assert first.seconds > 0


def test_the_scene_is_left_as_it_was(studio: Studio) -> None:
    def digests() -> dict[Path, bytes]:
        folder = studio.scene.parent
        return {p: hashlib.sha256(p.read_bytes()).digest() for p in folder.rglob("*") if p.is_file()}

    before = digests()
    studio.frame()
    assert digests() == before


def test_progress_rises_to_one(studio: Studio) -> None:
    seen: list[tuple[int, float]] = []
    with studio.open() as session:
        session.render(2, FULL, progress=lambda frame, share: seen.append((frame, share)))
    assert {frame for frame, _ in seen} == {2}
    shares = [share for _, share in seen]
    assert shares == sorted(shares)
    assert shares[-1] == 1.0


def test_the_report_is_the_same_before_and_inside_a_session(studio: Studio) -> None:
    with studio.open() as session:
        assert session.report() == studio.renderer.report()
        assert session.report().blender_build.startswith("4.5.15 ")
        assert session.report().device_class == this_device().device_class


def test_a_scene_without_the_camera_is_the_fault_of_who_made_it(studio: Studio) -> None:
    with (
        pytest.raises(EvidenceError) as caught,
        studio.open(replace(FEW, camera="Nobody")) as session,
    ):
        session.render(1, FULL)
    assert caught.value.code == "scene.no_camera"


def test_what_is_no_scene_is_unreadable(studio: Studio, tmp_path: Path) -> None:
    junk = tmp_path / "junk" / "junk.blend"
    junk.parent.mkdir()
    junk.write_bytes(b"not a scene " * 100)
    with pytest.raises(EvidenceError) as caught, studio.open(scene=junk) as session:
        session.render(1, FULL)
    assert caught.value.code == "scene.unreadable"


def test_a_job_for_another_blender_or_device_is_refused(studio: Studio) -> None:
    for change, code in (
        ({"blender_version": "4.2.0"}, "blender.wrong_version"),
        ({"device_class": "cpu-riscv"}, "blender.wrong_device"),
    ):
        with pytest.raises(MachineError) as caught, studio.open(replace(FEW, **change)):  # type: ignore[arg-type]
            pass
        assert caught.value.code == code


def test_a_session_that_writes_too_much_is_ended(studio: Studio) -> None:
    with (
        pytest.raises(MachineError) as caught,
        studio.open(limits=replace(LIMITS, output_bytes=3000)) as session,
    ):
        render_many(session)
    assert caught.value.code == "render.output_too_large"


def test_a_session_that_takes_too_long_is_ended(studio: Studio) -> None:
    slow = replace(FEW, samples_per_pixel=512)
    with (
        pytest.raises(MachineError) as caught,
        studio.open(slow, replace(LIMITS, wall_seconds=2.0)) as session,
    ):
        render_many(session)
    assert caught.value.code == "render.timeout"


def test_the_log_ends_with_what_was_done_last(studio: Studio) -> None:
    with studio.open() as session:
        session.render(1, Tile(0, 0, 8, 8))
        session.render(2, Tile(0, 0, 8, 8))
        assert session.log_tail(1)[0] in session.log_tail(5)
        assert any("Fra:2" in line for line in session.log_tail())
        assert len(session.log_tail(3)) <= 3


def test_eevee_renders_no_part_of_a_frame(studio: Studio) -> None:
    assert EEVEE in studio.renderer.report().engines
    with studio.open(replace(FEW, engine=EEVEE)) as session, pytest.raises(ValueError, match="whole frames"):
        session.render(1, Tile(0, 0, 32, 36))
