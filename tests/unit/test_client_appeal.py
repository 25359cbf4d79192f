"""A requester contests one tile: what it asks, what it takes, and what is refused before it costs."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tileproof.client.appeal import AppealPlan, Pixel, parse_pixel, plan_appeal, raise_appeal
from tileproof.client.history import read_history
from tileproof.client.manage import own_job
from tileproof.client.status import JobStatus, has_accepted_result, may_be_contested, read_status
from tileproof.client.watch import LIFE, steps_done
from tileproof.domain.cid import Cid
from tileproof.domain.errors import InputError, LedgerRejected
from tileproof.domain.job import Outcome, Question, TaskState, Terms, Verdict
from tileproof.domain.manifest import Manifest, encode
from tileproof.domain.money import ZERO, Fri, parse_strk
from tileproof.domain.sampling import sample_tiles
from tileproof.domain.tiles import sample_grid
from tileproof.ports.ledger import AppealRaised

from .client_world import Killed, Town
from .test_client_plan import drafted, request

TERMS = Terms(
    reward=parse_strk("2"),
    audit_fee=parse_strk("0.3"),
    worker_bond=parse_strk("3"),
    committee_size=3,
    audit_rate_bps=10_000,
    lease_seconds=3600,
    commit_blocks=20,
    reveal_blocks=20,
    appeal_blocks=30,
    deadline=1_800_100_000,
)
BOND = parse_strk("2.1")  # (2 x 3 + 1) x 0.3


@dataclass
class Requester:
    """One who has a job of 64x48 px frames 1 to 3, two regions each, judged in tiles of 16 px."""

    manifest: Manifest
    terms: Terms = TERMS
    town: Town = field(default_factory=Town)

    def __post_init__(self) -> None:
        cid = Cid.of_raw_block(encode(self.manifest))
        self.town.ledger.create_job(cid, len(self.manifest.tasks), self.terms)

    @property
    def status(self) -> JobStatus:
        return own_job(1, ledger=self.town.ledger)

    def plan(self, task: int, where: Pixel | int) -> AppealPlan:
        return plan_appeal(self.status, task, where, self.manifest, ledger=self.town.ledger)

    def appeal(self, task: int, where: Pixel | int) -> None:
        raise_appeal(self.plan(task, where), ledger=self.town.ledger)

    def refused(self, task: int, where: Pixel | int) -> InputError:
        before = self.town.balances()
        with pytest.raises(InputError) as caught:
            self.plan(task, where)
        assert caught.value.remedy, "a refusal says what to do next"
        assert self.town.balances() == before
        return caught.value

    def raised(self) -> list[AppealRaised]:
        return [e for e in self.town.ledger.events(job_id=1).events if isinstance(e, AppealRaised)]

    def listed(self, task: int) -> tuple[object, ...]:
        seed = self.town.ledger.task(1, task).audit_seed
        assert seed is not None
        return sample_tiles(seed, self.manifest, task)


def drafted_manifest(tmp_path: Path, sample: int = 2) -> Manifest:
    manifest = drafted(tmp_path, request(frames="1-3", columns=2))
    return replace(manifest, audit=replace(manifest.audit, tile_px=16, sample_tiles=sample))


@pytest.fixture
def me(tmp_path: Path) -> Requester:
    requester = Requester(drafted_manifest(tmp_path))
    requester.town.accept(1, 0)
    return requester


UNSEEN = Pixel(1, 0, 0)


# --- which tile ---


def test_the_tile_that_holds_the_pixel_is_named_by_picture_and_place(me: Requester) -> None:
    spec = me.manifest.tasks[0]
    grid = sample_grid(spec.region, 16)
    for number, tile in enumerate(grid.tiles()):
        corners = ((tile.x0, tile.y0), (tile.x1 - 1, tile.y1 - 1))
        for plan in (me.plan(0, Pixel(spec.frames[0], x, y)) for x, y in corners):
            assert plan.shown.tile == tile
            if plan.shown in me.listed(0):
                assert plan.appeal.question is Question.LISTED_TILE
                assert me.listed(0)[plan.appeal.tile] == plan.shown
            else:
                assert (plan.appeal.question, plan.appeal.position, plan.appeal.tile) == (
                    Question.NAMED_TILE,
                    0,
                    number,
                )


def test_a_tile_that_was_judged_is_asked_by_its_index_so_that_who_accepted_it_answers(me: Requester) -> None:
    judged = sample_tiles(me.town.ledger.task(1, 0).audit_seed or 0, me.manifest, 0)[1]
    by_pixel = me.plan(0, Pixel(judged.frame, judged.tile.x0, judged.tile.y0))
    assert by_pixel == me.plan(0, 1)
    assert by_pixel.appeal.question is Question.LISTED_TILE


def test_in_a_task_of_several_frames_the_position_is_that_of_the_frame(tmp_path: Path) -> None:
    manifest = drafted(tmp_path, request(frames="1,5,9", frames_per_task=3))
    me = Requester(replace(manifest, audit=replace(manifest.audit, tile_px=16, sample_tiles=1)))
    me.town.accept(1, 0)
    listed = me.listed(0)
    plan = next(plan for x in (0, 16, 32) if (plan := me.plan(0, Pixel(5, x, 0))).shown not in listed)
    assert (plan.appeal.position, plan.shown.frame) == (1, 5)


def test_the_second_region_s_pixels_are_counted_from_the_frame_s_corner(me: Requester) -> None:
    me.town.accept(1, 1)
    region = me.manifest.tasks[1].region
    assert region.x0 == 32
    assert me.plan(1, Pixel(1, 40, 3)).shown.tile.contains(replace(region, x0=40, y0=3, x1=41, y1=4))


@given(st.integers(0, 10**9 - 1), st.integers(0, 10**6 - 1), st.integers(0, 10**6 - 1))
def test_a_pixel_is_read_as_it_is_written(frame: int, x: int, y: int) -> None:
    assert parse_pixel(str(Pixel(frame, x, y))) == Pixel(frame, x, y)


@pytest.mark.parametrize("text", ["", "12", "12:640", "12:640x360", "12:-1,0", "a:1,2", "1:2,3,4", "1.5:2,3"])
def test_what_is_no_pixel_is_refused(text: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_pixel(text)
    assert caught.value.code == "appeal.malformed"


# --- what is refused before it costs ---


def test_a_pixel_of_another_task_is_refused_and_the_task_that_has_it_named(me: Requester) -> None:
    error = me.refused(0, Pixel(1, 40, 3))
    assert (error.code, error.remedy) == ("appeal.outside_region", "it is of task 1")
    error = me.refused(0, Pixel(2, 0, 0))
    assert (error.code, error.remedy) == ("appeal.no_such_frame", "it is of task 2")


def test_a_pixel_that_no_task_has_is_refused(me: Requester) -> None:
    error = me.refused(0, Pixel(1, 64, 0))
    assert error.code == "appeal.outside_region"
    assert "64x48" in error.remedy
    assert me.refused(0, Pixel(99, 0, 0)).code == "appeal.no_such_frame"


def test_an_index_beyond_the_list_is_refused(me: Requester) -> None:
    assert me.plan(0, 1).appeal.tile == 1
    assert me.refused(0, 2).code == "appeal.no_such_tile"


def test_a_task_that_is_none_is_refused(me: Requester) -> None:
    assert me.refused(6, UNSEEN).code == "appeal.unknown_task"


def test_only_the_requester_s_own_job_is_contested(me: Requester) -> None:
    with pytest.raises(InputError) as caught:
        own_job(1, ledger=me.town.worker)
    assert caught.value.code == "job.not_yours"


def test_before_a_verdict_it_is_too_early(me: Requester) -> None:
    assert me.refused(1, 0).code == "appeal.too_early"
    me.town.submit(1, 1)
    assert me.refused(1, 0).code == "appeal.too_early"
    me.town.committee.draw(1, 1)
    assert me.refused(1, 0).code == "appeal.too_early"


def test_after_the_window_it_is_too_late(me: Requester) -> None:
    me.town.chain.pass_blocks(TERMS.appeal_blocks)
    assert me.status.tasks[0].state is TaskState.SETTLEABLE
    assert me.refused(0, UNSEEN).code == "appeal.too_late"
    me.town.committee.settle()
    assert me.refused(0, UNSEEN).code == "appeal.too_late"


@pytest.mark.parametrize("verdict", [Verdict.REJECT, Verdict.UNAVAILABLE])
def test_a_verdict_against_the_worker_is_the_worker_s_to_contest(me: Requester, verdict: Verdict) -> None:
    me.town.submit(1, 1)
    me.town.committee.vote(verdict, 1, 1)
    assert me.refused(1, 0).code == "appeal.not_against_you"


def test_one_verdict_takes_one_appeal(me: Requester) -> None:
    me.appeal(0, UNSEEN)
    assert me.refused(0, UNSEEN).code == "appeal.already"
    me.town.committee.draw(1, 0)
    assert me.refused(0, UNSEEN).code == "appeal.already"


def test_a_wallet_without_the_bond_is_told_so(me: Requester) -> None:
    held = me.town.balances().wallet
    me.town.ledger.deposit(held)
    me.town.ledger.withdraw(BOND - Fri(1))
    me.town.chain.books.withdrawable[me.town.ledger.account()] = 0
    assert me.refused(0, UNSEEN).code == "money.balance_too_small"


# --- what it takes ---


def test_a_plan_moves_nothing_and_says_bond_judges_and_window(me: Requester) -> None:
    before = me.town.balances()
    plan = me.plan(0, UNSEEN)
    assert (plan.bond, plan.missing, plan.committee_size) == (BOND, BOND, 7)
    assert plan.window_ends_block == plan.block + TERMS.appeal_blocks
    assert (me.town.balances(), me.raised()) == (before, [])


def test_only_what_is_missing_of_the_bond_is_deposited(me: Requester) -> None:
    me.town.ledger.deposit(parse_strk("2"))
    wallet = me.town.balances().wallet
    assert me.plan(0, UNSEEN).missing == parse_strk("0.1")
    me.appeal(0, UNSEEN)
    after = me.town.balances()
    assert (after.withdrawable, after.appeal_bonds) == (ZERO, BOND)
    assert wallet - after.wallet == parse_strk("0.1")


@pytest.mark.parametrize("moment", ["after deposit", "before appeal", "after appeal"])
def test_killed_at_any_step_the_same_command_appeals_once_and_deposits_once(
    me: Requester, moment: str
) -> None:
    when, call = moment.split()
    (me.town.dies_after if when == "after" else me.town.dies_before)(call)
    with pytest.raises(Killed):
        me.appeal(0, UNSEEN)
    me.town.heals()
    if call == "appeal" and when == "after":
        assert me.refused(0, UNSEEN).code == "appeal.already"
    else:
        me.appeal(0, UNSEEN)
    assert len(me.raised()) == 1
    balances = me.town.balances()
    assert (balances.withdrawable, balances.appeal_bonds) == (ZERO, BOND)


def test_what_was_deposited_for_a_refused_appeal_stays_withdrawable(me: Requester) -> None:
    plan = me.plan(0, UNSEEN)
    me.town.chain.pass_blocks(TERMS.appeal_blocks)
    with pytest.raises(LedgerRejected):
        raise_appeal(plan, ledger=me.town.ledger)
    assert me.town.balances().withdrawable == BOND


def test_an_appeal_that_is_won_returns_the_bond_and_opens_the_task_again(me: Requester) -> None:
    me.appeal(0, UNSEEN)
    me.town.committee.vote(Verdict.REJECT)
    me.town.committee.settle()
    assert me.town.balances().withdrawable == BOND
    assert me.status.tasks[0].state is TaskState.OPEN


def test_an_appeal_that_is_lost_takes_the_bond_and_pays_the_worker(me: Requester) -> None:
    me.appeal(0, UNSEEN)
    me.town.committee.vote(Verdict.ACCEPT)
    me.town.committee.settle()
    balances = me.town.balances()
    assert (balances.withdrawable, balances.appeal_bonds) == (ZERO, ZERO)
    assert me.status.tasks[0].state is TaskState.PAID


def test_a_task_that_was_not_drawn_is_contested_by_a_pixel_and_has_no_list(tmp_path: Path) -> None:
    me = Requester(
        drafted_manifest(tmp_path), replace(TERMS, audit_rate_bps=1000, worker_bond=parse_strk("18"))
    )
    spared = 0
    me.town.submit(1, spared)
    while me.town.committee.draw(1, spared).outcome is not Outcome.NOT_DRAWN:
        spared += 1
        me.town.submit(1, spared)
    spec = me.manifest.tasks[spared]
    assert me.refused(spared, 0).code == "appeal.no_list"
    plan = me.plan(spared, Pixel(spec.frames[0], spec.region.x0, 0))
    assert (plan.appeal.question, plan.against) == (Question.NAMED_TILE, Outcome.NOT_DRAWN)
    raise_appeal(plan, ledger=me.town.ledger)
    assert me.status.tasks[spared].state is TaskState.APPEALED


# --- what is shown of it ---


def test_the_history_tells_an_appeal_from_its_bond_to_its_end(me: Requester) -> None:
    me.appeal(0, 1)
    me.town.committee.vote(Verdict.REJECT)
    me.town.committee.settle()
    told = [entry.what for entry in read_history(1, ledger=me.town.ledger, task=0)]
    raised = next(
        at for at, what in enumerate(told) if " appeals against accepted under a bond of 2.1" in what
    )
    assert "the question is whether tile 1 of that round's list" in told[raised]
    assert told[raised + 1].startswith("appeal drawn, to be judged by seats ")
    said = [what for what in told if what.startswith("on the appeal, ")]
    assert len(said) == 7
    assert all(what.endswith("says reject (Tile 0)") for what in said)
    assert any(what == "settled: rejected; the appeal was won" for what in told)
    assert any(what.startswith("drawn for an audit, round 0") for what in told[:raised])


@pytest.mark.parametrize(
    ("verdict", "words"),
    [(Verdict.ACCEPT, "; the appeal was lost"), (Verdict.INCONCLUSIVE, "; the appeal had no majority")],
)
def test_the_history_tells_how_an_appeal_failed(me: Requester, verdict: Verdict, words: str) -> None:
    me.appeal(0, 1)
    me.town.committee.vote(verdict)
    me.town.committee.settle()
    told = [entry.what for entry in read_history(1, ledger=me.town.ledger, task=0)]
    assert any(what.startswith("settled: accepted, 2 STRK to ") and words in what for what in told)


def test_a_result_under_appeal_is_neither_contestable_nor_fetched_as_good(me: Requester) -> None:
    assert may_be_contested(me.status.tasks[0])
    assert has_accepted_result(me.status.tasks[0], provisional=True)
    me.appeal(0, UNSEEN)
    for drawn in (False, True):
        if drawn:
            me.town.committee.draw(1, 0)
        task = read_status(1, ledger=me.town.ledger).tasks[0]
        assert not may_be_contested(task)
        assert not has_accepted_result(task, provisional=True)
    me.town.committee.vote(Verdict.ACCEPT)
    settleable = read_status(1, ledger=me.town.ledger).tasks[0]
    assert settleable.state is TaskState.SETTLEABLE
    assert has_accepted_result(settleable, provisional=True)


def test_an_appeal_moves_a_task_s_bar_on_and_never_back(me: Requester) -> None:
    def filled() -> int:
        return steps_done(me.status.tasks[0])

    bars = [filled()]
    me.appeal(0, UNSEEN)
    bars.append(filled())
    me.town.committee.draw(1, 0)
    bars.append(filled())
    me.town.committee.vote(Verdict.ACCEPT)
    bars.append(filled())
    me.town.committee.settle()
    bars.append(filled())
    assert bars == sorted(bars)
    assert bars[-1] == len(LIFE) - 1
