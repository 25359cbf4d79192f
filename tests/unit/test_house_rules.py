"""Two lists that must agree share a test, and a rule that a program can hold is held by one."""

from __future__ import annotations

import ast
import dataclasses
import gzip
import json
import re
import tomllib
from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from typing import Any

import pytest
from tileproof.adapters.starknet import events
from tileproof.domain.job import (
    Appeal,
    AppealOutcome,
    Bounds,
    Commitment,
    Ground,
    Lane,
    Outcome,
    Question,
    TaskState,
    Terms,
    Verdict,
)

ROOT = Path(__file__).resolve().parents[2]
SRC = ROOT / "src"
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
MAKEFILE = (ROOT / "Makefile").read_text()
TARGETS = set(re.findall(r"^([a-z-]+):(?!=)", MAKEFILE, flags=re.M))

# What runs as a process of its own, spoken to over a pipe or by its exit status.
PROGRAMS = (
    "adapters/blender/inside/",
    "adapters/blender/sandbox/launch.py",
    "adapters/images/decode_child.py",
)
# Our word for the token's refusal, which is no reason of the contract's.
NOT_ENOUGH_TOKENS = "WALLET_TOO_LOW"
MODEL = ROOT / "model"
# The command line's only voice.
CONSOLE = "cli/console.py"


def sources() -> Iterator[tuple[str, ast.Module]]:
    for path in sorted(SRC.rglob("*.py")):
        yield path.relative_to(SRC).as_posix(), ast.parse(path.read_text())


# --- the package and the tree ---


def test_every_package_of_the_tree_is_shipped_and_nothing_else() -> None:
    listed = PYPROJECT["tool"]["setuptools"]["packages"]
    mapped = PYPROJECT["tool"]["setuptools"]["package-dir"]
    in_tree = {
        ".".join(("tileproof", *path.parent.relative_to(SRC).parts)) for path in SRC.rglob("__init__.py")
    }
    elsewhere = {name for name in mapped if name != "tileproof"}
    assert all((ROOT / mapped[name] / "__init__.py").is_file() for name in elsewhere)
    assert sorted(listed) == sorted(in_tree | elsewhere)


def test_every_folder_with_python_in_it_is_a_package() -> None:
    folders = {path.parent for path in SRC.rglob("*.py")}
    assert [str(f.relative_to(ROOT)) for f in sorted(folders) if not (f / "__init__.py").is_file()] == []


def test_the_dependency_rule_has_a_place_for_every_top_folder_and_is_exhaustive() -> None:
    """import-linter itself fails for a folder without a place; this holds that it is asked to."""
    [rule] = [c for c in PYPROJECT["tool"]["importlinter"]["contracts"] if c["type"] == "layers"]
    assert rule["exhaustive"] is True
    assert rule["exhaustive_ignores"] == []


def test_the_edge_is_closed_to_every_folder_but_three() -> None:
    [rule] = [
        c
        for c in PYPROJECT["tool"]["importlinter"]["contracts"]
        if "sqlite3" in c.get("forbidden_modules", ())
    ]
    top = {f"tileproof.{path.stem}" for path in SRC.iterdir() if path.suffix == ".py" or path.is_dir()}
    top -= {"tileproof.__init__", "tileproof.__pycache__"}
    edge = {"tileproof.adapters", "tileproof.provision", "tileproof.localnet"}
    assert sorted(rule["source_modules"]) == sorted(top - edge)


def test_no_module_is_a_drawer_for_odds_and_ends() -> None:
    drawers = {"utils", "util", "common", "helpers", "misc"}
    named = [p for folder in ("src", "tests", "demo", "gallery") for p in (ROOT / folder).rglob("*.py")]
    assert [str(p.relative_to(ROOT)) for p in named if drawers & {p.stem, *p.relative_to(ROOT).parts}] == []


# --- who speaks and who ends the process ---


def test_only_a_main_prints_or_exits() -> None:
    speakers = []
    for name, tree in sources():
        if name.endswith("__main__.py") or name.startswith(PROGRAMS) or name == CONSOLE:
            continue
        speakers += [f"{name}:{line}: {what}" for line, what in _words_and_ends(tree)]
    assert speakers == []


def _words_and_ends(tree: ast.Module) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            if node.func.id in ("print", "exit", "quit"):
                yield node.lineno, node.func.id
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            dotted = f"{node.value.id}.{node.attr}"
            if dotted in ("sys.exit", "os._exit", "sys.stdout", "sys.stderr"):
                yield node.lineno, dotted
        elif isinstance(node, ast.Name) and node.id == "SystemExit":
            yield node.lineno, "SystemExit"


def test_imports_inside_the_package_are_relative() -> None:
    absolute = [
        f"{name}:{node.lineno}"
        for name, tree in sources()
        for node in ast.walk(tree)
        if (
            isinstance(node, ast.ImportFrom)
            and node.level == 0
            and (node.module or "").startswith("tileproof")
        )
        or (isinstance(node, ast.Import) and any(a.name.startswith("tileproof") for a in node.names))
    ]
    assert absolute == []


# --- one set of words: Makefile, CI, pages, hooks ---


