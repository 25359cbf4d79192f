"""Verifiers in the round of an appeal: what is asked is judged, and nothing else."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from tileproof.domain.errors import ServiceError
from tileproof.domain.job import APPEAL_ROUND, AppealOutcome, Ground, Outcome, Question, TaskState, Verdict
from tileproof.domain.sampling import SampleTile, sample_tiles
from tileproof.domain.tiles import sample_grid
from tileproof.ports.ledger import AppealRaised, SeatSlashed, TaskDrawn, TaskSettled, VerdictRevealed
from tileproof.verifier.loop import Verifier
from tileproof.verifier.subject import subject_from_history, subject_of_round

from .verifier_world import IMPATIENT, ME, SMALL, World, empty, honest, patched, png, spoiled
from .worker_world import Fate

GRID = sample_grid(SMALL.full_frame, 16)
HIDDEN = 7
"""The tile of frame 2 that a worker paints over."""


def cheated(mine: int) -> World:
    return World(spoiled(2, patched(2, GRID.tile(HIDDEN))), mine=mine)


def misses(world: World) -> Callable[[int, tuple[int, ...]], bool]:
    """Draws whose list holds no tile that was painted over."""
    painted = SampleTile(2, GRID.tile(HIDDEN))
    return lambda seed, seats: painted not in sample_tiles(seed, world.manifest, 0)


def fleet(world: World, home: Path) -> list[Verifier]:
    """A verifier for every seat."""
    return [world.verifier(home / str(slot), owner) for slot, owner in enumerate(world.owners)]


def judged(world: World, home: Path) -> list[VerdictRevealed]:
    """What the places of the verifier under test say in the appeal's round."""
    verifier = world.verifier(home)
    world.until(TaskState.SETTLEABLE, verifier)
    return [said for said in world.revealed(APPEAL_ROUND).values() if said.verifier == ME]


def report_of(world: World, said: VerdictRevealed) -> dict[str, object]:
    told = json.loads(world.store.files(said.evidence)["report.json"])
    assert isinstance(told, dict)
    return told


# --- whole stories, with a verifier for every seat ---


def test_a_worker_who_cheats_outside_the_sample_loses_its_bond_over_the_tile_that_the_requester_names(
    tmp_path: Path,
) -> None:
    world = cheated(mine=1)
    world.submit(misses(world))
    verifiers = fleet(world, tmp_path)
    world.until(TaskState.PROVISIONAL, *verifiers)
    assert world.task().outcome is Outcome.ACCEPTED
    world.appeal(world.requester, Question.NAMED_TILE, 1, HIDDEN, own=lambda places: True)
    world.until(TaskState.OPEN, *verifiers)
    said = world.revealed(APPEAL_ROUND)
    assert [(s.verdict, s.ground, s.index) for s in said.values()] == [(Verdict.REJECT, Ground.TILE, 0)] * 3
    [settled] = world.told(TaskSettled)
    assert (settled.outcome, settled.appeal) == (Outcome.REJECTED, AppealOutcome.WON)
    assert world.told(SeatSlashed) == []  # its own list held no bad tile


def test_an_honest_worker_is_paid_whatever_tile_the_requester_names(tmp_path: Path) -> None:
    world = World(mine=1)
    world.submit()
    verifiers = fleet(world, tmp_path)
    world.until(TaskState.PROVISIONAL, *verifiers)
    world.appeal(world.requester, Question.NAMED_TILE, 1, HIDDEN, own=lambda places: True)
    world.until(TaskState.PAID, *verifiers)
    assert [said.verdict for said in world.revealed(APPEAL_ROUND).values()] == [Verdict.ACCEPT] * 3
    [settled] = world.told(TaskSettled)
    assert (settled.outcome, settled.appeal) == (Outcome.ACCEPTED, AppealOutcome.LOST)


