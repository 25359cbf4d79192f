"""Names of scene files: packed under a name that every machine can open, or refused at once."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from tileproof.adapters.blender import pack
from tileproof.adapters.blender.pack import BatPacker
from tileproof.adapters.blender.scene import check_header
from tileproof.domain.errors import InputError
from tileproof.domain.paths import is_safe_path

WHOLE = b"BLENDER-v405" + b"ENDB" + bytes(20)


@pytest.fixture
def _copied(monkeypatch: pytest.MonkeyPatch) -> None:
    """The tracer's answer for a file without links."""

    def traced(blend: Path, into: Path) -> tuple[str, int]:
        (into / blend.name).write_bytes(blend.read_bytes())
        return "", 0

    monkeypatch.setattr(pack, "_trace", traced)


@pytest.mark.usefixtures("_copied")
@pytest.mark.parametrize(
    ("name", "packed"),
    [
        ("a b (1) & 100% [v2] #3 '\"it's.blend", "a b (1) & 100% [v2] #3 '\"it's.blend"),
        ("-final.blend", "-final.blend"),
        ("shot:010.blend", "shot:010.blend"),
        ("Küche 🎬.blend", "Küche 🎬.blend"),
        ("scene", "scene.blend"),
        ("scene.blend1", "scene.blend"),
        ("scene.blend32", "scene.blend"),
        ("SCENE.BLEND", "SCENE.blend"),
        ("scene.v2", "scene.v2.blend"),
        (".blend", ".blend"),
        ("x" * 249 + ".blend", "x" * 249 + ".blend"),
        ("x" * 255, "x" * 200 + ".blend"),
    ],
)
def test_a_scene_is_packed_under_a_name_that_every_machine_can_open(
    name: str, packed: str, tmp_path: Path
) -> None:
    into = tmp_path / "into"
    into.mkdir()
    (tmp_path / name).write_bytes(WHOLE)
    scene = BatPacker().pack(tmp_path / name, into)
    assert scene.blend == packed
    assert os.listdir(into) == [packed]
    assert is_safe_path(packed)


@pytest.mark.parametrize("name", [b"caf\xe9.blend", b"two\nlines.blend", b"a\\b.blend", b"\x1b[31m.blend"])
def test_a_name_that_nothing_can_carry_is_refused_at_once_and_shown_safely(
    name: bytes, tmp_path: Path
) -> None:
    blend = tmp_path / os.fsdecode(name)
    blend.write_bytes(WHOLE)
    with pytest.raises(InputError) as caught:
        check_header(blend)
    assert caught.value.code == "scene.unusable_name"
    caught.value.message.encode()


def test_a_folder_whose_name_is_not_utf8_is_refused_at_once(tmp_path: Path) -> None:
    folder = tmp_path / os.fsdecode(b"caf\xe9")
    folder.mkdir()
    (folder / "scene.blend").write_bytes(WHOLE)
    with pytest.raises(InputError) as caught:
        check_header(folder / "scene.blend")
    assert caught.value.code == "scene.unusable_name"
