"""Places to write to are tried before anything is fetched or spent."""

from __future__ import annotations

from pathlib import Path

import pytest
from tileproof.cli.console import run
from tileproof.cli.outputs import out_file, out_folder
from tileproof.domain.errors import TileproofError
from tileproof.domain.user_paths import expanded, named_os_error


def code_of(path: Path, *, of_file: bool = False) -> str:
    with pytest.raises(TileproofError) as caught:
        (out_file if of_file else out_folder)(path)
    assert caught.value.remedy
    return caught.value.code


def test_a_folder_that_is_there_or_can_be_made_is_taken_and_left_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert out_folder(tmp_path) == tmp_path
    assert out_folder(tmp_path / "a" / "b") == tmp_path / "a" / "b"
    assert out_folder(Path("~/c")) == tmp_path / "c"
    assert out_file(tmp_path / "a" / "sheet.png") == tmp_path / "a" / "sheet.png"
    assert list(tmp_path.iterdir()) == []


def test_what_cannot_be_written_to_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    (tmp_path / "gone").symlink_to(tmp_path / "nothing")
    assert code_of(tmp_path / "file") == "out.not_a_folder"
    assert code_of(tmp_path / "file" / "below") == "out.not_a_folder"
    assert code_of(tmp_path / "loop") == "out.broken_link"
    assert code_of(tmp_path / "loop" / "below") == "out.broken_link"
    assert code_of(tmp_path / "gone") == "out.broken_link"
    assert code_of(Path("/proc/tileproof")) == "out.not_writable"
    assert code_of(tmp_path / ("x" * 300)) in ("out.name_too_long", "out.not_writable")
    assert code_of(Path("/dev/full")) == "out.not_a_folder"
    assert code_of(Path("~nobody-has-this-name/x")) == "path.no_home"


def test_a_file_to_write_is_no_folder_and_lies_in_one(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    assert code_of(tmp_path, of_file=True) == "out.not_a_file"
    assert code_of(Path("/dev/full"), of_file=True) == "out.not_a_file"
    assert code_of(tmp_path / "file" / "sheet.png", of_file=True) == "out.not_a_folder"
    assert code_of(Path("/proc/sheet.png"), of_file=True) == "out.not_writable"


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (PermissionError(13, "Permission denied", "/x"), "path.no_permission"),
        (OSError(40, "Too many levels of symbolic links", "/x"), "path.link_loop"),
        (OSError(36, "File name too long", "/x"), "path.name_too_long"),
        (OSError(28, "No space left on device"), "machine.disk_full"),
        (FileNotFoundError(2, "No such file or directory"), "path.missing"),
    ],
)
def test_a_refusal_of_the_system_is_no_bug_of_ours(
    error: OSError, code: str, capsys: pytest.CaptureFixture[str]
) -> None:
    def fails(_: object) -> None:
        raise error

    assert run(fails, []) == 4
    assert code in capsys.readouterr().err
    named = named_os_error(error)
    assert named is not None
    assert named.remedy


def test_a_path_below_the_home_folder_is_expanded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/someone")
    assert expanded("~/a") == Path("/home/someone/a")
