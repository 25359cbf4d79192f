"""The gallery does what it says: cheats change pixels and agree with themselves, the honest do not."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tileproof.adapters.images import ChildDecoder
from tileproof.domain.cid import Codec
from tileproof.domain.errors import EvidenceError
from tileproof.domain.manifest import RenderSettings
from tileproof.domain.tiles import Tile
from tileproof.ports.images import ImageFormat, Pixels
from tileproof.ports.renderer import Renderer, RenderSession

import gallery
from tests.fakes.renderer import LIMITS, SETTINGS, FakeRenderer

ENTRIES = {name: gallery.load(name) for name in gallery.names()}
RENDERERS = sorted(name for name, entry in ENTRIES.items() if entry.dress is not None)
CHEATS = [name for name in RENDERERS if not ENTRIES[name].honest and name != "truncated"]
HONEST = [name for name in RENDERERS if ENTRIES[name].honest]


@contextmanager
def session_of(
    name: str | None, folder: Path, settings: RenderSettings = SETTINGS
) -> Iterator[RenderSession]:
    folder.mkdir()
    scene, out = folder / "a.blend", folder / "out"
    scene.write_bytes(b"BLENDER")
    out.mkdir()
    renderer: Renderer = FakeRenderer()
    if name is not None:
        dress = ENTRIES[name].dress
        assert dress is not None
        renderer = dress(renderer)
    with renderer.open(scene, settings, out, LIMITS) as session:
        yield session


def look(session: RenderSession, frame: int, tile: Tile, settings: RenderSettings = SETTINGS) -> Pixels:
    rendered = session.render(frame, tile)
    assert (rendered.frame, rendered.tile) == (frame, tile)
    if settings.depth == 8:
        with Image.open(rendered.path) as image:
            assert (image.size, image.mode) == ((tile.width, tile.height), "RGB")
            return np.array(image)
    wanted = ImageFormat("PNG", tile.width, tile.height, settings.channels, settings.depth)
    return ChildDecoder().decode(rendered.path, wanted)


def honest(folder: Path, frame: int, settings: RenderSettings = SETTINGS) -> Pixels:
    with session_of(None, folder, settings) as session:
        return look(session, frame, settings.full_frame, settings)


def test_every_entry_says_what_it_does() -> None:
    assert len(ENTRIES) >= 15
    for entry in ENTRIES.values():
        assert entry.summary.endswith((".", "!"))
        assert (entry.dress is None) != (entry.dress_store is None)
        assert entry.honest == entry.name.startswith("honest_")
    with pytest.raises(KeyError, match="fewer_samples"):
        gallery.load("wrapping")


@pytest.mark.parametrize("name", CHEATS)
@pytest.mark.parametrize("depth", [8, 16])
def test_a_cheat_differs_from_honest_work(name: str, depth: int, tmp_path: Path) -> None:
    settings = replace(SETTINGS, depth=depth)
    with session_of(name, tmp_path / "cheat", settings) as session:
        look(session, 4, settings.full_frame, settings)
        delivered = look(session, 5, settings.full_frame, settings)
    assert not np.array_equal(delivered, honest(tmp_path / "honest", 5, settings))


@pytest.mark.parametrize("name", [*CHEATS, *HONEST])
def test_every_entry_agrees_with_itself(name: str, tmp_path: Path) -> None:
    """A worker that checks some tiles of its own before it submits must not be warned."""
    with session_of(name, tmp_path / "a") as session:
        whole = look(session, 5, SETTINGS.full_frame)
        for tile in (Tile(0, 0, 33, 19), Tile(25, 14, 30, 20)):
            assert np.array_equal(look(session, 5, tile), whole[tile.y0 : tile.y1, tile.x0 : tile.x1]), tile


@pytest.mark.parametrize("name", HONEST)
@pytest.mark.parametrize("depth", [8, 16])
def test_an_honest_variant_changes_no_pixel(name: str, depth: int, tmp_path: Path) -> None:
    settings = replace(SETTINGS, depth=depth)
    with session_of(name, tmp_path / "variant", settings) as session:
        delivered = look(session, 5, settings.full_frame, settings)
    assert np.array_equal(delivered, honest(tmp_path / "honest", 5, settings))


def test_the_patch_is_a_sixteenth_of_the_frame_and_the_rest_is_honest(tmp_path: Path) -> None:
    with session_of("one_tile_patched", tmp_path / "cheat") as session:
        delivered = look(session, 5, SETTINGS.full_frame)
    changed = np.any(delivered != honest(tmp_path / "honest", 5), axis=-1)
    assert 0.04 < changed.mean() <= 1 / 16


def test_fewer_samples_are_an_eighth(tmp_path: Path) -> None:
    settings = replace(SETTINGS, samples_per_pixel=32)
    with session_of("fewer_samples", tmp_path / "cheat", settings) as session:
        delivered = look(session, 5, settings.full_frame, settings)
    assert np.array_equal(delivered, honest(tmp_path / "honest", 5, replace(settings, samples_per_pixel=4)))


def test_truncated_frames_are_undecodable(tmp_path: Path) -> None:
    settings = replace(SETTINGS, depth=16)
    with session_of("truncated", tmp_path / "a", settings) as session:
        path = session.render(5, settings.full_frame).path
    for depth in (8, 16):
        with pytest.raises(EvidenceError) as caught:
            ChildDecoder().decode(path, ImageFormat("PNG", 64, 36, 3, depth))
        assert caught.value.code == ("image.undecodable" if depth == 16 else "image.wrong_format")
    assert caught.value.code == "image.undecodable"


def test_what_is_withheld_never_reaches_the_store(tmp_path: Path) -> None:
    class Store:
        """Only what a worker may ask of a store that keeps nothing."""

        def version(self) -> str:
            return "kubo"

    dress = gallery.load("withheld").dress_store
    assert dress is not None
    store = dress(Store())  # type: ignore[arg-type]
    cid = store.add_directory(tmp_path)
    assert cid.codec is Codec.DAG_PB
    store.pin(cid, timeout=1)
    assert store.version() == "kubo"
