"""The gallery does what it says: cheats change pixels and agree with themselves, the honest do not."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from tileproof.adapters.images import ChildDecoder
from tileproof.domain.cid import Codec
from tileproof.domain.errors import EvidenceError
from tileproof.domain.manifest import RenderSettings
from tileproof.domain.tiles import Tile
from tileproof.ports.images import ImageFormat, Pixels
from tileproof.ports.renderer import Renderer, RenderSession

import gallery
from tests.fakes.renderer import LIMITS, SETTINGS, FakeRenderer

DECODER = ChildDecoder()
SETTINGS = replace(SETTINGS, samples_per_pixel=32)
DENOISED = replace(SETTINGS, denoise=True, depth=16)
ENTRIES = {name: gallery.load(name) for name in gallery.names()}
WORN = sorted(name for name, entry in ENTRIES.items() if entry.dress and not entry.needs_blender)
NOT_DECODED = {"truncated", "other_profile"}
"""No pixels are to be had of these: the decoder refuses their files."""
ALIKE_ON_A_FAKE = {"adaptive_switched_on", "negative_zeros", "wrong_noise_seed"}
"""Cheats that change nothing in the fake's passes, which hold no zero and know no noise seed."""


def jobs(*, honest: bool | None = None) -> list[object]:
    return [
        pytest.param(name, settings, id=f"{name}-{what}")
        for name in WORN
        for what, settings in (("raw", SETTINGS), ("denoised", DENOISED))
        if ENTRIES[name].suits(settings) and name not in NOT_DECODED
        if honest is None or ENTRIES[name].honest == honest
        if not (name in ALIKE_ON_A_FAKE and settings.has_passes)
    ]


@dataclass(frozen=True)
class Delivered:
    """What a worker hands in of one frame: the picture of a raw job, else passes and the picture."""

    rendered: Pixels
    finished: Pixels

    def differs(self, other: Delivered) -> bool:
        return not (
            np.array_equal(self.rendered, other.rendered) and np.array_equal(self.finished, other.finished)
        )


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
    return DECODER.decode(rendered.path, ImageFormat.audited(settings, tile))


def deliver(session: RenderSession, frame: int, settings: RenderSettings) -> Delivered:
    rendered = session.render(frame, settings.full_frame)
    passes = DECODER.decode(rendered.path, ImageFormat.audited(settings, settings.full_frame))
    if not settings.has_passes:
        return Delivered(passes, passes)
    finished = session.finish(frame, rendered.path)
    assert (finished.frame, finished.tile) == (frame, settings.full_frame)
    return Delivered(passes, DECODER.decode(finished.path, ImageFormat.of(settings, settings.full_frame)))


@cache
def honest(frame: int, settings: RenderSettings = SETTINGS) -> Delivered:
    with TemporaryDirectory() as folder, session_of(None, Path(folder) / "honest", settings) as session:
        return deliver(session, frame, settings)


def test_every_entry_says_what_it_does_and_what_it_saves() -> None:
    assert len(ENTRIES) >= 40
    for entry in ENTRIES.values():
        assert entry.summary.endswith((".", "!")), entry.name
        assert (entry.dress is None) != (entry.dress_store is None)
        assert entry.honest == entry.name.startswith("honest_")
        assert 0 <= entry.work_saved <= 1
        assert entry.jobs
        assert entry.jobs <= {gallery.RAW, gallery.DENOISED}
        assert entry.honest or entry.exact
    for helper in ("pixels", "png_chunks", "tampering", "wrapping"):
        with pytest.raises(KeyError, match="fewer_samples"):
            gallery.load(helper)


@pytest.mark.parametrize(("name", "settings"), jobs(honest=False))
def test_a_cheat_differs_from_honest_work(name: str, settings: RenderSettings, tmp_path: Path) -> None:
    with session_of(name, tmp_path / "cheat", settings) as session:
        deliver(session, 4, settings)
        delivered = deliver(session, 5, settings)
    assert delivered.differs(honest(5, settings))