def test_a_seat_that_rejects_right_work_is_found_out_by_the_tile_it_named(tmp_path: Path) -> None:
    world = World(mine=0)
    world.provisional(Verdict.REJECT, Ground.TILE, 3)
    [liar] = world.task().seats
    world.appeal(world.worker, Question.LISTED_TILE, tile=3, own=lambda places: True)
    world.until(TaskState.PAID, *fleet(world, tmp_path))
    [settled] = world.told(TaskSettled)
    assert (settled.outcome, settled.appeal) == (Outcome.ACCEPTED, AppealOutcome.WON)
    assert [slashed.slot for slashed in world.told(SeatSlashed)] == [liar]


# --- one tile ---


def test_a_listed_tile_is_that_one_of_the_appealed_rounds_list(tmp_path: Path) -> None:
    world = World(mine=5)
    world.provisional(Verdict.REJECT, Ground.TILE, 3)
    first = world.task().audit_seed
    world.appeal(world.worker, Question.LISTED_TILE, tile=3)
    assert {said.verdict for said in judged(world, tmp_path)} == {Verdict.ACCEPT}
    assert first is not None
    asked = sample_tiles(first, world.manifest, 0)[3]
    assert world.renderer.rendered == [(1, asked.frame, asked.tile)]


def test_a_tile_that_differs_is_rejected_after_two_renders_by_fresh_processes(tmp_path: Path) -> None:
    world = cheated(mine=5)
    world.provisional(Verdict.ACCEPT)
    world.appeal(world.requester, Question.NAMED_TILE, 1, HIDDEN)
    said = judged(world, tmp_path)
    assert {(s.verdict, s.ground, s.index) for s in said} == {(Verdict.REJECT, Ground.TILE, 0)}
    assert world.renderer.rendered == [(session, 2, GRID.tile(HIDDEN)) for session in (1, 2, 3)]


def test_a_listed_tile_that_differs_is_rejected_as_number_nought_of_a_list_of_one(tmp_path: Path) -> None:
    world = World(spoiled(2, png(255 - honest(2))), mine=5)
    world.draw(lambda seed, seats: world.owners[seats[0]] != ME)
    seed = world.task().audit_seed
    assert seed is not None
    listed = sample_tiles(seed, world.manifest, 0)
    at = next(at for at, sample in enumerate(listed) if sample.frame == 2 and at > 0)
    for act in world.say(0, Verdict.REJECT, Ground.TILE, at):
        act()
    world.appeal(world.worker, Question.LISTED_TILE, tile=at)
    said = judged(world, tmp_path)
    assert {(s.verdict, s.ground, s.index) for s in said} == {(Verdict.REJECT, Ground.TILE, 0)}


def test_what_else_is_wrong_is_not_asked(tmp_path: Path) -> None:
    """Another tile is painted over and another picture is missing."""
    world = World(spoiled(2, patched(2, GRID.tile(HIDDEN)), frames=(2, 3)), mine=5, frames=(1, 2, 3))
    world.provisional(Verdict.ACCEPT)
    world.appeal(world.requester, Question.NAMED_TILE, 1, HIDDEN + 1)
    assert {said.verdict for said in judged(world, tmp_path)} == {Verdict.ACCEPT}


def test_a_tile_of_a_picture_that_is_not_there_is_not_as_the_scene_renders(tmp_path: Path) -> None:
    world = World(spoiled(2, None), mine=5)
    world.provisional(Verdict.ACCEPT)
    world.appeal(world.requester, Question.NAMED_TILE, 1, 0)
    said = judged(world, tmp_path)
    assert {(s.verdict, s.ground, s.index) for s in said} == {(Verdict.REJECT, Ground.MISSING, 1)}
    assert world.renderer.sessions == 0


