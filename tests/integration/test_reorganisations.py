"""Blocks are taken back under requester, worker and verifiers, and all ends as if they had not been.

After each hop of a task's life, and of an appeal's, its very block is lost; a paid task is thrown
back by up to 1,800 blocks, and a job while it is rendered. Each role then goes on by itself."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from tileproof.domain.job import AppealOutcome
from tileproof.domain.tiles import Tile
from tileproof.ports import ledger as port

from tests.integration.reorganised_town import KEEP_BLOCKS, Town, inverted
from tests.services.devnet import Deploy

pytestmark = pytest.mark.devnet

Story = Callable[[Deploy, Path], Town]
Ends = dict[str, object]
APPEAL_BLOCKS = 12
"""A window in which an appeal can be raised a second time."""


def plain(deploy: Deploy, home: Path) -> Town:
    """Accepted, and nobody contests it."""
    return Town(deploy, home)


def wronged(deploy: Deploy, home: Path) -> Town:
    """Good work is rejected by a committee that lies; the worker appeals, and wins."""
    town = Town(deploy, home, appeal_blocks=APPEAL_BLOCKS)

    def choose_who_judges() -> None:
        town.verifier_renderer.retouch = None if town.is_contested() else inverted

    town.before_look = choose_who_judges
    return town


def doubted(deploy: Deploy, home: Path) -> Town:
    """Good work is accepted; the requester appeals all the same, and loses."""
    town = Town(deploy, home, appeal_blocks=APPEAL_BLOCKS)
    town.requester_contests = True
    return town


def cheated(deploy: Deploy, home: Path) -> Town:
    """Another picture is delivered and rejected; its worker lets it be."""
    town = Town(deploy, home, worker_appeals=False)
    town.worker_renderer.retouch = inverted
    return town


@pytest.fixture(scope="module")
def known() -> dict[Story, Ends]:
    return {}


@pytest.fixture
def clean(deploy: Deploy, tmp_path: Path, known: dict[Story, Ends]) -> Callable[[Story], Ends]:
    """How a story ends on a chain that takes nothing back; each is told once."""

    def ends(story: Story) -> Ends:
        if story not in known:
            town = story(deploy, tmp_path / "clean")
            town.until(town.is_over)
            known[story] = town.ends()
        return known[story]

    return ends


@pytest.mark.parametrize(
    "hop",
    [
        "claim",
        *(pytest.param(hop, marks=pytest.mark.long) for hop in ("submit", "draw", "commit", "reveal")),
        "settle",
    ],
)
def test_a_hop_whose_block_is_lost_is_taken_again(
    hop: str, deploy: Deploy, tmp_path: Path, clean: Callable[[Story], Ends]
) -> None:
    town = plain(deploy, tmp_path)
    lost: list[int] = []
    town.hits[hop] = lambda block: lost.append(town.take_back(block))
    town.until(town.is_paid)
    assert lost == [1]
    assert town.ends() == clean(plain)


@pytest.mark.long
@pytest.mark.parametrize(
    ("story", "appeal"),
    [(wronged, AppealOutcome.WON), (doubted, AppealOutcome.LOST)],
    ids=["the worker's", "the requester's"],
)
@pytest.mark.parametrize(
    "hop",
    ["appeal", "draw", "commit", "reveal", "settle"],
)
def test_a_hop_of_an_appeal_whose_block_is_lost_is_taken_again(
    hop: str,
    story: Story,
    appeal: AppealOutcome,
    deploy: Deploy,
    tmp_path: Path,
    clean: Callable[[Story], Ends],
) -> None:
    town = story(deploy, tmp_path)
    if hop != "appeal":
        town.until(town.is_contested)  # the first committee has drawn, committed and revealed
    lost: list[int] = []
    town.hits[hop] = lambda block: lost.append(town.take_back(block))
    town.until(town.is_over)
    assert lost == [1]
    assert town.is_paid()
    assert [event.appeal for event in town.told(port.TaskSettled)] == [appeal]
    assert town.ends() == clean(story)


@pytest.mark.parametrize("looks", [0, 3], ids=["at once", "when all know of it"])
def test_a_reject_whose_settlement_is_lost_is_settled_again_and_once(
    looks: int, deploy: Deploy, tmp_path: Path, clean: Callable[[Story], Ends]
) -> None:
    town = cheated(deploy, tmp_path)
    town.until(town.is_rejected)
    for _ in range(looks):
        town.look()
    town.take_back(town.block_of(port.TaskSettled))
    assert not town.is_rejected()
    town.until(town.is_rejected)
    for _ in range(3):  # nor does its worker claim it again
        town.look()
    assert town.ends() == clean(cheated)


@pytest.mark.parametrize(
    ("back_to", "depth"),
    [
        (port.VerdictRevealed, 10),
        pytest.param(port.TaskClaimed, 100, marks=pytest.mark.long),
        pytest.param(port.JobCreated, KEEP_BLOCKS, marks=pytest.mark.long),
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


def test_a_job_that_is_lost_while_it_is_rendered_is_ordered_again_and_done(
    deploy: Deploy, tmp_path: Path, clean: Callable[[Story], Ends]
) -> None:
    town = plain(deploy, tmp_path)
    lost: list[int] = []

    def lose(frame: int, tile: Tile) -> None:
        if not lost and town.told(port.TaskClaimed):
            lost.append(town.take_back(town.block_of(port.JobCreated)))

    town.worker_renderer.on_render = lose
    town.until(town.is_paid)
    assert lost[0] >= 2
    assert town.ends() == clean(plain)
