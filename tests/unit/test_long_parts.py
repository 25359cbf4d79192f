"""The parts of make test-long: their digests, their results, and interrupted runs."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from benchmarks.covered import Tree, kept_folder
from tests.long import __main__ as long
from tests.long.parts import MOST_MINUTES, MOST_MINUTES_EACH, PARTS, Part
from tests.long.results import FAILED, PASSED, Kept, Result

ROOT = Path(__file__).resolve().parents[2]
IMPORTED = """
import importlib, json, sys
for name in sys.argv[1:]:
    importlib.import_module(name)
files = (getattr(module, "__file__", None) for module in list(sys.modules.values()))
print(json.dumps([file for file in files if file]))
"""


@pytest.fixture(scope="module")
def tree() -> Tree:
    return Tree(ROOT)


# --- the table ---


def test_all_parts_take_at_most_150_minutes_and_each_at_most_40() -> None:
    assert sum(part.minutes for part in PARTS) <= MOST_MINUTES == 150
    assert all(0 < part.minutes <= MOST_MINUTES_EACH == 40 for part in PARTS)


def test_a_part_has_a_name_of_its_own_and_runs_something() -> None:
    assert [name for name, count in Counter(part.name for part in PARTS).items() if count > 1] == []
    assert all(part.tests or part.larger or part.command for part in PARTS)


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.name)
def test_a_part_names_only_what_is_there(part: Part, tree: Tree) -> None:
    assert long.covered_by(part, tree)


def test_a_kept_result_belongs_to_a_part() -> None:
    kept = {path.stem: json.loads(path.read_text()) for path in long.RESULTS.glob("*.json")}
    assert set(kept) <= {part.name for part in PARTS}
    assert all(set(result) == set(Result.__dataclass_fields__) for result in kept.values())
    assert all(name == result["part"] for name, result in kept.items())


# --- what a part covers ---


@pytest.mark.slow
def test_whatever_python_imports_for_a_module_is_covered(tree: Tree) -> None:
    modules = ("tests.integration.test_ledger_model", "tests.e2e.test_walk", "benchmarks.fuzz_images")
    done = subprocess.run(
        [sys.executable, "-c", IMPORTED, *modules], capture_output=True, text=True, check=True, cwd=ROOT
    )
    imported = [Path(file) for file in json.loads(done.stdout)]
    ours = {file.relative_to(ROOT).as_posix() for file in imported if file.is_relative_to(ROOT)}
    ours = {file for file in ours if not file.startswith(".")}
    assert len(ours) > 100
    assert ours - set(tree.covered((), modules, ())) == set()


def test_programs_that_are_started_by_a_path_or_a_name_are_covered(tree: Tree) -> None:
    crashes = next(part for part in PARTS if part.name == "crashes")
    covered = set(long.covered_by(crashes, tree))
    assert {
        "src/adapters/blender/inside/serve.py",
        "src/adapters/blender/inside/exr.py",
        "src/adapters/blender/sandbox/launch.py",
        "src/adapters/images/decode_child.py",
        "src/cli/__main__.py",
        "tests/e2e/mortal_role.py",
        "tests/conftest.py",
        "tests/services/devnet.py",
        "contracts/artifacts/registry.contract_class.json.gz",
        "scenes/tiny.py",
        "src/audit/report.html.jinja",
    } <= covered


def test_a_part_does_not_cover_what_it_never_runs(tree: Tree) -> None:
    pictures = next(part for part in PARTS if part.name == "pictures")
    covered = long.covered_by(pictures, tree)
    assert [
        path for path in covered if path.startswith(("src/cli", "src/worker", "tests", "contracts"))
    ] == []


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """A repository of three modules, of which one test imports one and starts another."""
    (tmp_path / "src").mkdir()
    (tmp_path / "tests").mkdir()
    for name, text in {
        "src/__init__.py": "",
        "src/used.py": "",
        "src/started.py": "",
        "src/beside.py": "",
        "tests/__init__.py": "",
        "tests/conftest.py": 'NAMES = "unused"\n'
        'pytest_plugins = [f"tests.{each}" for each in ("wanted", "unwanted", "hooks")]\n',
        "tests/wanted.py": "@pytest.fixture\ndef service(): ...\n",
        "tests/unwanted.py": "@pytest.fixture\ndef another(): ...\n",
        "tests/hooks.py": "def pytest_configure(): ...\n",
        "tests/data.json": "{}",
        "tests/test_it.py": "def test_it(service):\n"
        "    from tileproof import used\n"
        '    run(["-m", "tileproof.started"], Path(__file__).with_name("data.json"))\n',
    }.items():
        (tmp_path / name).write_text(text)
    return tmp_path


def covered(root: Path) -> set[str]:
    return set(Tree(root).covered(["tests/test_it.py::test_it"], [], []))


def test_imports_in_functions_started_modules_opened_files_and_wanted_plugins_are_followed(
    small: Path,
) -> None:
    assert covered(small) == {
        "src/__init__.py",
        "src/used.py",
        "src/started.py",
        "tests/__init__.py",
        "tests/conftest.py",
        "tests/wanted.py",
        "tests/hooks.py",
        "tests/data.json",
        "tests/test_it.py",
    }


@pytest.mark.parametrize("name", ["src/used.py", "tests/data.json", "tests/wanted.py"])
def test_a_change_of_a_covered_file_changes_the_digest(small: Path, name: str) -> None:
    before = Tree(small).digest(covered(small))
    (small / name).write_text("# another\n" if name.endswith(".py") else "[]")
    (small / "src/started.py").touch()
    assert Tree(small).digest(covered(small) | {name}) != before


def test_a_change_beside_leaves_the_digest(small: Path) -> None:
    before = Tree(small).digest(covered(small))
    (small / "src/beside.py").write_text("another = 1\n")
    assert Tree(small).digest(covered(small)) == before


def test_a_part_that_is_run_otherwise_has_another_digest(small: Path) -> None:
    words = (Part("p", 1, tests=("t",)).words, Part("p", 1, tests=("t",), environment={"SIZE": "2"}).words)
    assert len({Tree(small).digest((), *each) for each in words}) == 2


def test_what_is_not_there_is_no_part(small: Path) -> None:
    with pytest.raises(LookupError, match="no file or folder"):
        Tree(small).covered(["tests/test_other.py"], [], [])
    with pytest.raises(LookupError, match="no module"):
        Tree(small).covered([], ["tileproof.other"], [])


@pytest.mark.slow
def test_a_long_bench_keeps_its_pieces_under_its_digest_and_its_scale() -> None:
    full, quick = (kept_folder("benchmarks.verify", scale) for scale in ("full", "quick"))
    assert full.parent == quick.parent == ROOT / ".long"
    assert full.name.startswith("verify-")
    assert full != quick


# --- running ---


@pytest.fixture
def kept(tmp_path: Path) -> Kept:
    return Kept(tmp_path / "results", tmp_path / "unfinished")


def due(part: Part, digest: str = "d" * 64) -> long.Line:
    return long.Line(part, digest, long.TO_RUN, 0.0)


def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, name: str = "a_program") -> Part:
    (tmp_path / f"{name}.py").write_text(text)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    return Part(name, 1, command=(name,))


def test_a_part_that_passed_is_not_run_again_until_its_digest_changes(
    tmp_path: Path, kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    part = module(tmp_path, monkeypatch, f"open({str(tmp_path / 'runs')!r}, 'a').write('x')")
    for digest in ("d" * 64, "d" * 64, "e" * 64):
        long.run_all([due(part, digest)], kept, 5)
    assert (tmp_path / "runs").read_text() == "xx"
    assert kept.is_done(part.name, "e" * 64)
    assert not kept.is_done(part.name, "d" * 64)


def test_a_part_that_failed_is_kept_as_failed_and_run_again(
    tmp_path: Path, kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    part = module(tmp_path, monkeypatch, "raise SystemExit(3)")
    [line] = long.run_all([due(part)], kept, 5)
    assert line.outcome == FAILED
    assert kept.result(part.name).outcome == FAILED  # type: ignore[union-attr]
    assert not kept.is_done(part.name, line.digest)


def test_the_shortest_goes_first_and_what_takes_longer_than_is_left_waits(
    tmp_path: Path, kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    part = module(tmp_path, monkeypatch, "")
    longer = Part("longer", 30, command=part.command)
    lines = long.run_all([due(longer), due(part)], kept, 10)
    assert [(line.part.name, line.outcome) for line in lines] == [
        (part.name, PASSED),
        ("longer", long.NO_TIME),
    ]


def test_a_part_that_the_budget_stops_is_no_failure_and_is_asked_to_end(
    tmp_path: Path, kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = tmp_path / "begun"

    class Patient(subprocess.Popen[bytes]):
        """Lets the budget be over when the program has begun, however slow the machine is."""

        def wait(self, timeout: float | None = None) -> int:
            if timeout == 120:
                while not begun.exists():
                    assert self.poll() is None
                timeout = 0
            return super().wait(timeout)

    monkeypatch.setattr(subprocess, "Popen", Patient)
    text = (
        "import sys, threading\n"
        f"try:\n    open({str(begun)!r}, 'w').close()\n    threading.Event().wait()\n"
        f"except KeyboardInterrupt:\n    open({str(tmp_path / 'ended')!r}, 'w').close(); sys.exit(0)\n"
    )
    part = module(tmp_path, monkeypatch, text)
    monkeypatch.setattr(time, "monotonic", lambda: 0.0)
    line = long.run_one(part, "d" * 64, kept, 2)
    assert line.outcome == long.STOPPED
    assert (tmp_path / "ended").exists()
    assert kept.result(part.name) is None


@pytest.mark.slow
def test_a_test_that_passed_before_an_interruption_is_not_run_again(
    tmp_path: Path, kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second test ends its process the first time, as kill -9 would."""
    suite = tmp_path / "suite"
    suite.mkdir()
    (suite / "test_two.py").write_text(
        "import os, pathlib\n"
        "HERE = pathlib.Path(__file__).parent\n"
        "def log(word):\n"
        "    with (HERE / 'log').open('a') as file: file.write(word)\n"
        "def test_a(): log('a')\n"
        "def test_b():\n"
        "    log('b')\n"
        "    if (HERE / 'log').read_text().count('b') == 1: os._exit(1)\n"
    )
    (suite / "pytest.ini").write_text("[pytest]\n")
    part = Part(
        "two",
        1,
        larger=(str(suite / "test_two.py"), "--rootdir", str(suite), "-c", str(suite / "pytest.ini")),
    )
    assert [long.run_one(part, "d" * 64, kept, 5).outcome for _ in range(2)] == [FAILED, PASSED]
    assert (suite / "log").read_text() == "abb"
    assert list((tmp_path / "unfinished").iterdir()) == []


def test_the_table_says_what_is_left(kept: Kept) -> None:
    part = Part("one", 2, command=("json.tool",))
    assert long.table([due(part)]).endswith("left: one")
    kept.write(Result("one", "d" * 64, "0" * 40, PASSED, 1.9))
    line = long.line_of(part, "d" * 64, kept)
    assert long.table([line]).endswith("complete")
    assert long.line_of(part, "e" * 64, kept).outcome == long.TO_RUN
