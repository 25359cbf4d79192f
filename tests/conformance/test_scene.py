"""What every SceneInspector and ScenePacker promises, held against the fake and against Blender.

What real scenes hold and how they render is tests/integration/test_blender_scene.py.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from tileproof.adapters.blender.pack import BatPacker
from tileproof.adapters.blender.scene import BlenderInspector
from tileproof.domain.errors import InputError
from tileproof.ports.scene import SceneInspector, ScenePacker

from tests.fakes.scene import FakeScenes


@dataclass
class Desk:
    """Inspector and packer that agree on a scene, which lies in a folder of its own."""

    inspector: SceneInspector
    packer: ScenePacker
    scene: Path


Desks = Callable[[str], Desk]
"""By what the scene uses: ``plain``, ``texture`` or ``missing_texture``."""


@pytest.fixture(params=["fake", pytest.param("blender", marks=pytest.mark.blender)])
def desk(request: pytest.FixtureRequest, tmp_path: Path) -> Desks:
    if request.param == "blender":
        inspector = BlenderInspector(request.getfixturevalue("blender"), request.getfixturevalue("sandbox"))
        tiny = request.getfixturevalue("tiny")
        return lambda uses: Desk(inspector, BatPacker(inspector), tiny(uses))

    def fake(uses: str) -> Desk:
        folder = tmp_path / "scenes" / uses
        (folder / "textures").mkdir(parents=True)
        (folder / f"{uses}.blend").write_bytes(b"BLENDER-v405 of the fake")
        scenes = FakeScenes()
        if uses == "texture":
            (folder / "textures" / "wood.png").write_bytes(b"wood")
            scenes = scenes.with_facts(external_files=("//textures/wood.png",))
        elif uses == "missing_texture":
            scenes = scenes.with_facts(missing_files=("//textures/gone.png",))
        return Desk(scenes, scenes, folder / f"{uses}.blend")

    return fake


def digests(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_a_scene_tells_what_a_job_needs_to_know(desk: Desks) -> None:
    plain = desk("plain")
    facts = plain.inspector.inspect(plain.scene)
    assert facts.engine == "CYCLES"
    assert facts.active_camera in facts.cameras
    assert facts.view_layers
    assert facts.frame_start <= facts.frame_end
    assert min(facts.width_px, facts.height_px, facts.samples_per_pixel, facts.frame_step) >= 1
    assert facts.missing_files == facts.external_files == facts.unauditable == ()


def test_linked_and_missing_files_are_named(desk: Desks) -> None:
    with_texture, without = desk("texture"), desk("missing_texture")
    facts = with_texture.inspector.inspect(with_texture.scene)
    assert [name[:11] for name in facts.external_files] == ["//textures/"], "as Blender writes them"
    assert facts.missing_files == ()
    assert without.inspector.inspect(without.scene).missing_files == ("//textures/gone.png",)


def test_inspecting_twice_says_the_same_and_changes_nothing(desk: Desks) -> None:
    here = desk("texture")
    before = digests(here.scene.parent)
    assert here.inspector.inspect(here.scene) == here.inspector.inspect(here.scene)
    assert digests(here.scene.parent) == before


@pytest.mark.parametrize("uses", ["plain", "texture"])
def test_a_packed_scene_is_complete_by_itself_and_the_source_is_left_alone(
    desk: Desks, tmp_path: Path, uses: str
) -> None:
    here = desk(uses)
    before = digests(here.scene.parent)
    into = tmp_path / "packed"
    into.mkdir()
    packed = here.packer.pack(here.scene, into)
    assert digests(here.scene.parent) == before
    assert packed.root == into
    assert not packed.blend.startswith("/")
    files = digests(into)
    assert packed.blend in files
    assert len(files) == (1 if uses == "plain" else 2)
    assert not any(path.is_symlink() for path in into.rglob("*"))
    assert here.inspector.inspect(into / packed.blend).missing_files == ()


def test_a_scene_with_a_missing_file_is_not_packed_and_leaves_nothing(desk: Desks, tmp_path: Path) -> None:
    here = desk("missing_texture")
    into = tmp_path / "packed"
    into.mkdir()
    with pytest.raises(InputError) as caught:
        here.packer.pack(here.scene, into)
    assert caught.value.code == "scene.files_missing"
    assert "gone.png" in str(caught.value.data["missing"])
    assert list(into.iterdir()) == []


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (None, "scene.missing"),
        (b"", "scene.not_blend"),
        (b"hello, I am no scene", "scene.not_blend"),
        (b"BLENDER-", "scene.truncated"),
    ],
)
def test_what_is_no_scene_is_neither_inspected_nor_packed(
    desk: Desks, tmp_path: Path, data: bytes | None, code: str
) -> None:
    here = desk("plain")
    path, into = tmp_path / "other.blend", tmp_path / "packed"
    into.mkdir()
    if data is not None:
        path.write_bytes(data)
    calls: list[Callable[[], object]] = [
        lambda: here.inspector.inspect(path),
        lambda: here.packer.pack(path, into),
    ]
    for call in calls:
        with pytest.raises(InputError) as caught:
            call()
        assert caught.value.code == code
    assert list(into.iterdir()) == []
