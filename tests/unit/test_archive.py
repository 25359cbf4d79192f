"""Of an archive only regular files are taken, each to its own place."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest
from tileproof.provision.archive import extract_file, extract_folder

INSIDE = "crate-1.0/corelib"


def archive(path: Path, **files: bytes) -> Path:
    """A .tar.gz of these files, by their paths."""
    with tarfile.open(path, "w:gz") as opened:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            opened.addfile(entry, io.BytesIO(content))
        link = tarfile.TarInfo(f"{INSIDE}/link")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        opened.addfile(link)
    return path


def test_a_folder_s_regular_files_keep_their_places(tmp_path: Path) -> None:
    made = archive(
        tmp_path / "a.tar.gz",
        **{f"{INSIDE}/Scarb.toml": b"1", f"{INSIDE}/src/lib.cairo": b"2", "crate-1.0/README": b"3"},
    )
    target = tmp_path / "out"
    extract_folder(made, INSIDE, target)
    files = {path.relative_to(target).as_posix(): path.read_bytes() for path in target.rglob("*.*")}
    assert files == {"Scarb.toml": b"1", "src/lib.cairo": b"2"}
    assert not (target / "link").is_symlink()


def test_a_path_that_leads_out_of_its_folder_writes_nothing(tmp_path: Path) -> None:
    made = archive(tmp_path / "a.tar.gz", **{f"{INSIDE}/../../../outside": b"x"})
    with pytest.raises(LookupError, match="leads elsewhere"):
        extract_folder(made, INSIDE, tmp_path / "deep" / "out")
    assert [path.name for path in tmp_path.rglob("*")] == ["a.tar.gz"]


def test_a_folder_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    made = archive(tmp_path / "a.tar.gz", other=b"x")
    with pytest.raises(LookupError, match="there is no"):
        extract_folder(made, INSIDE, tmp_path / "out")


def test_one_file_is_written_unless_it_is_larger_than_allowed(tmp_path: Path) -> None:
    made = archive(tmp_path / "a.tar.gz", **{"bin/anvil": b"iron"})
    extract_file(made, "bin/anvil", tmp_path / "anvil", max_bytes=4)
    assert (tmp_path / "anvil").read_bytes() == b"iron"
    assert (tmp_path / "anvil").stat().st_mode & 0o111
    with pytest.raises(LookupError, match="more than 3"):
        extract_file(made, "bin/anvil", tmp_path / "again", max_bytes=3)
    assert not (tmp_path / "again").exists()
