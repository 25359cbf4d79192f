"""Copies on this disk, served as the network would serve them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tileproof.adapters.folders import Folders
from tileproof.domain.cid import Cid, Codec
from tileproof.domain.errors import EvidenceError, InputError, ServiceError
from tileproof.ports.content import ContentSource

from ..fakes.content import FakeStore

TREE = Cid(Codec.DAG_PB, b"\3" * 32)
LIMITS: dict[str, Any] = {"max_bytes": 1_000, "timeout": 1.0}


def folder_of(root: Path, files: dict[str, bytes]) -> Path:
    for name, data in files.items():
        path = root / "copy" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return root / "copy"


def test_a_folder_is_copied_whole(tmp_path: Path) -> None:
    files = {"a.blend": b"one", "textures/wood.png": b"two"}
    source: ContentSource = Folders({TREE: folder_of(tmp_path, files)})
    told: list[tuple[int, int]] = []
    source.fetch(TREE, tmp_path / "into", **LIMITS, progress=lambda done, total: told.append((done, total)))
    found = {p.relative_to(tmp_path / "into").as_posix(): p for p in (tmp_path / "into").rglob("*.*")}
    assert {name: path.read_bytes() for name, path in found.items()} == files
    assert told[-1] == (6, 6)


def test_a_block_is_what_its_cid_names_or_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "manifest.json"
    file.write_bytes(b"{}")
    cid, other = Cid.of_raw_block(b"{}"), Cid.of_raw_block(b"[]")
    source = Folders({cid: file, other: file})
    assert source.read_block(cid, **LIMITS) == b"{}"
    with pytest.raises(InputError, match="is not what"):
        source.read_block(other, **LIMITS)


def test_more_than_the_cap_is_refused_before_it_is_copied(tmp_path: Path) -> None:
    source = Folders({TREE: folder_of(tmp_path, {"big": b"\0" * 1_001})})
    with pytest.raises(EvidenceError) as refused:
        source.fetch(TREE, tmp_path / "into", **LIMITS)
    assert refused.value.code == "content.too_large"
    assert not (tmp_path / "into").exists()


def test_a_link_out_of_the_folder_is_not_followed(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, {"a": b"1"})
    (folder / "b").symlink_to("/etc/passwd")
    with pytest.raises(InputError) as refused:
        Folders({TREE: folder}).fetch(TREE, tmp_path / "into", **LIMITS)
    assert refused.value.code == "content.other_copy"


def test_what_is_no_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is not a folder"):
        Folders({TREE: tmp_path / "nowhere"}).fetch(TREE, tmp_path / "into", **LIMITS)


def test_what_has_no_copy_comes_from_beyond_or_not_at_all(tmp_path: Path) -> None:
    store = FakeStore()
    cid, tree = store.add_block(b"far"), store.put({"a": b"1"})
    assert Folders({}, store).read_block(cid, **LIMITS) == b"far"
    Folders({}, store).fetch(tree, tmp_path / "into", **LIMITS)
    assert (tmp_path / "into" / "a").read_bytes() == b"1"
    with pytest.raises(ServiceError) as missing:
        Folders({}).read_block(cid, **LIMITS)
    assert (missing.value.code, missing.value.retryable) == ("content.not_found", False)
