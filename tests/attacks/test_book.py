"""The attack book, its tests and its table in the docs say the same."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from .book import BOOK, Page

HERE = Path(__file__).parent
TABLE = "| attack | attacker's gain | victim's loss | others gain | forfeited | why |"


def test_every_page_is_played_and_every_play_has_its_page() -> None:
    plays = set()
    for module in HERE.glob("test_*.py"):
        for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef) and "stage" in {arg.arg for arg in node.args.args}:
                assert any(_is_account(each) for each in ast.walk(node)), f"{node.name} gives no account"
                plays.add(node.name)
    assert plays == set(BOOK)


@pytest.mark.parametrize("page", BOOK.values(), ids=lambda page: page.attack)
def test_what_one_side_gains_another_loses(page: Page) -> None:
    assert page.account.is_balanced


def test_the_docs_table_is_the_book() -> None:
    docs = (HERE.parents[1] / "docs" / "protocol.md").read_text(encoding="utf-8").splitlines()
    rows = docs[docs.index(TABLE) + 2 :][: len(BOOK) + 1]
    assert rows == [*(page.row() for page in BOOK.values()), ""]


def _is_account(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "ends"
