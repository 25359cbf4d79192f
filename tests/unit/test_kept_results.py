"""A check that has passed is not run again until a file that it reads changes."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "contracts" / "build.py"


def module(name: str) -> ModuleType:
    """A program's module of contracts/, which is no package."""
    spec = importlib.util.spec_from_file_location(name, ROOT / "contracts" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    loaded = importlib.util.module_from_spec(spec)
    sys.modules[name] = loaded
    spec.loader.exec_module(loaded)
    return loaded


kept = module("kept")
build = module("build")


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    root = tmp_path / "tree"
    (root / "src").mkdir(parents=True)
    (root / "src" / "a.cairo").write_text("fn a() {}\n")
    return root


def check(tree: Path, *, record: Path | None = None, version: str = "1") -> Any:
    return kept.Check("tests", kept.files_below(tree / "src"), version, record)


def results(tree: Path) -> Any:
    return kept.KeptResults(tree, tree.parent / "cache")


def keep(known: Any, passed: Any, summary: str) -> Path | None:
    """Keeps a check that passed while no file changed."""
    record: Path | None = known.keep(passed, summary, passed.digest(known._root))
    return record


def test_nothing_is_kept_where_a_file_changed_while_the_check_ran(tree: Path) -> None:
    before = check(tree).digest(tree)
    (tree / "src" / "a.cairo").write_text("fn b() {}\n")
    assert results(tree).keep(check(tree), "1 passed", before) is None
    assert results(tree).has(check(tree)) is None


def test_a_result_is_found_until_a_file_changes(tree: Path) -> None:
    known = results(tree)
    assert known.has(check(tree)) is None
    assert keep(known, check(tree), "1 passed") is None
    assert known.has(check(tree)) == "in the cache"
    (tree / "src" / "a.cairo").write_text("fn b() {}\n")
    assert known.has(check(tree)) is None


@pytest.mark.parametrize("change", ["a new file", "another name", "a file less", "another compiler"])
def test_whatever_could_change_the_answer_changes_the_digest(tree: Path, change: str) -> None:
    (tree / "src" / "b.cairo").write_text("")
    keep(results(tree), check(tree), "")
    if change == "a new file":
        (tree / "src" / "c.cairo").write_text("")
    elif change == "another name":
        (tree / "src" / "b.cairo").rename(tree / "src" / "z.cairo")
    elif change == "a file less":
        (tree / "src" / "b.cairo").unlink()
    version = "2" if change == "another compiler" else "1"
    assert results(tree).has(check(tree, version=version)) is None


def test_a_record_serves_a_machine_that_has_no_cache(tree: Path) -> None:
    record = tree / "passed.json"
    assert keep(results(tree), check(tree, record=record), "1 passed") == record
    elsewhere = kept.KeptResults(tree, tree.parent / "another-cache")
    assert elsewhere.has(check(tree, record=record)) == "recorded"
    assert elsewhere.has(check(tree)) is None
    assert json.loads(record.read_text())["summary"] == "1 passed"


def test_a_record_of_the_same_files_is_not_written_again(tree: Path) -> None:
    record = tree / "passed.json"
    keep(results(tree), check(tree, record=record), "1 passed")
    assert keep(results(tree), check(tree, record=record), "1 passed") is None


@pytest.mark.parametrize("content", ["", "{", "[]", '{"digest": 7}'])
def test_a_result_that_cannot_be_read_is_none(tree: Path, content: str) -> None:
    cached = tree.parent / "cache" / "kept" / "tests.json"
    cached.parent.mkdir(parents=True)
    cached.write_text(content)
    assert results(tree).has(check(tree)) is None


def test_the_contracts_checks_read_every_source_artifact_and_test() -> None:
    checks = build.checks()
    tests = {path.relative_to(ROOT).as_posix() for path in checks["test"].files}
    artifacts = {path.relative_to(ROOT).as_posix() for path in checks["check"].files}
    for folder in ("src", "tests"):
        for path in (ROOT / "contracts" / folder).rglob("*.cairo"):
            assert path.relative_to(ROOT).as_posix() in tests
    for program in build.PROGRAMS:
        for path in [*(program.folder / "src").rglob("*.cairo"), *program.artifacts.glob("*.json*")]:
            assert path.relative_to(ROOT).as_posix() in artifacts
    assert {"contracts/build.py", "contracts/kept.py"} <= tests & artifacts


def test_what_was_never_checked_is_not_kept(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, str(BUILD), "kept", "check"],
        env={"TILEPROOF_CACHE": str(tmp_path), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        check=False,
    )
    assert done.returncode == 1
