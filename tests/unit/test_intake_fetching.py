"""Strangers' bytes: within caps, checked against the manifest, kept as long as there is room."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from tileproof.adapters.ipfs.unixfs import Kind, Link
from tileproof.domain.cid import Cid
from tileproof.domain.errors import EvidenceError, ServiceError
from tileproof.domain.manifest import Manifest, SceneFile
from tileproof.intake.fetching import Fetcher, SceneCache, Stopped, check_scene

from tests.fakes.clock import FakeClock
from tests.fakes.content import FakeNetwork, FakeStore
from tests.fakes.unixfs import message, put_node

from .worker_world import BLEND, manifest_of

FILES = {"glass.blend": BLEND, "textures/wood.png": b"wood"}


def promised(files: Mapping[str, bytes]) -> tuple[SceneFile, ...]:
    return tuple(
        SceneFile(name, len(files[name]), hashlib.sha256(files[name]).hexdigest()) for name in sorted(files)
    )


class Intake:
    """A requester's store with a scene, and a cache that fetches from it over the network."""

    def __init__(self, root: Path, max_bytes: int = 1 << 20) -> None:
        self.clock, network = FakeClock(), FakeNetwork()
        self.theirs, self.store = FakeStore(network, self.clock), FakeStore(network, self.clock)
        self.root = root / "scenes"
        self.cache = SceneCache(self.root, max_bytes)

    def fetcher(self, seconds: float = 100.0) -> Fetcher:
        return Fetcher(self.store, self.clock, 1.0, self.clock.monotonic() + seconds)

    def manifest(
        self, files: Mapping[str, bytes] = FILES, promise: Mapping[str, bytes] | None = None
    ) -> Manifest:
        scene = self.theirs.put(files)
        return manifest_of(scene, files=promised(files if promise is None else promise))

    def get(self, manifest: Manifest) -> Path:
        return self.cache.get(manifest, self.fetcher())

    def kept(self) -> set[Path]:
        return set(self.root.iterdir()) if self.root.exists() else set()


def test_a_scene_arrives_whole_with_its_folders(tmp_path: Path) -> None:
    intake = Intake(tmp_path)
    scene = intake.get(intake.manifest())
    assert (scene / "textures" / "wood.png").read_bytes() == b"wood"
    assert intake.kept() == {scene}


def test_a_scene_that_is_there_is_not_fetched_again(tmp_path: Path) -> None:
    intake = Intake(tmp_path)
    manifest = intake.manifest()
    first = intake.get(manifest)
    assert intake.get(manifest) == first
    assert intake.store.fetched == [manifest.scene]


@pytest.mark.parametrize(
    ("served", "why"),
    [
        ({**FILES, "glass.blend": bytes(len(BLEND))}, "other bytes"),
        ({**FILES, "glass.blend": BLEND + b"!"}, "another size"),
        ({"glass.blend": BLEND}, "a file missing"),
        ({**FILES, "extra.py": b"import os"}, "a file too many"),
        ({"glass.blend": BLEND, "wood.png": b"wood"}, "a file elsewhere"),
        ({"glass.blend": BLEND, "textures/wood.png/wood.png": b"wood"}, "a folder for a file"),
    ],
)
def test_a_scene_that_is_not_exactly_what_its_manifest_promises_is_refused_and_removed(
    served: dict[str, bytes], why: str, tmp_path: Path
) -> None:
    intake = Intake(tmp_path)
    with pytest.raises(EvidenceError) as refused:
        intake.get(intake.manifest(served, promise=FILES))
    assert refused.value.code == "scene.not_as_promised", why
    assert intake.kept() == set()


def test_another_promise_about_the_same_scene_is_checked_on_its_own(tmp_path: Path) -> None:
    intake = Intake(tmp_path)
    honest = intake.manifest()
    intake.get(honest)
    lying = replace(honest, files=promised({**FILES, "glass.blend": b"BLENDER of another kind"}))
    with pytest.raises(EvidenceError):
        intake.get(lying)
    assert intake.get(honest).is_dir(), "which takes nothing from the honest one"


def test_no_more_is_fetched_than_promised(tmp_path: Path) -> None:
    intake = Intake(tmp_path)
    served = {**FILES, "glass.blend": BLEND + bytes(8 << 20)}
    with pytest.raises(EvidenceError) as refused:
        intake.get(intake.manifest(served, promise=FILES))
    assert refused.value.code == "content.too_large"
    assert intake.kept() == set()


