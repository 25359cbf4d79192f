"""A worker and a verdict against it: contested when its own bytes are right, and only then."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tileproof.domain.job import (
    Appeal,
    AppealOutcome,
    Ground,
    Lane,
    Outcome,
    Question,
    TaskState,
    Terms,
    Verdict,
)
from tileproof.domain.manifest import TaskSpec
from tileproof.domain.money import Fri
from tileproof.domain.sampling import sample_tiles
from tileproof.domain.tiles import Tile
from tileproof.ports.images import Pixels
from tileproof.ports.ledger import AppealRaised, TaskClaimed, TaskSettled
from tileproof.worker import plea

from .worker_world import BOND, REWARD, SETTINGS, SMALL, TERMS, World, manifest_of

FEE = TERMS.audit_fee.units
STAKE = TERMS.appeal_bond.units
OPEN_LONG = replace(TERMS, appeal_blocks=20)
ONE_CHECK = replace(SETTINGS, check_tiles=0)
"""Nothing is checked before it is submitted, so that a flaw of the machine gets out."""


def raised(world: World) -> list[AppealRaised]:
    return [event for event in world.sent(AppealRaised) if isinstance(event, AppealRaised)]


def settled(world: World) -> TaskSettled:
    event = world.sent(TaskSettled)[-1]
    assert isinstance(event, TaskSettled)
    return event


def submitted(tmp_path: Path, terms: Terms = OPEN_LONG) -> World:
    """A world in which an honest worker has submitted its result."""
    world = World()
    world.job(terms=terms)
    world.step(world.worker(tmp_path), 1)
    assert world.task().state is TaskState.SUBMITTED
    return world


def rejected_and_appealed(world: World, home: Path, second: Verdict) -> None:
    """A committee rejects the worker's result, another answers its appeal, and the worker sees the end."""
    worker = world.worker(home)
    world.vote(Verdict.REJECT)
    world.step(worker, 1)
    world.vote(second)
    world.settle()
    world.step(worker, 1)


def flawed(times: int) -> Callable[[int, Tile, Pixels], Pixels]:
    """A machine that spoils as many pictures and then is well again."""
    left = [times]

    def retouch(_frame: int, _tile: Tile, pixels: Pixels) -> Pixels:
        if left[0] > 0:
            left[0] -= 1
            return pixels[::-1].copy()
        return pixels

    return retouch


# --- a committee that lies ---


