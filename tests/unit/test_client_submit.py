"""A job is paid for once, whatever dies when; what came to nothing leaves nothing behind."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import pytest
from tileproof.client.account import leave_seats, plan_exit, read_account, take_seat, withdraw
from tileproof.client.manage import cancel, own_job, plan_cancel, plan_retry, retry
from tileproof.client.plan import PicturePlan, SubmissionPlan, plan_pictures, plan_submission
from tileproof.client.request import Offer, PictureRequest
from tileproof.client.submit import Submitted, submit
from tileproof.domain.errors import ConfigError, InputError, LedgerRejected, ServiceError
from tileproof.domain.job import Appeal, Question, TaskState
from tileproof.domain.manifest import decode
from tileproof.domain.money import ZERO, parse_strk
from tileproof.ports.renderer import RenderReport

from ..fakes.journal import FakeJournal
from ..fakes.ledger import FakeLedger
from ..fakes.scene import FakeScenes
from .client_world import ME, WALLET, Killed, MortalStore, Town

OFFER = Offer(reward=parse_strk("2"), audit_fee=parse_strk("0.3"))
ESCROW = parse_strk("11.6")  # four tasks of 2 + 3 x 0.3


class Reporter:
    def report(self) -> RenderReport:
        return RenderReport("4.5.15 a1", "cpu-x86_64-avx2", "CPU", "none")


@dataclass
class Requester:
    tmp: Path
    town: Town = field(default_factory=Town)
    store: MortalStore = field(default_factory=MortalStore)
    journal: FakeJournal = field(default_factory=FakeJournal)

    @property
    def ledger(self) -> FakeLedger:
        return self.town.ledger

    def pictures(self, frames: str = "1-4") -> PicturePlan:
        blend = self.tmp / "film.blend"
        blend.write_bytes(b"BLENDER-v405")
        into = self.tmp / f"packed-{len(list(self.tmp.iterdir()))}"
        into.mkdir()
        scenes = FakeScenes().with_facts(frame_end=100)
        request = PictureRequest(blend, frames=frames, columns=2 if frames == "1-2" else 1)
        return plan_pictures(request, inspector=scenes, packer=scenes, renderer=Reporter(), into=into)  # type: ignore[arg-type]

    def plan(self, frames: str = "1-4") -> SubmissionPlan:
        return plan_submission(self.pictures(frames), OFFER, ledger=self.ledger)

    def submit(self, frames: str = "1-4") -> Submitted:
        plan = self.plan(frames)
        return submit(plan, ledger=self.ledger, store=self.store, journal=self.journal)

    def spent(self) -> str:
        return (WALLET - self.town.balances().wallet).strk()


@pytest.fixture
def me(tmp_path: Path) -> Requester:
    return Requester(tmp_path)


def test_planning_pins_nothing_and_spends_nothing(me: Requester) -> None:
    plan = me.plan()
    assert plan.escrow == ESCROW
    assert plan.task_count == 4
    assert plan.majority.chance >= 0.5
    assert (me.store.pinned, me.ledger.job_count(), me.journal.is_empty) == (set(), 0, True)


def test_a_requester_s_own_seats_are_not_counted_on(me: Requester) -> None:
    others = me.ledger.active_seats()
    take_seat(me.ledger)
    assert me.ledger.active_seats() == others + 1
    assert me.plan().active_seats == others


def test_a_job_pins_scene_and_manifest_and_escrows_the_planned_sum(me: Requester) -> None:
    done = me.submit()
    assert me.spent() == "11.6"
    assert me.store.pinned == {done.scene, done.manifest}
    block = me.store.blocks[done.manifest]
    assert isinstance(block, bytes)
    assert decode(block).scene == done.scene
    assert me.ledger.job(1).manifest == done.manifest


def test_the_same_command_twice_makes_two_jobs(me: Requester) -> None:
    assert (me.submit().job_id, me.submit().job_id) == (1, 2)


def test_a_refusal_costs_nothing_and_unpins_what_was_pinned(me: Requester) -> None:
    me.town.refuses("BAD_TERMS")
    with pytest.raises(LedgerRejected):
        me.submit()
    assert me.spent() == "0"
    assert me.store.pinned == set()
    assert me.journal.is_empty


def test_gas_above_the_cap_costs_nothing_and_unpins_what_was_pinned(me: Requester) -> None:
    def too_dear(*_: object) -> None:
        raise ConfigError("fees.above_cap", "too dear", remedy="wait")

    me.ledger.create_job = too_dear  # type: ignore[assignment, method-assign]
    with pytest.raises(ConfigError):
        me.submit()
    assert (me.store.pinned, me.journal.is_empty) == (set(), True)


def test_a_node_that_falls_silent_before_it_is_asked_for_a_job_leaves_no_pin(me: Requester) -> None:
    def silent(_: object) -> None:
        raise ServiceError("ledger.unreachable", "no answer", retryable=True)

    me.ledger.find_job = silent  # type: ignore[assignment, method-assign]
    with pytest.raises(ServiceError):
        me.submit()
    assert (me.store.pinned, me.journal.is_empty) == (set(), True)


def test_a_refusal_never_unpins_what_an_earlier_job_needs(me: Requester) -> None:
    done = me.submit()
    me.town.refuses("BAD_TERMS")
    with pytest.raises(LedgerRejected):
        me.submit()
    assert me.store.pinned == {done.scene, done.manifest}


def test_killed_after_the_money_left_the_next_run_finds_the_job_and_pays_nothing(me: Requester) -> None:
    me.town.dies_after("create_job")
    with pytest.raises(Killed):
        me.submit()
    me.town.heals()
    found = me.submit()
    assert (found.job_id, found.tx_hash) == (1, 0)
    assert me.spent() == "11.6"
    assert me.submit().job_id == 2, "a third call is a new wish"


def test_a_job_that_a_killed_run_paid_for_is_said_aloud_when_another_is_submitted(
    me: Requester, caplog: pytest.LogCaptureFixture
) -> None:
    me.town.dies_after("create_job")
    with pytest.raises(Killed):
        me.submit("1-3")
    me.town.heals()
    with caplog.at_level("WARNING", "tileproof.client"):
        assert me.submit("1-2").job_id == 2
    assert "job=1 is another" in caplog.text


def test_killed_before_the_money_left_the_next_run_pays_once(me: Requester) -> None:
    me.town.dies_before("create_job")
    with pytest.raises(Killed):
        me.submit()
    me.town.heals()
    assert me.submit().job_id == 1
    assert me.spent() == "11.6"


def test_killed_on_a_second_job_of_the_same_manifest_the_first_is_not_mistaken_for_it(me: Requester) -> None:
    me.submit()
    me.town.dies_before("create_job")
    with pytest.raises(Killed):
        me.submit()
    me.town.heals()
    assert me.submit().job_id == 2
    assert me.spent() == "23.2"


def test_pins_of_a_job_that_never_came_to_be_are_undone_by_the_next_submission(me: Requester) -> None:
    me.town.dies_before("create_job")
    with pytest.raises(Killed):
        me.submit("1-3")
    me.town.heals()
    done = me.submit("1-2")
    assert me.store.pinned == {done.scene, done.manifest}


def test_killed_while_pinning_nothing_was_spent_and_the_next_run_is_whole(me: Requester) -> None:
    me.store.die_at = "add_block"
    with pytest.raises(Killed):
        me.submit()
    assert me.spent() == "0"
    me.store.die_at = ""
    assert me.submit().job_id == 1


def test_cancelling_refunds_the_open_and_leaves_the_submitted_alone(me: Requester) -> None:
    me.submit()
    me.town.submit(1, 1)
    plan = plan_cancel(own_job(1, ledger=me.ledger))
    assert (plan.closes, plan.runs_on) == ((0, 2, 3), (1,))
    assert plan.refund.strk() == "8.7"
    assert cancel(1, ledger=me.ledger) == plan
    closed = TaskState.CLOSED
    assert me.town.states() == [closed, TaskState.SUBMITTED, closed, closed]
    assert me.town.balances().withdrawable == plan.refund


def test_a_task_under_appeal_runs_on_when_its_job_is_cancelled(me: Requester) -> None:
    me.submit()
    me.town.accept(1, 1)
    me.ledger.deposit(me.ledger.job(1).terms.appeal_bond)
    me.ledger.appeal(1, [Appeal(1, Question.NAMED_TILE)])
    assert me.town.states()[1] is TaskState.APPEALED
    assert plan_cancel(own_job(1, ledger=me.ledger)).runs_on == (1,)


def test_a_cancel_that_was_killed_half_way_can_be_repeated(me: Requester) -> None:
    me.submit("1-70")
    me.town.dies_after("close_job")
    with pytest.raises(Killed):
        cancel(1, ledger=me.ledger)
    assert TaskState.OPEN in me.town.states(), "one call closes no more than a batch"
    me.town.heals()
    cancel(1, ledger=me.ledger)
    assert set(me.town.states()) == {TaskState.CLOSED}


def test_only_the_requester_cancels(me: Requester) -> None:
    me.submit()
    with pytest.raises(InputError) as caught:
        cancel(1, ledger=me.town.worker)
    assert caught.value.code == "job.not_yours"


def leave_unpaid(me: Requester, *closed: int) -> None:
    """Every task of job 1 is paid, but those that were cancelled before anybody claimed them."""
    for task in range(4):
        if task not in closed:
            me.town.pay(1, task)
    cancel(1, ledger=me.ledger)


def test_a_retry_renders_again_exactly_the_frames_that_were_not_paid(me: Requester) -> None:
    first = me.submit()
    leave_unpaid(me, 2)
    plan = plan_retry(1, OFFER, ledger=me.ledger, store=me.store, timeout=1)
    assert [task.frames for task in plan.manifest.tasks] == [(3,)]
    assert plan.escrow.strk() == "2.9"
    done = retry(plan, OFFER, ledger=me.ledger, store=me.store, journal=me.journal, timeout=1)
    assert (done.job_id, done.scene) == (2, first.scene)
    with pytest.raises(InputError) as caught:
        plan_retry(1, OFFER, ledger=me.ledger, store=me.store, timeout=1)
    assert caught.value.code == "retry.already"


def test_a_frame_that_misses_one_region_is_rendered_whole_again_and_says_so(me: Requester) -> None:
    me.submit("1-2")
    leave_unpaid(me, 3)
    plan = plan_retry(1, OFFER, ledger=me.ledger, store=me.store, timeout=1)
    assert (plan.old_tasks, plan.beyond_asked) == ((2, 3), (2,))


def test_there_is_nothing_to_retry_while_all_is_paid_or_running(me: Requester) -> None:
    me.submit()
    with pytest.raises(InputError) as caught:
        plan_retry(1, OFFER, ledger=me.ledger, store=me.store, timeout=1)
    assert caught.value.code == "retry.nothing"


def test_a_seat_deposits_only_what_is_missing_of_its_bond(me: Requester) -> None:
    me.ledger.deposit(parse_strk("60"))
    slot = take_seat(me.ledger)
    assert me.ledger.seat(slot).owner == ME
    assert me.spent() == "64"
    assert me.town.balances().withdrawable == ZERO


def test_an_exit_leaves_first_and_collects_once_it_is_due(me: Requester) -> None:
    slot = take_seat(me.ledger)
    leaving = plan_exit(read_account(ME, ledger=me.ledger))
    assert (leaving.leave, leaving.collect) == ((slot,), ())
    leave_seats(leaving, ledger=me.ledger)
    me.town.chain.pass_blocks(me.ledger.bounds().seat_exit_blocks - 1)
    early = plan_exit(read_account(ME, ledger=me.ledger))
    assert (early.leave, early.collect) == ((), ())
    me.town.chain.pass_blocks(1)
    due = plan_exit(read_account(ME, ledger=me.ledger))
    leave_seats(due, ledger=me.ledger)
    assert withdraw(None, ledger=me.ledger) == parse_strk("64")
    assert me.spent() == "0"


def test_there_must_be_something_to_withdraw(me: Requester) -> None:
    with pytest.raises(InputError) as caught:
        withdraw(None, ledger=me.ledger)
    assert caught.value.code == "money.zero"