@pytest.mark.parametrize("name", ["..", "../out.blend", "/etc/passwd", "a\\b", "line\nbreak", ""])
def test_names_that_leave_the_folder_are_refused(name: str, tmp_path: Path) -> None:
    intake = Intake(tmp_path)
    leaf = intake.theirs.put_file(b"x")
    scene, _ = put_node(intake.theirs.blocks, [Link(name, leaf, 1)], message(Kind.DIRECTORY))
    with pytest.raises(EvidenceError) as refused:
        intake.get(manifest_of(scene))
    assert refused.value.code == "content.unsafe_name"
    assert intake.kept() == set()
    assert not (tmp_path / "out.blend").exists()


def test_a_link_in_a_scene_is_no_file(tmp_path: Path) -> None:
    (tmp_path / "glass.blend").symlink_to("/etc/passwd")
    with pytest.raises(EvidenceError):
        check_scene(tmp_path, promised({"glass.blend": BLEND}))


def test_a_link_to_a_folder_does_not_hide_behind_its_folder(tmp_path: Path) -> None:
    (tmp_path / "glass.blend").write_bytes(BLEND)
    (tmp_path / "textures").symlink_to("/etc")
    with pytest.raises(EvidenceError):
        check_scene(tmp_path, promised({"glass.blend": BLEND}))


def test_the_scenes_used_longest_ago_make_room(tmp_path: Path) -> None:
    intake = Intake(tmp_path, max_bytes=2_500)
    scenes = [intake.manifest({"glass.blend": BLEND + bytes([n]) * 1_000}) for n in range(3)]
    first, second = (intake.get(manifest) for manifest in scenes[:2])
    os.utime(first, (1, 1))
    os.utime(second, (2, 2))
    assert intake.get(scenes[0]) == first, "used again: now the second is the oldest"
    third = intake.get(scenes[2])
    assert intake.kept() == {first, third}


def test_a_scene_that_fits_evicts_nothing(tmp_path: Path) -> None:
    intake = Intake(tmp_path)
    kept = {intake.get(intake.manifest({"glass.blend": BLEND + bytes([n])})) for n in range(4)}
    assert intake.kept() == kept


def test_what_a_killed_fetch_left_is_not_taken_for_a_scene(tmp_path: Path) -> None:
    intake = Intake(tmp_path)
    manifest = intake.manifest()
    whole = intake.get(manifest)
    half = whole.rename(intake.root / f"incoming-{whole.name}")
    (half / "glass.blend").write_bytes(b"half")
    assert (intake.get(manifest) / "glass.blend").read_bytes() == BLEND
    assert intake.kept() == {whole}


# --- patience ---


class Slow:
    """A store that needs ``needs`` seconds for anything, and forgets what it did in a try."""

    def __init__(self, clock: FakeClock, needs: float) -> None:
        self.clock, self.needs = clock, needs
        self.tries: list[float] = []

    def read_block(self, cid: Cid, *, max_bytes: int, timeout: float) -> bytes:
        self.tries.append(timeout)
        self.clock.advance(min(timeout, self.needs))
        if timeout < self.needs:
            raise ServiceError("content.not_found", "not in time", retryable=True)
        return b"at last"


def test_what_takes_longer_than_one_try_is_there_in_the_end() -> None:
    clock = FakeClock()
    slow = Slow(clock, needs=70.0)
    fetcher = Fetcher(slow, clock, 1.0, clock.monotonic() + 600)  # type: ignore[arg-type]
    assert fetcher.block(Cid.of_raw_block(b""), 10) == b"at last"
    assert slow.tries == [20.0, 40.0, 80.0]


def test_a_fetch_ends_at_its_deadline() -> None:
    clock = FakeClock()
    slow, until = Slow(clock, needs=1_000.0), clock.monotonic() + 100
    with pytest.raises(ServiceError) as missed:
        Fetcher(slow, clock, 1.0, until).block(Cid.of_raw_block(b""), 10)  # type: ignore[arg-type]
    assert missed.value.code == "content.not_found"
    assert clock.monotonic() <= until + 2


def test_a_stop_is_heard_between_two_tries() -> None:
    clock = FakeClock()
    clock.on_wait = clock.stop
    with pytest.raises(Stopped):
        Fetcher(Slow(clock, 1_000.0), clock, 1.0, clock.monotonic() + 1_000).block(  # type: ignore[arg-type]
            Cid.of_raw_block(b""), 10
        )
    assert clock.monotonic() < 1_050


def test_what_waiting_does_not_mend_is_raised_at_once(tmp_path: Path) -> None:
    intake = Intake(tmp_path)

    def refuse(*_: object, **__: object) -> None:
        raise ServiceError("content.refused", "no")

    intake.store.fetch = refuse  # type: ignore[method-assign]
    before = intake.clock.monotonic()
    with pytest.raises(ServiceError):
        intake.get(intake.manifest())
    assert intake.clock.monotonic() == before
