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
from tileproof.domain.job import TaskState
from tileproof.domain.manifest import decode
from tileproof.domain.money import ZERO, parse_strk
from tileproof.ports.renderer import RenderReport

from ..fakes.journal import FakeJournal
from ..fakes.scene import FakeScenes
from .client_world import ME, Killed, Ledger, MortalStore, task_in

OFFER = Offer(reward=parse_strk("2"), audit_fee=parse_strk("0.3"))
ESCROW = parse_strk("11.6")  # four tasks of 2 + 3 x 0.3


class Reporter:
    def report(self) -> RenderReport:
        return RenderReport("4.5.15 a1", "cpu-x86_64-avx2", "CPU", "none")


@dataclass
class Requester:
    tmp: Path
    ledger: Ledger = field(default_factory=Ledger)
    store: MortalStore = field(default_factory=MortalStore)
    journal: FakeJournal = field(default_factory=FakeJournal)

    def pictures(self, frames: str = "1-4") -> PicturePlan:
        blend = self.tmp / "film.blend"
        blend.write_bytes(b"BLENDER-v405")
        into = self.tmp / f"packed-{len(list(self.tmp.iterdir()))}"
        into.mkdir()
        scenes = FakeScenes()
        request = PictureRequest(blend, frames=frames, columns=2 if frames == "1-2" else 1)
        return plan_pictures(request, inspector=scenes, packer=scenes, renderer=Reporter(), into=into)  # type: ignore[arg-type]

    def plan(self, frames: str = "1-4") -> SubmissionPlan:
        return plan_submission(self.pictures(frames), OFFER, ledger=self.ledger)  # type: ignore[arg-type]

    def submit(self, frames: str = "1-4") -> Submitted:
        plan = self.plan(frames)
        return submit(plan, ledger=self.ledger, store=self.store, journal=self.journal)  # type: ignore[arg-type]

    def spent(self) -> str:
        return (parse_strk("1000") - self.ledger.wallet).strk()


@pytest.fixture
def me(tmp_path: Path) -> Requester:
    return Requester(tmp_path)


def test_planning_pins_nothing_and_spends_nothing(me: Requester) -> None:
    plan = me.plan()
    assert plan.escrow == ESCROW
    assert plan.task_count == 4
    assert plan.majority.chance >= 0.5
    assert (me.store.pinned, me.ledger.jobs, me.journal.is_empty) == (set(), [], True)


def test_a_requester_s_own_seats_are_not_counted_on(me: Requester) -> None:
    me.ledger.withdrawable = parse_strk("64")
    take_seat(me.ledger)  # type: ignore[arg-type]
    assert me.ledger.active_seats() == 5
    assert me.plan().active_seats == 4


def test_a_job_pins_scene_and_manifest_and_escrows_the_planned_sum(me: Requester) -> None:
    done = me.submit()
    assert me.spent() == "11.6"
    assert me.store.pinned == {done.scene, done.manifest}
    block = me.store.blocks[done.manifest]
    assert isinstance(block, bytes)
    assert decode(block).scene == done.scene
    assert me.ledger.jobs[0].manifest == done.manifest


def test_the_same_command_twice_makes_two_jobs(me: Requester) -> None:
    assert (me.submit().job_id, me.submit().job_id) == (1, 2)


def test_a_refusal_costs_nothing_and_unpins_what_was_pinned(me: Requester) -> None:
    me.ledger.refuse = "BAD_TERMS"
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
    me.ledger.refuse = "BAD_TERMS"
    with pytest.raises(LedgerRejected):
        me.submit()
    assert me.store.pinned == {done.scene, done.manifest}


def test_killed_after_the_money_left_the_next_run_finds_the_job_and_pays_nothing(me: Requester) -> None:
    me.ledger.die_at = "create_job"
    with pytest.raises(Killed):
        me.submit()
    me.ledger.die_at = ""
    found = me.submit()
    assert (found.job_id, found.tx_hash) == (1, 0)
    assert me.spent() == "11.6"
    assert me.submit().job_id == 2, "a third call is a new wish"


def test_a_job_that_a_killed_run_paid_for_is_said_aloud_when_another_is_submitted(
    me: Requester, caplog: pytest.LogCaptureFixture
) -> None:
    me.ledger.die_at = "create_job"
    with pytest.raises(Killed):
        me.submit("1-3")
    me.ledger.die_at = ""
    with caplog.at_level("WARNING", "tileproof.client"):
        assert me.submit("1-2").job_id == 2
    assert "job=1 is another" in caplog.text


def test_killed_before_the_money_left_the_next_run_pays_once(me: Requester) -> None:
    me.ledger.die_before = "create_job"
    with pytest.raises(Killed):
        me.submit()
    me.ledger.die_before = ""
    assert me.submit().job_id == 1
    assert me.spent() == "11.6"


def test_killed_on_a_second_job_of_the_same_manifest_the_first_is_not_mistaken_for_it(me: Requester) -> None:
    me.submit()
    me.ledger.die_before = "create_job"
    with pytest.raises(Killed):
        me.submit()
    me.ledger.die_before = ""
    assert me.submit().job_id == 2
    assert me.spent() == "23.2"