@pytest.mark.parametrize(("name", "settings"), jobs())
def test_every_entry_agrees_with_itself(name: str, settings: RenderSettings, tmp_path: Path) -> None:
    """A worker that checks some tiles of its own before it submits must not be warned."""
    with session_of(name, tmp_path / "a", settings) as session:
        whole = look(session, 5, settings.full_frame, settings)
        for tile in (Tile(0, 0, 33, 19), Tile(25, 14, 30, 20)):
            part = look(session, 5, tile, settings)
            assert np.array_equal(part, whole[tile.y0 : tile.y1, tile.x0 : tile.x1]), tile


@pytest.mark.parametrize(("name", "settings"), jobs(honest=True))
def test_an_honest_variant_changes_no_pixel(name: str, settings: RenderSettings, tmp_path: Path) -> None:
    with session_of(name, tmp_path / "variant", settings) as session:
        delivered = deliver(session, 5, settings)
    assert not delivered.differs(honest(5, settings))


@pytest.mark.parametrize("name", [name for name in ENTRIES if ENTRIES[name].needs_blender])
def test_what_changes_blender_itself_fits_no_other_renderer(name: str) -> None:
    entry = ENTRIES[name]
    if why := entry.missing():
        pytest.skip(why)
    assert entry.dress is not None
    with pytest.raises(TypeError, match="FakeRenderer is no Blender"):
        entry.dress(FakeRenderer())


def test_without_a_second_build_the_cheat_that_uses_one_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    entry = ENTRIES["other_build"]
    monkeypatch.delenv("BLENDER_OTHER_PATH", raising=False)
    assert "BLENDER_OTHER_PATH" in (entry.missing() or "")
    monkeypatch.setenv("BLENDER_OTHER_PATH", "/opt/blender")
    assert entry.missing() is None


def changed_by(name: str, folder: Path, settings: RenderSettings = SETTINGS) -> Pixels:
    """Where its picture differs, as rows x columns of booleans."""
    with session_of(name, folder / "cheat", settings) as session:
        look(session, 4, settings.full_frame, settings)
        delivered = look(session, 5, settings.full_frame, settings)
    differs: Pixels = np.any(delivered != honest(5, settings).rendered, axis=-1)
    return differs


def test_the_patch_is_a_sixteenth_of_the_frame_and_the_rest_is_honest(tmp_path: Path) -> None:
    assert 0.04 < changed_by("one_tile_patched", tmp_path).mean() <= 1 / 16


def test_the_smoothed_patch_is_16_px_a_side(tmp_path: Path) -> None:
    rows, columns = np.nonzero(changed_by("patch_denoised", tmp_path, replace(SETTINGS, depth=16)))
    assert (int(np.ptp(rows)), int(np.ptp(columns))) == (15, 15)


def test_the_flipped_bit_is_one(tmp_path: Path) -> None:
    assert changed_by("one_bit_flipped", tmp_path).sum() == 1


def test_where_the_eye_looks_the_frame_is_honest(tmp_path: Path) -> None:
    changed = changed_by("centre_honest", tmp_path, replace(SETTINGS, depth=16))
    assert not changed[9:27, 16:48].any()
    assert changed[:9].mean() > 0.9


def test_the_calm_half_is_cheap_and_the_busy_half_honest(tmp_path: Path) -> None:
    changed = changed_by("calm_half_cheap", tmp_path, replace(SETTINGS, depth=16))
    assert 0.3 < changed.mean() < 0.7


def test_only_the_sky_is_cheap(tmp_path: Path) -> None:
    changed = changed_by("cheap_sky", tmp_path, replace(SETTINGS, depth=16))
    assert changed[:12].mean() > 0.9
    assert not changed[12:].any()


def test_one_block_in_twenty_moves_from_frame_to_frame(tmp_path: Path) -> None:
    settings = replace(SETTINGS, depth=16, width_px=640, height_px=256)
    places = set()
    with session_of("one_tile_in_twenty", tmp_path / "cheat", settings) as session:
        for frame in (5, 6, 7):
            delivered = look(session, frame, settings.full_frame, settings)
            changed = np.any(delivered != honest(frame, settings).rendered, axis=-1)
            assert 0.04 < changed.mean() <= 2 / 40
            places.add(changed.tobytes())
    assert len(places) == 3


