"""Blocks are taken back under requester, worker and verifiers, and all ends as if they had not been.

After each hop of a task's life its very block is lost; and a paid task is thrown back by up
to 1,800 blocks. Each role then goes on by itself."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from tileproof.ports import ledger as port

from tests.integration.reorganised_town import KEEP_BLOCKS, Town
from tests.services.devnet import Deploy

pytestmark = pytest.mark.devnet

Story = Callable[[Deploy, Path], Town]
Ends = dict[str, object]


def plain(deploy: Deploy, home: Path) -> Town:
    """Accepted, and nobody contests it."""
    return Town(deploy, home)


@pytest.fixture(scope="module")
def known() -> dict[Story, Ends]:
    return {}


@pytest.fixture
def clean(deploy: Deploy, tmp_path: Path, known: dict[Story, Ends]) -> Callable[[Story], Ends]:
    """How a story ends on a chain that takes nothing back; each is told once."""

    def ends(story: Story) -> Ends:
        if story not in known:
            town = story(deploy, tmp_path / "clean")
            town.until(town.is_paid)
            known[story] = town.ends()
        return known[story]

    return ends


@pytest.mark.parametrize("hop", ["claim", "submit", "draw", "commit", "reveal", "settle"])
def test_a_hop_whose_block_is_lost_is_taken_again(
    hop: str, deploy: Deploy, tmp_path: Path, clean: Callable[[Story], Ends]
) -> None:
    town = plain(deploy, tmp_path)
    lost: list[int] = []
    town.hits[hop] = lambda block: lost.append(town.take_back(block))
    town.until(town.is_paid)
    assert lost == [1]
    assert town.ends() == clean(plain)


@pytest.mark.parametrize(
    ("back_to", "depth"),
    [
        (port.VerdictRevealed, 10),
        (port.TaskClaimed, 100),
        pytest.param(port.JobCreated, KEEP_BLOCKS, marks=pytest.mark.slow),
    ],
)
def test_a_paid_task_that_is_thrown_back_is_paid_again_and_once(
    back_to: type[port.Event], depth: int, deploy: Deploy, tmp_path: Path, clean: Callable[[Story], Ends]
) -> None:
    town = plain(deploy, tmp_path)
    town.until(town.is_paid)
    town.look()
    first = town.block_of(back_to)
    town.pass_blocks(first + depth - 1 - town.head())
    assert town.take_back(first) == depth
    town.until(town.is_paid)
    town.look()
    assert town.ends() == clean(plain)


def test_a_job_whose_block_is_lost_is_ordered_again_and_done(
    deploy: Deploy, tmp_path: Path, clean: Callable[[Story], Ends]
) -> None:
    town = plain(deploy, tmp_path)
    assert town.take_back(town.head()) == 1
    assert town.reader.job_count() == 0
    town.until(town.is_paid)
    assert town.ends() == clean(plain)
