"""What a bought majority of seats gets, and from where on it pays."""

from __future__ import annotations

from pathlib import Path

import pytest
from tileproof.audit.plan import majority_chance

from tests.conformance.ledger_world import BOND, REWARD

from .book import BOOK

SEATS, HOSTILE, SIZES = 100, (10, 20, 30, 40, 50), (1, 3, 5, 7)
HEAD = "| seats of one hand | n = 1 | n = 3 | n = 5 | n = 7 |"


def both_rounds(hostile: int, size: int) -> float:
    """The chance to hold the majority of the first committee, and then of the appeal's, which is drawn
    from the seats that did not sit, when the least majority won the first."""
    least = size // 2 + 1
    honest_left, hostile_left = SEATS - hostile - (size - least), hostile - least
    return majority_chance(SEATS - hostile, hostile, size) * majority_chance(
        honest_left, hostile_left, 2 * size + 1
    )


def rows() -> list[str]:
    return [
        f"| {hostile} % | " + " | ".join(f"{both_rounds(hostile, size):.2%}" for size in SIZES) + " |"
        for hostile in HOSTILE
    ]


def test_the_docs_say_how_often_a_share_of_the_seats_wins_both_rounds() -> None:
    docs = (Path(__file__).parents[2] / "docs" / "protocol.md").read_text(encoding="utf-8").splitlines()
    begin = docs.index(HEAD) + 2
    assert docs[begin : begin + len(HOSTILE)] == rows()


@pytest.mark.parametrize(("hostile", "pays"), [(10, False), (30, False), (50, True)])
def test_a_cheat_with_bought_seats_earns_on_average_only_with_a_large_share(hostile: int, pays: bool) -> None:
    """With a committee of one, which is where a majority is cheapest."""
    won = both_rounds(hostile, 1)
    bought = BOOK["test_a_bought_committee_and_a_bought_appeal_sell_bad_work"].account
    caught = BOOK["test_bad_work_that_the_sample_shows_costs_the_bond"].account
    assert (won * bought.gain + (1 - won) * caught.gain > 0) is pays
    assert (won > BOND / (REWARD + BOND)) is pays