@pytest.mark.parametrize(("position", "tile"), [(2, 0), (0, len(GRID)), (2**32 - 1, 2**32 - 1)])
def test_a_named_tile_that_does_not_exist_has_nothing_wrong(position: int, tile: int, tmp_path: Path) -> None:
    world = cheated(mine=5)
    world.provisional(Verdict.ACCEPT)
    world.appeal(world.requester, Question.NAMED_TILE, position, tile)
    said = judged(world, tmp_path)
    assert {s.verdict for s in said} == {Verdict.ACCEPT}
    assert "no such picture or tile" in str(report_of(world, said[0])["reason"])


def test_a_listed_tile_that_does_not_exist_has_nothing_wrong(tmp_path: Path) -> None:
    world = World(mine=5)
    world.provisional(Verdict.REJECT, Ground.TILE, 8)
    world.appeal(world.worker, Question.LISTED_TILE, tile=8)
    assert {said.verdict for said in judged(world, tmp_path)} == {Verdict.ACCEPT}
    assert world.renderer.sessions == 0


# --- a picture, and the whole ---


@pytest.mark.parametrize(
    ("spoil", "ground"),
    [
        (None, Ground.MISSING),
        (b"no picture", Ground.UNDECODABLE),
        (png(honest(2)[:-1]), Ground.WRONG_FORMAT),
        (b"\0" * 8_000_000, Ground.WRONG_FORMAT),  # the result itself is larger than any honest one
    ],
)
def test_a_picture_is_rejected_for_what_is_wrong_with_it(
    spoil: bytes | None, ground: Ground, tmp_path: Path
) -> None:
    world = World(spoiled(2, spoil), mine=5)
    world.provisional(Verdict.REJECT, Ground.UNDECODABLE, 1)
    world.appeal(world.worker, Question.PICTURE, 1)
    said = judged(world, tmp_path)
    assert {(s.verdict, s.ground, s.index) for s in said} == {(Verdict.REJECT, ground, 1)}


@pytest.mark.parametrize("position", [0, 1, 2])
def test_a_picture_that_is_as_agreed_or_beyond_the_tasks_is_accepted_whatever_it_shows(
    position: int, tmp_path: Path
) -> None:
    world = cheated(mine=5)
    world.renderer.device_class = "cpu-arm64"  # looking at a file takes no device
    world.provisional(Verdict.REJECT, Ground.MISSING, position)
    world.appeal(world.worker, Question.PICTURE, position)
    assert {said.verdict for said in judged(world, tmp_path)} == {Verdict.ACCEPT}
    assert world.renderer.sessions == 0


def test_the_whole_is_audited_on_a_list_that_the_first_committee_did_not_know(tmp_path: Path) -> None:
    world = World(mine=5)
    world.provisional(Verdict.UNAVAILABLE)
    first = world.task().audit_seed
    world.appeal(world.worker, Question.WHOLE)
    said = judged(world, tmp_path)
    assert {s.verdict for s in said} == {Verdict.ACCEPT}
    seed = world.task().audit_seed
    assert seed is not None
    assert seed != first
    fresh = sample_tiles(seed, world.manifest, 0)
    assert sorted(tile for _, *tile in world.renderer.rendered) == sorted([s.frame, s.tile] for s in fresh)


# --- no judgement ---


def test_bytes_withheld_from_the_appeals_committee_are_unavailable(tmp_path: Path) -> None:
    world = World(mine=5)
    world.provisional(Verdict.REJECT, Ground.TILE, 3)
    world.appeal(world.worker, Question.LISTED_TILE, tile=3)
    world.store.withheld.add(world.result)
    assert {said.verdict for said in judged(world, tmp_path)} == {Verdict.UNAVAILABLE}


def test_a_machine_that_cannot_judge_the_tile_says_so_and_blames_nobody(tmp_path: Path) -> None:
    world = cheated(mine=5)
    world.renderer.device_class = "cpu-arm64"
    world.provisional(Verdict.ACCEPT)
    world.appeal(world.requester, Question.NAMED_TILE, 1, HIDDEN)
    assert {said.verdict for said in judged(world, tmp_path)} == {Verdict.INCONCLUSIVE}


