"""Every requirement of the contract is tripped by a test of the contract's own that is named after it."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest

CONTRACTS = Path(__file__).resolve().parents[2] / "contracts"
TEST = re.compile(r"^fn (test_\w+)\(.*?^}", re.MULTILINE | re.DOTALL)


def constants() -> list[str]:
    """The names of errors.cairo, which are the texts of its reasons too."""
    text = (CONTRACTS / "src" / "errors.cairo").read_text()
    pairs = re.findall(r"^pub const (\w+): felt252 = '(\w+)';", text, re.MULTILINE)
    assert pairs
    assert all(name == reason for name, reason in pairs)
    return [name for name, _ in pairs]


@cache
def cairo_tests() -> dict[str, str]:
    """Each test's name, and its attributes and body."""
    found: dict[str, str] = {}
    for path in sorted((CONTRACTS / "tests").glob("test_*.cairo")):
        text = path.read_text()
        for match in TEST.finditer(text):
            attributes = text[: match.start()].rpartition("\n\n")[2]
            found[match[1]] = attributes + match[0]
    return found


@cache
def source() -> str:
    paths = sorted((CONTRACTS / "src").rglob("*.cairo"))
    return "\n".join(path.read_text() for path in paths if path.name != "errors.cairo")


@pytest.mark.parametrize("reason", constants())
def test_a_requirement_has_a_test_that_trips_it_and_is_named_after_it(reason: str) -> None:
    named = {name: body for name, body in cairo_tests().items() if name.startswith(f"test_{reason.lower()}_")}
    assert named, f"no test_{reason.lower()}_… in contracts/tests"
    assert any(f"'{reason}'" in body for body in named.values()), f"{sorted(named)} never expect {reason!r}"


@pytest.mark.parametrize("reason", constants())
def test_a_reason_is_one_that_some_call_can_give(reason: str) -> None:
    assert f"errors::{reason}" in source()


def test_a_call_is_refused_with_a_reason_of_the_list_only() -> None:
    """Asserts elsewhere guard what no caller can bring about, and say so in their own words."""
    given = set(re.findall(r"errors::(\w+)", source()))
    assert given == set(constants())