def test_continuous_integration_runs_what_the_pages_tell_people_to_run() -> None:
    commands = [
        line.strip()
        for line in (ROOT / ".ci" / "run").read_text().splitlines()
        if re.match(r"\s*make\b", line)
    ]
    assert commands[:2] == ["make all-tools", "make check test"]
    assert [line.split()[:2] for line in commands[2:]] == [["make", "test-long"]]
    told = set(re.findall(r"^make ([a-z-]+)", (ROOT / "CONTRIBUTING.md").read_text(), flags=re.M))
    assert {"check", "test"} <= told


@pytest.mark.parametrize(
    "page",
    [
        "README.md",
        "CONTRIBUTING.md",
        ".ci/run",
        ".pre-commit-config.yaml",
        "docker-compose.yml",
        "Dockerfile",
    ],
)
def test_a_page_names_no_word_that_make_does_not_know(page: str) -> None:
    text = (ROOT / page).read_text()
    told = re.findall(r"(?:`|^\s*(?:entry: )?|\bsudo )make ([a-z][a-z -]*[a-z])", text, flags=re.M)
    unknown = {word for words in told for word in words.split() if word not in TARGETS}
    assert unknown == set()


def test_every_word_of_make_that_people_type_has_a_line_of_help() -> None:
    helped = set(re.findall(r"^([a-z-]+):.*## ", MAKEFILE, flags=re.M))
    assert helped == TARGETS


def test_every_hook_calls_a_word_of_make() -> None:
    entries = re.findall(r"^\s*entry: (.*)$", (ROOT / ".pre-commit-config.yaml").read_text(), flags=re.M)
    assert entries
    assert all(entry.startswith("make ") for entry in entries)


# --- the contract and Python ---

ABI: list[dict[str, Any]] = json.loads(
    gzip.decompress((ROOT / "contracts" / "artifacts" / "registry.contract_class.json.gz").read_bytes())
)["abi"]
if isinstance(ABI, str):
    ABI = json.loads(ABI)


def _abi(kind: str, name: str) -> dict[str, Any]:
    [found] = [e for e in ABI if e["type"] == kind and e.get("name") == name]
    return found


ENUMS: tuple[type[Enum], ...] = (Verdict, Ground, TaskState, Outcome, Lane, Question, AppealOutcome)


@pytest.mark.parametrize("enum", ENUMS)
def test_an_enum_of_the_contract_has_the_same_variants_in_python_in_the_same_order(enum: type[Enum]) -> None:
    """A variant travels as its place in the list."""
    variants = [v["name"] for v in _abi("enum", f"tileproof::types::{enum.__name__}")["variants"]]
    assert [member.value for member in enum] == variants


def test_every_enum_of_the_contract_has_one_in_python() -> None:
    ours = {
        e["name"].rpartition("::")[2] for e in ABI if e["type"] == "enum" and "tileproof::" in e["name"][:11]
    }
    assert ours == {enum.__name__ for enum in ENUMS}


@pytest.mark.parametrize("record", [Terms, Bounds, Commitment, Appeal])
def test_a_record_of_the_contract_has_the_same_fields_in_python_in_the_same_order(record: type) -> None:
    members = [m["name"] for m in _abi("struct", f"tileproof::types::{record.__name__}")["members"]]
    assert [field.name for field in dataclasses.fields(record)] == members


def test_every_event_that_belongs_to_a_job_has_a_reader() -> None:
    about_a_job = {
        e["name"].rpartition("::")[2]
        for e in ABI
        if e["type"] == "event" and e["kind"] == "struct" and e["members"][0]["name"] == "job_id"
    }
    assert set(events.BY_NAME) == about_a_job


def test_a_reason_of_the_contract_is_its_own_name_and_a_short_string() -> None:
    reasons = _reasons()
    assert all(name == text for name, text in reasons)
    assert all(len(text) <= 31 for _, text in reasons)
    assert len(reasons) == len(set(reasons))


def test_roles_and_the_model_know_only_reasons_that_the_contract_gives() -> None:
    """A reason that is misspelt would never be met."""
    known = {name for name, _ in _reasons()} | {NOT_ENOUGH_TOKENS}
    spelt = {
        (name, node.value)
        for name, tree in [*_roles(), *_model()]
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and re.fullmatch(r"[A-Z]+(_[A-Z]+)+", node.value)
    }
    assert ("worker/loop.py", "TASK_NOT_OPEN") in spelt
    assert {(where, reason) for where, reason in spelt if reason not in known} == set()


def test_the_model_rests_on_the_domain_and_the_ledgers_words_alone() -> None:
    imported = {
        node.module
        for _, tree in _model()
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.level == 0 and (node.module or "").startswith("tile")
    }
    allowed = ("tileproof.domain.", "tileproof.ports")
    assert imported
    assert [name for name in sorted(imported, key=str) if not str(name).startswith(allowed)] == []


def _model() -> Iterator[tuple[str, ast.Module]]:
    return ((f"model/{path.name}", ast.parse(path.read_text())) for path in sorted(MODEL.glob("*.py")))


def _roles() -> Iterator[tuple[str, ast.Module]]:
    return (s for s in sources() if s[0].startswith(("client/", "worker/", "verifier/")))


def _reasons() -> list[tuple[str, str]]:
    text = (ROOT / "contracts" / "src" / "errors.cairo").read_text()
    return re.findall(r"^pub const (\w+): felt252 = '([^']*)';", text, flags=re.M)