def test_a_tile_that_renders_differently_each_time_blames_nobody(tmp_path: Path) -> None:
    world = cheated(mine=5)
    world.renderer.drift = True
    world.provisional(Verdict.ACCEPT)
    world.appeal(world.requester, Question.NAMED_TILE, 1, HIDDEN)
    assert {said.verdict for said in judged(world, tmp_path)} == {Verdict.INCONCLUSIVE}


# --- the loop ---


def test_an_appeal_waits_for_its_seed_and_is_then_drawn(tmp_path: Path) -> None:
    world = World(mine=5)
    world.provisional(Verdict.ACCEPT)
    world.appeal(world.requester, Question.NAMED_TILE, 1, HIDDEN)
    verifier = world.verifier(tmp_path)
    while world.task().state is TaskState.APPEALED:
        world.step(verifier, looks=1)
        assert world.me.calls == []
    assert world.task().state is TaskState.DRAWABLE
    world.until(TaskState.COMMITTING, verifier)
    assert world.me.calls == ["draw"]
    assert [drawn.round for drawn in world.told(TaskDrawn)] == [0, APPEAL_ROUND]


def test_who_judged_first_stays_away_and_settles_all_the_same(tmp_path: Path) -> None:
    world = World(mine=1)
    world.submit(lambda seed, seats: seats == (0,))
    me = world.verifier(tmp_path)
    world.until(TaskState.PROVISIONAL, me)
    world.appeal(world.requester, Question.NAMED_TILE, 1, HIDDEN, own=lambda places: places == 0)
    world.until(TaskState.PAID, me)
    assert world.me.calls == ["draw", "commit", "reveal", "draw", "settle"]


def test_every_own_place_has_a_salt_of_its_own_and_says_the_same_after_one_audit(tmp_path: Path) -> None:
    world = cheated(mine=8)
    world.provisional(Verdict.ACCEPT)
    world.appeal(world.requester, Question.NAMED_TILE, 1, HIDDEN, own=lambda places: places == 3)
    said = judged(world, tmp_path)
    assert [s.seat for s in said] == [0, 1, 2]
    assert len({s.evidence for s in said}) == 1
    assert world.renderer.sessions == 3
    votes = world.journal.all("vote").values()
    assert len({vote["salt"] for vote in votes}) == len({vote["commitment"] for vote in votes}) == 3
    assert world.me.calls.count("commit") == world.me.calls.count("reveal") == 1  # one transaction for all


def test_a_report_of_the_appealed_round_stays_pinned_until_the_appeal_is_over(tmp_path: Path) -> None:
    world = World(mine=1)
    world.submit(lambda seed, seats: seats == (0,))
    settings = replace(IMPATIENT, keep_reports_blocks=2)
    me = world.verifier(tmp_path, settings=settings)
    world.until(TaskState.PROVISIONAL, me)
    evidence = world.revealed()[0].evidence
    world.appeal(world.requester, Question.NAMED_TILE, 1, HIDDEN, own=lambda places: places == 0)
    world.until(TaskState.SETTLEABLE, me)
    assert evidence in world.store.pins()
    world.until(TaskState.PAID, me)
    world.step(me, looks=5)
    assert evidence not in world.store.pins()


@pytest.mark.slow
def test_killed_before_any_call_of_an_appeals_round_no_place_says_two_things(tmp_path: Path) -> None:
    calls = an_appeal(tmp_path / "unharmed", Fate())
    for name in ("FakeLedger.draw", "FakeLedger.commit", "FakeLedger.reveal", "FakeStore.add_directory"):
        assert name in calls, "a round has the steps that matter"
    for last in range(len(calls)):
        an_appeal(tmp_path / str(last), Fate(last))