def test_a_lying_committee_is_appealed_with_the_tile_it_named_and_the_worker_gets_everything(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    world = submitted(tmp_path)
    before = world.own()
    worker = world.worker(tmp_path)
    world.vote(Verdict.REJECT, index=3)
    with caplog.at_level("INFO"):
        world.step(worker, 1)
        [appeal] = raised(world)
        assert (appeal.question, appeal.position, appeal.tile) == (Question.LISTED_TILE, 0, 3)
        assert (appeal.appellant, appeal.bond.units) == (world.ledger.account(), STAKE)
        world.vote(Verdict.ACCEPT)
        world.settle()
        world.step(worker, 1)
    assert settled(world).appeal is AppealOutcome.WON
    assert world.own() == before + REWARD.units
    line = (
        f"appealed job=1 task=0 question=ListedTile position=0 tile=3 bond={TERMS.appeal_bond.strk()} tx=0x"
    )
    assert any(message.startswith(line) for message in caplog.messages)
    assert "hop=12 settled job=1 task=0 paid=1 appeal=won" in caplog.messages


def test_the_tile_that_was_named_is_rendered_again_in_a_process_of_its_own(tmp_path: Path) -> None:
    world = submitted(tmp_path)
    sessions = world.renderer.sessions
    world.vote(Verdict.REJECT, index=2)
    seed = world.task().audit_seed
    assert seed is not None
    named = sample_tiles(seed, manifest_of(world.scene), 0)[2]
    world.step(world.worker(tmp_path), 1)
    assert world.renderer.rendered[-1] == (sessions + 1, named.frame, named.tile)
    assert world.renderer.open_sessions == 0


@pytest.mark.parametrize("ground", [Ground.MISSING, Ground.UNDECODABLE, Ground.WRONG_FORMAT])
def test_a_picture_that_is_there_and_whole_is_defended_by_its_position(
    tmp_path: Path, ground: Ground
) -> None:
    world = submitted(tmp_path)
    sessions = world.renderer.sessions
    world.vote(Verdict.REJECT, ground=ground, index=1)
    world.step(world.worker(tmp_path), 1)
    [appeal] = raised(world)
    assert (appeal.question, appeal.position, appeal.tile) == (Question.PICTURE, 1, 0)
    assert world.renderer.sessions == sessions, "nothing needed to be rendered"


@pytest.mark.parametrize("ground", [Ground.TILE, Ground.MISSING])
def test_what_does_not_exist_has_nothing_wrong_and_is_contested(tmp_path: Path, ground: Ground) -> None:
    world = submitted(tmp_path)
    world.vote(Verdict.REJECT, ground=ground, index=99)
    world.step(world.worker(tmp_path), 1)
    assert len(raised(world)) == 1


def test_bytes_that_are_served_are_defended_by_a_whole_audit(tmp_path: Path) -> None:
    world = submitted(tmp_path)
    world.vote(Verdict.UNAVAILABLE)
    world.step(world.worker(tmp_path), 1)
    [appeal] = raised(world)
    assert (appeal.question, appeal.position, appeal.tile) == (Question.WHOLE, 0, 0)


def test_a_pin_that_was_lost_is_put_back_before_the_worker_says_that_it_serves(tmp_path: Path) -> None:
    world = submitted(tmp_path)
    result = world.task().result
    assert result is not None
    world.store.unpin(result)
    world.store.unpin(world.scene)
    world.vote(Verdict.UNAVAILABLE)
    world.step(world.worker(tmp_path), 1)
    assert {result, world.scene} <= world.store.pinned
    assert len(raised(world)) == 1


def test_a_worker_serves_until_its_appeal_is_decided_and_deep(tmp_path: Path) -> None:
    world = submitted(tmp_path)
    worker = world.worker(tmp_path)
    served = {world.task().result, world.scene, world.ledger.job(1).manifest}
    world.vote(Verdict.REJECT)
    world.step(worker, 8)
    assert served <= world.store.pinned
    world.vote(Verdict.ACCEPT)
    world.step(worker, 8)
    assert world.task().state is TaskState.PAID, "it settles its own appeal"
    assert served <= world.store.pinned
    world.step(worker, SETTINGS.keep_blocks + 2)
    assert world.store.pinned == set()
    assert world.journal.all("claim") == {}


def test_nobody_else_draws_so_the_worker_draws_its_appeal(tmp_path: Path) -> None:
    world = submitted(tmp_path)
    world.vote(Verdict.REJECT)
    world.step(world.worker(tmp_path), 20)
    assert (world.task().state, world.task().round) == (TaskState.COMMITTING, 3)


def test_after_a_won_appeal_the_worker_goes_on_claiming(tmp_path: Path) -> None:
    world = submitted(tmp_path)
    worker = world.worker(tmp_path)
    world.vote(Verdict.REJECT)
    world.step(worker, 1)
    world.vote(Verdict.ACCEPT)
    world.step(worker, 8)
    second = world.job()
    world.step(worker, 1)
    assert world.sent(TaskClaimed, second)


def test_an_appeal_that_a_second_committee_of_liars_refuses_costs_both_bonds_and_says_so(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    world = submitted(tmp_path)
    before = world.own()
    with caplog.at_level("INFO"):
        rejected_and_appealed(world, tmp_path, Verdict.REJECT)
    assert world.own() == before - BOND.units - STAKE
    assert any("outcome=rejected appeal=lost: the bond is lost" in message for message in caplog.messages)


def test_an_appeal_without_majority_returns_its_bond_and_says_so(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    world = submitted(tmp_path)
    before = world.own()
    with caplog.at_level("INFO"):
        rejected_and_appealed(world, tmp_path, Verdict.INCONCLUSIVE)
    assert world.own() == before - BOND.units
    assert any("outcome=rejected appeal=undecided" in message for message in caplog.messages)


# --- a committee that is right ---


def test_a_machine_that_finds_its_own_tile_wrong_does_not_appeal(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    world = World()
    world.job(terms=OPEN_LONG)
    world.renderer.retouch = flawed(times=2)
    worker = world.worker(tmp_path, settings=ONE_CHECK)
    world.step(worker, 1)
    before = world.own()
    world.vote(Verdict.REJECT)
    with caplog.at_level("INFO"):
        world.step(worker, 5)
    assert raised(world) == []
    assert sum("not appealed job=1 task=0: tile" in message for message in caplog.messages) == 1
    rendered = len(world.renderer.rendered)
    world.step(world.worker(tmp_path, settings=ONE_CHECK), 2)
    assert len(world.renderer.rendered) == rendered, "nor does the next process look again"
    world.settle()
    world.step(worker, 1)
    assert world.own() == before - BOND.units, "the bond, and no more"


def test_a_picture_of_the_wrong_format_is_not_defended(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    world = World()
    world.job(terms=OPEN_LONG)
    world.renderer.lie = lambda settings: replace(settings, depth=16)
    worker = world.worker(tmp_path, settings=ONE_CHECK)
    world.step(worker, 1)
    world.vote(Verdict.REJECT, ground=Ground.WRONG_FORMAT)
    with caplog.at_level("INFO"):
        world.step(worker, 3)
    assert raised(world) == []
    assert any("not appealed" in line and "image.wrong_format" in line for line in caplog.messages)


def test_bytes_that_nobody_has_any_more_are_not_defended(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    world = submitted(tmp_path)
    result = world.task().result
    assert result is not None
    world.store.unpin(result)
    del world.store.blocks[result]
    picture = tmp_path / "claims" / "1-0-0" / "result" / "0001.png"
    picture.unlink()
    world.vote(Verdict.UNAVAILABLE)
    with caplog.at_level("INFO"):
        world.step(world.worker(tmp_path, settings=replace(SETTINGS, fetch_seconds=2.0)), 2)
    assert raised(world) == []
    assert any("not appealed" in line and "content.not_found" in line for line in caplog.messages)


# --- what keeps a worker from appealing ---


def test_a_worker_that_is_told_not_to_appeal_does_not_and_says_so(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    world = submitted(tmp_path)
    rendered = len(world.renderer.rendered)
    world.vote(Verdict.REJECT)
    with caplog.at_level("INFO"):
        world.step(world.worker(tmp_path, settings=replace(SETTINGS, appeal=False)), 3)
    assert raised(world) == []
    assert len(world.renderer.rendered) == rendered
    assert sum("not appealed" in line and "turned off" in line for line in caplog.messages) == 1


def test_an_appeal_bond_that_is_not_withdrawable_is_said_once_and_awaited(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    world = submitted(tmp_path)
    world.ledger.withdraw(world.ledger.balances(world.ledger.account()).withdrawable)
    world.ledger.deposit(Fri(STAKE - 1))
    world.vote(Verdict.REJECT)
    worker = world.worker(tmp_path)
    rendered = len(world.renderer.rendered)
    with caplog.at_level("INFO"):
        world.step(worker, 4)
    assert raised(world) == []
    said = [line for line in caplog.messages if "not appealed yet" in line]
    assert len(said) == 1
    assert f"`tileproof account bond {Fri(1).strk()}`" in said[0]
    world.ledger.deposit(Fri(1))
    world.step(worker, 1)
    assert len(raised(world)) == 1
    assert len(world.renderer.rendered) == rendered + 1, "it was checked once"


def test_a_machine_that_cannot_check_itself_does_not_bet_and_a_restarted_one_tries_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    world = submitted(tmp_path)
    world.vote(Verdict.REJECT)
    world.renderer.fails_with = "machine.memory"
    with caplog.at_level("INFO"):
        world.step(world.worker(tmp_path), 3)
    assert raised(world) == []
    assert sum("machine.memory" in line for line in caplog.messages) == 1
    world.renderer.fails_with = None
    world.step(world.worker(tmp_path), 1)
    assert len(raised(world)) == 1


def test_a_window_that_closes_before_the_appeal_is_sent_is_no_error(tmp_path: Path) -> None:
    world = submitted(tmp_path)
    world.vote(Verdict.REJECT)

    def too_late(name: str) -> None:
        if name == "appeal":
            world.chain.pass_blocks(OPEN_LONG.appeal_blocks)

    world.ledger.before = too_late
    world.step(world.worker(tmp_path), 10)
    assert raised(world) == []
    assert settled(world).outcome is Outcome.REJECTED


def test_a_verdict_is_contested_between_two_frames_of_a_long_task(tmp_path: Path) -> None:
    world = submitted(tmp_path)
    frames = tuple(range(1, 41))
    world.job(manifest_of(world.scene, [TaskSpec(frames, SMALL.full_frame)]), terms=OPEN_LONG)
    contested_by: list[int] = []

    def a_block_for_each_picture(frame: int, _tile: Tile) -> None:
        if frame == 2 and world.task().state is TaskState.SUBMITTED:
            world.vote(Verdict.REJECT)
        world.clock.wait(1.0)
        if raised(world):
            contested_by.append(frame)

    world.renderer.on_render = a_block_for_each_picture
    world.step(world.worker(tmp_path), 1)
    assert world.task(2).state is TaskState.SUBMITTED
    assert contested_by[0] == 3
    assert len(raised(world)) == 1


# --- the requester's appeal ---


def test_a_worker_whose_accepted_result_is_contested_serves_on_and_says_so(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    world = submitted(tmp_path)
    before = world.own()
    worker = world.worker(tmp_path)
    world.vote(Verdict.ACCEPT)
    theirs = world.requester
    theirs.deposit(Fri(STAKE))
    theirs.appeal(1, [Appeal(0, Question.NAMED_TILE, 1, 2)])
    with caplog.at_level("INFO"):
        world.step(worker, 3)
        assert world.task().result in world.store.pinned
        world.vote(Verdict.ACCEPT)
        world.step(worker, 8)
    assert sum(line.startswith("contested job=1 task=0 by=0x") for line in caplog.messages) == 1
    assert "hop=12 settled job=1 task=0 paid=1 appeal=lost" in caplog.messages
    assert world.own() == before + REWARD.units


# --- the rules ---


@given(
    reward=st.integers(1, 10**6),
    fee=st.integers(1, 10**6),
    size=st.sampled_from([1, 3, 5, 7]),
    more=st.integers(0, 10**6),
    outcome=st.sampled_from([Outcome.REJECTED, Outcome.UNAVAILABLE]),
)
def test_in_the_exact_lane_an_appeal_against_a_wrong_verdict_pays_at_even_odds(
    reward: int, fee: int, size: int, more: int, outcome: Outcome
) -> None:
    """Terms bind the worker's bond to at least (3n + 1) fees, and the appeal takes 2n + 1."""
    bond = Fri((3 * size + 1) * fee + more)
    terms = replace(TERMS, reward=Fri(reward), audit_fee=Fri(fee), committee_size=size, worker_bond=bond)
    never = outcome is Outcome.UNAVAILABLE and reward + more <= fee
    assert (plea.why_not(terms, outcome) is None) == (not never)


def test_in_the_hash_lane_a_reject_takes_little_and_is_contested_for_a_reward_that_is_worth_it() -> None:
    terms = replace(TERMS, lane=Lane.HASH, audit_fee=Fri(10), committee_size=3)
    # Winning brings the reward and the two fees that a majority is paid from the bond; it takes 70.
    assert plea.why_not(replace(terms, reward=Fri(51)), Outcome.REJECTED) is None
    assert "winning would bring" in (plea.why_not(replace(terms, reward=Fri(50)), Outcome.REJECTED) or "")


def test_only_a_provisional_verdict_against_it_is_a_worker_s_to_contest(tmp_path: Path) -> None:
    world = submitted(tmp_path)
    world.vote(Verdict.REJECT)
    rejected = world.task()
    assert plea.answer_to(rejected) is not None
    for outcome in (Outcome.ACCEPTED, Outcome.NOT_DRAWN, Outcome.NO_VERDICT, Outcome.UNDECIDED):
        assert plea.answer_to(replace(rejected, outcome=outcome)) is None
    for state in set(TaskState) - {TaskState.PROVISIONAL}:
        assert plea.answer_to(replace(rejected, state=state)) is None
    world.step(world.worker(tmp_path), 1)
    appealed = world.task()
    assert appealed.appeal is not None
    assert plea.answer_to(replace(appealed, state=TaskState.PROVISIONAL)) is None
