"""Watching: bars that only ever go on, and a guess at the end that is honest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from tileproof.client.watch import LIFE, Pace, steps_done
from tileproof.domain.job import Address, Outcome, Task, TaskState

LEASE = 100


def task(number: int, state: TaskState, claimed_at: int = 0) -> Task:
    return Task(
        job_id=1,
        task=number,
        state=state,
        attempt=0,
        failures=0,
        worker=Address(7) if claimed_at else None,
        claim_block=1,
        lease_until=claimed_at + LEASE if claimed_at else 0,
        result=None,
        submit_block=0,
        round=0,
        seed_block=0,
        audit_seed=None,
        outcome=Outcome.UNDECIDED,
        seats=(),
        committed=(),
        revealed=(),
        window_ends_block=0,
    )


def watched(*looks: tuple[int, Sequence[Task]]) -> Pace:
    pace = Pace(LEASE)
    for timestamp, tasks in looks:
        pace.observe(tasks, timestamp)
    return pace


def test_no_guess_is_made_before_a_task_has_been_seen_to_end() -> None:
    tasks = [task(0, TaskState.CLAIMED, claimed_at=10), task(1, TaskState.OPEN)]
    pace = watched((20, tasks))
    assert pace.mean_seconds is None
    assert pace.seconds_left(tasks, 20) is None


def test_a_task_claimed_before_the_watch_began_counts_from_its_claim() -> None:
    pace = watched((50, [task(0, TaskState.COMMITTING, claimed_at=10)]), (70, [task(0, TaskState.PAID)]))
    assert pace.mean_seconds == 60


def test_tasks_paid_before_the_watch_began_say_nothing_about_the_pace() -> None:
    assert watched((50, [task(0, TaskState.PAID)])).mean_seconds is None


def test_what_is_left_is_the_present_round_and_the_rounds_after_it() -> None:
    before = [task(0, TaskState.CLAIMED, claimed_at=10), *(task(n, TaskState.OPEN) for n in range(1, 6))]
    now = [
        task(0, TaskState.PAID),
        task(1, TaskState.CLAIMED, claimed_at=70),
        task(2, TaskState.CLAIMED, claimed_at=70),
        *(task(n, TaskState.OPEN) for n in range(3, 6)),
    ]
    pace = watched((20, before), (70, now))
    # 60 s a task; two at work, just begun; three more wait, two at a time.
    assert pace.seconds_left(now, 70) == 60 + 2 * 60
    assert pace.seconds_left(now, 100) == 30 + 2 * 60


def test_a_rejected_attempt_does_not_count_as_a_task_done() -> None:
    pace = watched(
        (20, [task(0, TaskState.REVEALING, claimed_at=10)]),
        (90, [task(0, TaskState.OPEN)]),
        (100, [task(0, TaskState.CLAIMED, claimed_at=95)]),
        (125, [task(0, TaskState.PAID)]),
    )
    assert pace.mean_seconds == 30


def test_a_bar_fills_along_a_task_s_life_and_is_full_at_either_end() -> None:
    steps = [steps_done(task(0, state)) for state in LIFE]
    assert steps == sorted(steps)
    assert steps[0] == 0
    assert steps_done(replace(task(0, TaskState.CLOSED))) == steps[-1] == len(LIFE) - 1
    assert steps_done(task(0, TaskState.LAPSED)) == 0
