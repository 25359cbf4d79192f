"""kill -9 at every step: nobody claims twice, nothing is lost, everyone is paid once."""

from __future__ import annotations

import psutil
import pytest
from tileproof.domain.job import TaskState
from tileproof.ports import ledger as port

from tests.e2e.ledgerbook import changes, snapshot
from tests.e2e.stage import VERIFIERS, Stage, wait_until

STRK = 10**18
REWARD, FEE = 1 * STRK, 3 * STRK // 10
pytestmark = [pytest.mark.devnet, pytest.mark.kubo, pytest.mark.blender, pytest.mark.sandbox]

STEPS = {
    "its claim is sent but unconfirmed": "sent what=claim",
    "it has claimed": "hop=4 claimed",
    "it has fetched": "hop=5 fetched",
    "it has rendered": "hop=6 rendered",
    "its result is pinned": "hop=7 delivered",
    "its submission is sent but unconfirmed": "sent what=submit",
    "its submission is confirmed": "hop=8 submitted",
}
"""When a worker is killed: the line that it has just logged."""
ONE_STEP = "its submission is sent but unconfirmed"
"""The step that `make test` tries: work, a pin and a transaction are at stake in it."""


@pytest.mark.parametrize(
    "steps",
    [pytest.param((ONE_STEP,), id="one"), pytest.param(tuple(STEPS), id="every", marks=pytest.mark.long)],
)
def test_a_worker_killed_at_a_step_claims_and_submits_each_task_once_and_is_paid(
    stage: Stage, steps: tuple[str, ...]
) -> None:
    """Each process finishes what the one before it left, begins another task, and dies at the
    next step."""
    stage.cast()
    with stage.reader() as ledger:
        before = snapshot(stage.network, ledger)
        job_id = stage.submit("plain", "--frames", f"1-{len(steps)}")
        for step in steps:
            stage.start_mortal("worker-a", at=STEPS[step], after="opened job=")
            stage.wait_for_death("worker-a")
            wait_until(lambda: not blenders(stage), 20, "a killed worker leaves a Blender running")
        stage.cast("worker-a", *VERIFIERS)
        stage.wait_for_tasks(ledger, job_id, seconds=300)
        events = ledger.events(job_id=job_id).events
        tasks = list(range(len(steps)))
        assert sorted(e.task for e in events if isinstance(e, port.TaskClaimed)) == tasks
        assert sorted(e.task for e in events if isinstance(e, port.ResultSubmitted)) == tasks
        moved = changes(stage.network, before, snapshot(stage.network, ledger))
        assert moved["worker-a"] == len(tasks) * REWARD
        assert moved["requester"] == -len(tasks) * (REWARD + FEE)
        assert "forfeited" not in moved


def test_a_verifier_killed_between_commit_and_reveal_reveals_when_it_is_back(stage: Stage) -> None:
    stage.cast("worker-a")
    stage.start_mortal(*VERIFIERS, at="hop=11 committed")
    with stage.reader() as ledger:
        before = snapshot(stage.network, ledger)
        job_id = stage.submit("plain", "--frames", "2")
        stage.wait_for_tasks(ledger, job_id, TaskState.REVEALING)
        (drawn,) = (e for e in ledger.events(job_id=job_id).events if isinstance(e, port.TaskDrawn))
        name = stage.seated_at(drawn.seats[0])
        stage.wait_for_death(name)
        stage.start(name)
        stage.wait_for_tasks(ledger, job_id)
        events = ledger.events(job_id=job_id).events
        assert sum(isinstance(e, port.VerdictCommitted) for e in events) == 1
        assert sum(isinstance(e, port.VerdictRevealed) for e in events) == 1
        moved = changes(stage.network, before, snapshot(stage.network, ledger))
        assert moved[name] == FEE
        assert moved["worker-a"] == REWARD


@pytest.mark.long
def test_a_lapsed_lease_costs_the_squatter_its_share_and_the_task_goes_to_another(stage: Stage) -> None:
    stage.cast(*VERIFIERS)
    job_id = stage.submit_under("plain", lease_seconds=120)
    with stage.acting_as("worker-b") as squatter:
        before = snapshot(stage.network, squatter)
        squatter.claim(job_id, [0])
        stage.network.devnet.increase_time(130)
        stage.wait_for_tasks(squatter, job_id, TaskState.LAPSED)
        stage.start("worker-a")
        stage.wait_for_tasks(squatter, job_id)
        moved = changes(stage.network, before, snapshot(stage.network, squatter))
        bond = squatter.job(job_id).terms.worker_bond.units
        share = bond * squatter.bounds().lapse_share_bps // 10_000
        assert moved["worker-b"] == -share
        assert moved["forfeited"] == share
        assert moved["worker-a"] == REWARD


def blenders(stage: Stage) -> list[str]:
    """Command lines of the Blenders that render for workers of this network."""
    found = []
    for process in psutil.process_iter(["cmdline", "status"]):
        line = " ".join(process.info["cmdline"] or ())
        if str(stage.network.folder / "state") in line and "serve.py" in line:
            found.append(line)
    return found