def test_pins_of_a_job_that_never_came_to_be_are_undone_by_the_next_submission(me: Requester) -> None:
    me.ledger.die_before = "create_job"
    with pytest.raises(Killed):
        me.submit("1-3")
    me.ledger.die_before = ""
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
    tasks = me.ledger.states[1]
    tasks[1] = task_in(TaskState.SUBMITTED, 1, 1)
    plan = plan_cancel(own_job(1, ledger=me.ledger))  # type: ignore[arg-type]
    assert (plan.closes, plan.runs_on) == ((0, 2, 3), (1,))
    assert plan.refund.strk() == "8.7"
    assert cancel(1, ledger=me.ledger) == plan  # type: ignore[arg-type]
    states = [task.state for task in me.ledger.states[1]]
    assert states == [TaskState.CLOSED, TaskState.SUBMITTED, TaskState.CLOSED, TaskState.CLOSED]


def test_a_cancel_that_was_killed_half_way_can_be_repeated(me: Requester) -> None:
    me.submit()
    me.ledger.die_at = "close_job"
    with pytest.raises(Killed):
        cancel(1, ledger=me.ledger)  # type: ignore[arg-type]
    me.ledger.die_at = ""
    cancel(1, ledger=me.ledger)  # type: ignore[arg-type]
    assert {task.state for task in me.ledger.states[1]} == {TaskState.CLOSED}


def test_only_the_requester_cancels(me: Requester) -> None:
    me.submit()
    me.ledger.account = lambda: type(ME)(1)  # type: ignore[method-assign]
    with pytest.raises(InputError) as caught:
        cancel(1, ledger=me.ledger)  # type: ignore[arg-type]
    assert caught.value.code == "job.not_yours"


def test_a_retry_renders_again_exactly_the_frames_that_were_not_paid(me: Requester) -> None:
    first = me.submit()
    me.ledger.states[1] = [task_in(TaskState.CLOSED if n == 2 else TaskState.PAID, 1, n) for n in range(4)]
    plan = plan_retry(1, OFFER, ledger=me.ledger, store=me.store, timeout=1)  # type: ignore[arg-type]
    assert [task.frames for task in plan.manifest.tasks] == [(3,)]
    assert plan.escrow.strk() == "2.9"
    done = retry(plan, OFFER, ledger=me.ledger, store=me.store, journal=me.journal, timeout=1)  # type: ignore[arg-type]
    assert (done.job_id, done.scene) == (2, first.scene)
    with pytest.raises(InputError) as caught:
        plan_retry(1, OFFER, ledger=me.ledger, store=me.store, timeout=1)  # type: ignore[arg-type]
    assert caught.value.code == "retry.already"


def test_a_frame_that_misses_one_region_is_rendered_whole_again_and_says_so(me: Requester) -> None:
    me.submit("1-2")
    me.ledger.states[1] = [task_in(TaskState.CLOSED if n == 3 else TaskState.PAID, 1, n) for n in range(4)]
    plan = plan_retry(1, OFFER, ledger=me.ledger, store=me.store, timeout=1)  # type: ignore[arg-type]
    assert (plan.old_tasks, plan.beyond_asked) == ((2, 3), (2,))


def test_there_is_nothing_to_retry_while_all_is_paid_or_running(me: Requester) -> None:
    me.submit()
    with pytest.raises(InputError) as caught:
        plan_retry(1, OFFER, ledger=me.ledger, store=me.store, timeout=1)  # type: ignore[arg-type]
    assert caught.value.code == "retry.nothing"


def test_a_seat_deposits_only_what_is_missing_of_its_bond(me: Requester) -> None:
    me.ledger.withdrawable = parse_strk("60")
    assert take_seat(me.ledger) == 0  # type: ignore[arg-type]
    assert me.spent() == "4"
    assert me.ledger.withdrawable == ZERO


def test_an_exit_leaves_first_and_collects_once_it_is_due(me: Requester) -> None:
    take_seat(me.ledger)  # type: ignore[arg-type]
    me.ledger.block = 100
    view = read_account(ME, ledger=me.ledger)  # type: ignore[arg-type]
    leaving = plan_exit(view)
    assert (leaving.leave, leaving.collect) == ((0,), ())
    leave_seats(leaving, ledger=me.ledger)  # type: ignore[arg-type]
    me.ledger.block = 149
    early = plan_exit(read_account(ME, ledger=me.ledger))  # type: ignore[arg-type]
    assert (early.leave, early.collect) == ((), ())
    me.ledger.block = 150
    due = plan_exit(read_account(ME, ledger=me.ledger))  # type: ignore[arg-type]
    leave_seats(due, ledger=me.ledger)  # type: ignore[arg-type]
    assert withdraw(None, ledger=me.ledger) == parse_strk("64")  # type: ignore[arg-type]
    assert me.spent() == "0"


def test_there_must_be_something_to_withdraw(me: Requester) -> None:
    with pytest.raises(InputError) as caught:
        withdraw(None, ledger=me.ledger)  # type: ignore[arg-type]
    assert caught.value.code == "money.zero"
