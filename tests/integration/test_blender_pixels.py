"""Which pixels Blender makes: a tile equals its frame, and the canonical settings alone decide."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tileproof.adapters.blender.renderer import BlenderRenderer
from tileproof.adapters.images import ChildDecoder
from tileproof.domain.manifest import RenderSettings
from tileproof.domain.tiles import Tile, split
from tileproof.ports.images import ImageFormat, Pixels
from tileproof.ports.renderer import RenderSession

from tests.fakes.renderer import LIMITS, SETTINGS
from tests.services.blender import Tiny

pytestmark = pytest.mark.blender

FEW = replace(SETTINGS, samples_per_pixel=4, noise_seed=7)
ADAPTIVE = replace(
    FEW, samples_per_pixel=64, adaptive_sampling=True, adaptive_threshold=0.05, guard_band_px=4
)


class Studio:
    def __init__(self, renderer: BlenderRenderer, tiny: Tiny, room: Path) -> None:
        self._renderer, self._tiny, self._room, self._rooms = renderer, tiny, room, 0

    @contextmanager
    def open(self, variant: str, settings: RenderSettings = FEW, threads: int = 1) -> Iterator[RenderSession]:
        self._rooms += 1
        out = self._room / str(self._rooms)
        out.mkdir()
        limits = replace(LIMITS, threads=threads)
        with self._renderer.open(self._tiny(variant), settings, out, limits) as session:
            yield session

    def frame(self, variant: str, frame: int = 1, settings: RenderSettings = FEW, threads: int = 1) -> Pixels:
        with self.open(variant, settings, threads) as session:
            return look(session, frame, settings.full_frame, settings)


def look(session: RenderSession, frame: int, tile: Tile, settings: RenderSettings = FEW) -> Pixels:
    path = session.render(frame, tile).path
    if settings.depth == 8:
        with Image.open(path) as image:
            assert image.size == (tile.width, tile.height)
            return np.array(image)
    wanted = ImageFormat("PNG", tile.width, tile.height, settings.channels, settings.depth)
    return ChildDecoder().decode(path, wanted)


@pytest.fixture
def studio(renderer: BlenderRenderer, tiny: Tiny, tmp_path: Path) -> Studio:
    return Studio(renderer, tiny, tmp_path)


def assert_tiles_equal_frame(
    session: RenderSession, frame: int, tiles: tuple[Tile, ...], settings: RenderSettings
) -> None:
    whole = look(session, frame, settings.full_frame, settings)
    for tile in tiles:
        part = look(session, frame, tile, settings)
        assert np.array_equal(part, whole[tile.y0 : tile.y1, tile.x0 : tile.x1]), tile


@pytest.mark.parametrize("size", [(64, 36), (63, 35), (61, 34), (64, 33)])
def test_tiles_of_every_parity_equal_their_frame(studio: Studio, size: tuple[int, int]) -> None:
    settings = replace(FEW, width_px=size[0], height_px=size[1], samples_per_pixel=1)
    choose = random.Random(str(size))
    tiles = []
    for x0 in range(size[0]):  # every left edge, with sides of every parity
        y0 = choose.randrange(size[1])
        x1 = min(size[0], x0 + choose.randint(1, 6))
        tiles.append(Tile(x0, y0, x1, min(size[1], y0 + choose.randint(1, 6))))
    with studio.open("plain", settings) as session:
        assert_tiles_equal_frame(session, 1, tuple(tiles), settings)


@pytest.mark.parametrize(
    ("variant", "settings"),
    [
        ("adaptive", ADAPTIVE),
        ("adaptive", replace(ADAPTIVE, depth=16)),
        ("small_tiles", ADAPTIVE),
        ("motion_blur", FEW),
        ("depth_of_field", FEW),
        ("animated_seed", replace(FEW, animated_seed=True)),
        ("blue_noise", replace(FEW, sampling_pattern="BLUE_NOISE")),
        ("dithered", FEW),
        ("volume", replace(FEW, guard_band_px=16)),
        ("texture", FEW),
        ("library", FEW),
        ("transparent", replace(FEW, transparent=True, channels=4, depth=16)),
    ],
    ids=lambda value: value if isinstance(value, str) else f"{value.depth}bit",
)
def test_tiles_equal_their_frame(studio: Studio, variant: str, settings: RenderSettings) -> None:
    with studio.open(variant, settings) as session:
        whole = look(session, 5, settings.full_frame, settings)
        assert len(np.unique(whole)) > 50
        tiles = (*split(settings.full_frame, 3, 2), Tile(20, 9, 21, 10), Tile(1, 1, 62, 33))
        assert_tiles_equal_frame(session, 5, tiles, settings)


def test_adaptive_sampling_needs_the_guard_band(studio: Studio) -> None:
    """Without it some tile differs: were this to pass, the band would cost time for nothing."""
    bare = replace(ADAPTIVE, guard_band_px=0)
    with studio.open("adaptive", bare) as session:
        whole = look(session, 5, bare.full_frame)
        differing = 0
        for tile in split(bare.full_frame, 8, 6):
            part = look(session, 5, tile)
            differing += not np.array_equal(part, whole[tile.y0 : tile.y1, tile.x0 : tile.x1])
    assert differing > 0


@pytest.mark.parametrize(
    "variant",
    [
        *("denoising", "path_guiding", "time_limit", "compositing", "stereo", "eevee"),
        *("dithered", "layer_samples", "camera_markers", "animated_seed", "adaptive", "blue_noise"),
    ],
)
def test_the_settings_decide_whatever_the_scene_says(studio: Studio, variant: str) -> None:
    assert np.array_equal(studio.frame(variant, 6), studio.frame("plain", 6))


def test_threads_and_what_was_rendered_before_change_nothing(studio: Studio) -> None:
    with studio.open("motion_blur") as session:
        walked = [look(session, frame, FEW.full_frame) for frame in (9, 2, 5)]
    for frame, pixels in zip((9, 2, 5), walked, strict=True):
        assert np.array_equal(studio.frame("motion_blur", frame, threads=2), pixels)


def test_the_moving_scene_moves(studio: Studio) -> None:
    with studio.open("plain") as session:
        first, last = (look(session, frame, FEW.full_frame) for frame in (1, 10))
    assert np.mean(first != last) > 0.2


def test_a_picture_holds_pixels_and_nothing_else(studio: Studio) -> None:
    """Dates and times would tell machines apart, and make equal pictures unequal files."""
    with studio.open("plain") as session:
        paths = [session.render(1, tile).path for tile in (FEW.full_frame, Tile(3, 3, 20, 20))]
        again = session.render(1, FEW.full_frame).path
        assert paths[0].read_bytes() == again.read_bytes()
        for path in paths:
            assert chunk_names(path.read_bytes()) == [b"IHDR", b"IDAT", b"IEND"]


def chunk_names(data: bytes) -> list[bytes]:
    names, at = [], 8
    while at < len(data):
        names.append(data[at + 4 : at + 8])
        at += 12 + int.from_bytes(data[at : at + 4], "big")
    return names
