"""The folder of fetched frames keeps what is whole, and never loses a file of the user's."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest
from tileproof.client.folder import RECORD, Folder, picture_of
from tileproof.domain.cid import Cid, Codec
from tileproof.domain.errors import InputError
from tileproof.domain.manifest import Manifest

from .test_client_plan import drafted, request


@pytest.fixture
def manifest(tmp_path: Path) -> Manifest:
    (tmp_path / "scene").mkdir()
    return drafted(tmp_path / "scene", request())


def made(tmp_path: Path, content: bytes) -> Path:
    path = tmp_path / "made.png"
    path.write_bytes(content)
    return path


def test_a_frame_put_there_is_held_until_its_file_changes(tmp_path: Path, manifest: Manifest) -> None:
    out = tmp_path / "out"
    Folder(out, manifest).put(3, made(tmp_path, b"three"), ("bafy",), overwrite=False)
    again = Folder(out, manifest)
    assert list(again.frames) == [3]
    assert (out / "0003.png").read_bytes() == b"three"
    (out / "0003.png").write_bytes(b"edited")
    assert not again.holds(3)
    assert list(again.frames) == []


def test_a_frame_moves_to_a_folder_on_another_disk(tmp_path: Path, manifest: Manifest) -> None:
    if not os.access("/dev/shm", os.W_OK) or os.stat("/dev/shm").st_dev == tmp_path.stat().st_dev:
        pytest.skip("needs /dev/shm to be another disk")
    with tempfile.TemporaryDirectory(dir="/dev/shm") as other:
        source = made(tmp_path, b"three")
        Folder(Path(other), manifest).put(3, source, ("bafy",), overwrite=False)
        assert Folder(Path(other), manifest).frames == (3,)
        assert {path.name for path in Path(other).iterdir()} == {"0003.png", RECORD}
        assert not source.exists()


def test_the_record_names_file_and_digest_for_people_to_check(tmp_path: Path, manifest: Manifest) -> None:
    out = tmp_path / "out"
    Folder(out, manifest).put(3, made(tmp_path, b"three"), ("bafy",), overwrite=False)
    (frame,) = json.loads((out / RECORD).read_text())["frames"]
    digest = hashlib.sha256(b"three").hexdigest()
    assert frame == {"frame": 3, "file": "0003.png", "sha256": digest, "results": ["bafy"]}


def test_a_different_file_is_never_overwritten_silently(tmp_path: Path, manifest: Manifest) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "0003.png").write_bytes(b"mine")
    with pytest.raises(InputError) as caught:
        Folder(out, manifest).put(3, made(tmp_path, b"three"), (), overwrite=False)
    assert caught.value.code == "fetch.would_overwrite"
    assert (out / "0003.png").read_bytes() == b"mine"
    Folder(out, manifest).put(3, made(tmp_path, b"three"), (), overwrite=True)
    assert (out / "0003.png").read_bytes() == b"three"


def test_an_equal_file_of_that_name_is_simply_taken(tmp_path: Path, manifest: Manifest) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "0003.png").write_bytes(b"three")
    folder = Folder(out, manifest)
    folder.put(3, made(tmp_path, b"three"), (), overwrite=False)
    assert folder.holds(3)


def test_another_picture_is_refused_but_a_retry_shares_the_folder(tmp_path: Path, manifest: Manifest) -> None:
    out = tmp_path / "out"
    Folder(out, manifest).put(1, made(tmp_path, b"one"), (), overwrite=False)
    retried = replace(manifest, tasks=manifest.tasks[4:5])
    assert picture_of(retried) == picture_of(manifest)
    assert Folder(out, retried).frames == (1,)
    other = replace(manifest, scene=Cid(Codec.DAG_PB, bytes([1] * 32)))
    with pytest.raises(InputError) as caught:
        Folder(out, other)
    assert caught.value.code == "fetch.other_job"


@pytest.mark.parametrize("text", ["", "[]", '{"picture": 1}', '{"picture": "x", "frames": [{"frame": "y"}]}'])
def test_a_record_that_is_not_ours_is_refused(tmp_path: Path, manifest: Manifest, text: str) -> None:
    (tmp_path / RECORD).write_text(text)
    with pytest.raises(InputError) as caught:
        Folder(tmp_path, manifest)
    assert caught.value.code == "fetch.record_broken"