def an_appeal(home: Path, fate: Fate) -> list[str]:
    """The round from its draw until its reports are dropped, by a verifier with three places that
    is run again when it is killed; what it called."""
    world = cheated(mine=8)
    world.provisional(Verdict.ACCEPT)
    world.appeal(world.requester, Question.NAMED_TILE, 1, HIDDEN, own=lambda places: places == 3)
    world.until(TaskState.DRAWABLE)
    settings = replace(IMPATIENT, keep_reports_blocks=2, stagger_seconds=1.0)
    what = world.until_unpinned(home, settings, fate, looks=80)
    said = [s for s in world.told(VerdictRevealed) if s.verifier == ME]
    assert [(s.round, s.verdict, s.index) for s in said] == [(APPEAL_ROUND, Verdict.REJECT, 0)] * 3, what
    assert len({s.evidence for s in said}) == 1, what
    assert len(world.committed()) == 1 + 3, what
    assert world.told(TaskSettled)[0].outcome is Outcome.REJECTED, what
    assert world.store.pins() == frozenset(), what
    assert empty(home / "reports"), what
    return fate.calls


# --- who asks, and what the report says ---


def test_the_report_says_who_appealed_against_what_and_about_which_tile(tmp_path: Path) -> None:
    world = cheated(mine=5)
    world.provisional(Verdict.ACCEPT)
    world.appeal(world.requester, Question.NAMED_TILE, 1, HIDDEN)
    said = judged(world, tmp_path)[0]
    told = report_of(world, said)
    asked = told["appeal"]
    assert isinstance(asked, dict)
    assert asked["appellant"] == str(world.requester.account())
    assert (asked["against"], asked["question"]) == ("Accepted", "NamedTile")
    assert (asked["position"], asked["tile"], asked["first_round"]) == (1, HIDDEN, 0)
    page = world.store.files(said.evidence)["report.html"].decode()
    assert f"The requester {world.requester.account()} appealed against the accept of round 1." in page
    assert f"whether tile {HIDDEN} of the picture at position 1 of the task" in page
    assert "(frame 2) is as the scene renders" in page
    assert "What such an audit finds" not in page  # nothing was sampled


def test_an_audit_by_hand_asks_what_the_appeal_asks_now_and_when_all_is_over(tmp_path: Path) -> None:
    world = cheated(mine=5)
    world.provisional(Verdict.ACCEPT)
    first = subject_from_history(world.ledger, 1, 0)
    world.appeal(world.requester, Question.NAMED_TILE, 1, HIDDEN, own=lambda places: places >= 2)
    assert subject_from_history(world.ledger, 1, 0) == first  # not drawn yet: the first round's audit
    me = world.verifier(tmp_path)
    world.until(TaskState.COMMITTING, me)
    drawn = subject_of_round(world.ledger, world.job(), world.task())
    assert drawn.appeal is not None
    assert drawn.appeal.first_seed == first.seed.seed
    assert subject_from_history(world.ledger, 1, 0) == drawn
    world.until(TaskState.OPEN, me)
    assert world.task().appeal is None
    assert subject_from_history(world.ledger, 1, 0) == drawn
    assert len(world.told(AppealRaised)) == 1
    assert subject_from_history(world.ledger, 1, 0, seed=5).appeal is None


@pytest.mark.parametrize("lie", ["first_seed", "nothing asked"])
def test_a_node_that_lies_about_what_was_appealed_chooses_no_tile(lie: str) -> None:
    world = World(mine=5)
    world.provisional(Verdict.REJECT, Ground.TILE, 3)
    world.appeal(world.worker, Question.LISTED_TILE, tile=3)
    world.until(TaskState.DRAWABLE)
    world.requester.draw(1, [0])
    task = world.task()
    assert task.appeal is not None
    assert task.appeal.first_seed is not None
    other = replace(task.appeal, first_seed=task.appeal.first_seed + 1) if lie == "first_seed" else None
    with pytest.raises(ServiceError) as refused:
        subject_of_round(world.ledger, world.job(), replace(task, appeal=other))
    assert refused.value.code in ("ledger.seed_mismatch", "ledger.no_appeal")