def test_the_frame_looked_at_is_honest(tmp_path: Path) -> None:
    with session_of("first_frame_honest", tmp_path / "cheat") as session:
        first = look(session, 4, SETTINGS.full_frame)
    assert np.array_equal(first, honest(4).rendered)


@pytest.mark.parametrize(
    ("name", "samples"),
    [
        ("three_quarters_of_the_samples", 24),
        ("half_the_samples", 16),
        ("quarter_of_the_samples", 8),
        ("fewer_samples", 4),
        ("stopped_early", 31),
    ],
)
def test_fewer_samples_are_as_many_as_it_says(name: str, samples: int, tmp_path: Path) -> None:
    with session_of(name, tmp_path / "cheat") as session:
        delivered = look(session, 5, SETTINGS.full_frame)
    fewer = replace(SETTINGS, samples_per_pixel=samples)
    assert np.array_equal(delivered, honest(5, fewer).rendered)
    assert ENTRIES[name].work_saved == pytest.approx(1 - samples / 32, abs=1 / 32)


def test_a_retouched_picture_of_a_denoised_job_lies_beside_honest_passes(tmp_path: Path) -> None:
    with session_of("brightened", tmp_path / "cheat", DENOISED) as session:
        delivered = deliver(session, 5, DENOISED)
    right = honest(5, DENOISED)
    assert np.array_equal(delivered.rendered, right.rendered)
    assert not np.array_equal(delivered.finished, right.finished)


def test_an_honest_picture_can_lie_beside_cheap_passes(tmp_path: Path) -> None:
    with session_of("passes_cheap_picture_honest", tmp_path / "cheat", DENOISED) as session:
        delivered = deliver(session, 5, DENOISED)
    right = honest(5, DENOISED)
    assert not np.array_equal(delivered.rendered, right.rendered)
    assert np.array_equal(delivered.finished, right.finished)


def test_a_replay_renders_nothing_and_differs_in_no_bit(tmp_path: Path) -> None:
    dress, inner = ENTRIES["replayed_attempt"].dress, FakeRenderer()
    assert dress is not None
    worn, seen = dress(inner), []
    (tmp_path / "a.blend").write_bytes(b"BLENDER")
    for attempt in ("first", "second"):
        (tmp_path / attempt).mkdir()
        with worn.open(tmp_path / "a.blend", SETTINGS, tmp_path / attempt, LIMITS) as session:
            seen.append(session.render(5, SETTINGS.full_frame).path.read_bytes())
    assert seen[0] == seen[1]
    assert len(inner.rendered) == 1


def test_truncated_frames_are_undecodable(tmp_path: Path) -> None:
    settings = replace(SETTINGS, depth=16)
    with session_of("truncated", tmp_path / "a", settings) as session:
        path = session.render(5, settings.full_frame).path
    for depth in (8, 16):
        with pytest.raises(EvidenceError) as caught:
            DECODER.decode(path, ImageFormat("PNG", 64, 36, 3, depth))
        assert caught.value.code == ("image.undecodable" if depth == 16 else "image.wrong_format")
    assert caught.value.code == "image.undecodable"


@pytest.mark.parametrize("settings", [SETTINGS, DENOISED], ids=["raw", "denoised"])
def test_a_picture_that_tells_viewers_another_gamma_is_refused(
    settings: RenderSettings, tmp_path: Path
) -> None:
    with session_of("other_profile", tmp_path / "a", settings) as session:
        rendered = session.render(5, settings.full_frame)
        picture = session.finish(5, rendered.path) if settings.has_passes else rendered
    with pytest.raises(EvidenceError) as caught:
        DECODER.decode(picture.path, ImageFormat.of(settings, settings.full_frame))
    assert caught.value.code == "image.undecodable"


def test_other_bytes_for_the_same_pixels_are_other_bytes(tmp_path: Path) -> None:
    with session_of(None, tmp_path / "honest") as session:
        plain = session.render(5, SETTINGS.full_frame).path.read_bytes()
    with session_of("honest_recompressed", tmp_path / "variant") as session:
        assert session.render(5, SETTINGS.full_frame).path.read_bytes() != plain


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
