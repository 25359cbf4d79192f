"""The list of planted faults fits the tree, and a fault is found by a test that fails with it only."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from tests.planted import __main__ as planting
from tests.planted.faults import Fault, faults

ROOT = Path(__file__).resolve().parents[2]
LISTED = faults()


def test_forty_faults_are_planted_ten_of_them_in_the_contract() -> None:
    assert Counter(fault.is_cairo for fault in LISTED) == {True: 10, False: 30}
    assert [name for name, count in Counter(fault.id for fault in LISTED).items() if count > 1] == []


@pytest.mark.parametrize("fault", LISTED, ids=lambda fault: fault.id)
def test_a_fault_changes_one_place_of_the_present_source(fault: Fault) -> None:
    assert fault.file.startswith(("src/", "contracts/src/"))
    assert (ROOT / fault.file).read_text("utf-8").count(fault.old) == 1
    assert fault.old != fault.new
    assert fault.why


@pytest.mark.parametrize("fault", [f for f in LISTED if f.is_cairo], ids=lambda fault: fault.id)
def test_a_fault_of_the_contract_names_modules_or_tests_that_exist(fault: Fault) -> None:
    modules = {path.stem: path.read_text("utf-8") for path in (ROOT / "contracts" / "tests").glob("*.cairo")}
    assert fault.tests
    for word in fault.tests:
        assert word in modules or any(f"fn {word}" in text for text in modules.values())


@pytest.mark.parametrize("fault", [f for f in LISTED if not f.is_cairo], ids=lambda fault: fault.id)
def test_a_fault_in_python_leaves_a_module_that_python_reads(fault: Fault) -> None:
    text = (ROOT / fault.file).read_text("utf-8")
    compile(text.replace(fault.old, fault.new), fault.file, "exec")
    assert all((ROOT / path).is_file() for path in fault.tests)


def test_a_kept_result_belongs_to_a_fault() -> None:
    kept = {path.stem for path in planting.RESULTS.glob("*.json")}
    assert kept <= {fault.id for fault in LISTED}
    assert all(planting.kept(fault) is not None for fault in LISTED if fault.id in kept)


# --- planting ---

SOURCE = "LIMIT = 3\n\n\ndef is_small(\n    value,\n):\n    return (\n        value\n        < LIMIT\n    )\n"
TESTS = (
    "from tileproof.small import is_small\n\n"
    "def test_one_is_small():\n    assert is_small(1)\n\n"
    "def test_the_limit_is_not():\n    assert not is_small(3)\n"
)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A tree whose package has one module, with two tests of it."""
    for folder in ("src", ".typing", "tests/planted"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / ".typing" / "tileproof").symlink_to(Path("..") / "src")
    for path in ("tests/__init__.py", "tests/planted/__init__.py", "tests/planted/chosen.py"):
        (tmp_path / path).write_text((ROOT / path).read_text())
    (tmp_path / "src" / "__init__.py").touch()
    (tmp_path / "src" / "small.py").write_text(SOURCE)
    (tmp_path / "tests" / "test_small.py").write_text(TESTS)
    return tmp_path


def fault(old: str, new: str) -> Fault:
    return Fault("small", "src/small.py", old, new, "of a test", ("tests/test_small.py",))


@pytest.mark.slow
def test_a_fault_is_found_by_the_test_that_fails_with_it_and_the_tree_is_sound_again(copy: Path) -> None:
    runner = planting.Runner(copy, planting.How())
    at_limit = fault("< LIMIT", "<= LIMIT")
    before = "tests/test_small.py::test_the_limit_is_not"
    assert runner.find(at_limit, before) == (before, 1)
    assert (copy / "src" / "small.py").read_text() == SOURCE


@pytest.mark.slow
def test_a_test_that_fails_without_the_fault_finds_nothing(copy: Path) -> None:
    (copy / "tests" / "test_small.py").write_text("def test_broken():\n    assert False\n")
    with pytest.raises(RuntimeError, match="fails without any fault"):
        planting.Runner(copy, planting.How()).find(
            fault("< LIMIT", "<= LIMIT"), "tests/test_small.py::test_broken"
        )


def test_a_text_that_is_gone_or_not_alone_is_no_fault(copy: Path) -> None:
    for old in ("> LIMIT", "LIMIT"):
        with pytest.raises(LookupError, match="occurs"):
            fault(old, "").put_into(copy)


def test_the_lines_of_a_fault_are_those_of_its_statement_up_to_its_end(copy: Path) -> None:
    assert fault("< LIMIT", "").lines(copy) == (range(7, 10), True)
    assert fault("LIMIT = 3", "").lines(copy) == (range(1, 2), False)
