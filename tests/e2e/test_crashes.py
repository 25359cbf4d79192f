"""kill -9 at every step: nobody claims twice, nothing is lost, everyone is paid once."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tileproof.domain.job import TaskState
from tileproof.ports import ledger as port

from tests.e2e.ledgerbook import changes, snapshot
from tests.e2e.stage import Stage

STRK = 10**18
REWARD, FEE = 1 * STRK, 3 * STRK // 10
HONEST_SEATS = ("verifier-a", "verifier-b", "verifier-c")

pytestmark = [pytest.mark.devnet, pytest.mark.kubo, pytest.mark.blender, pytest.mark.sandbox]


@pytest.mark.parametrize(
    ("when", "line"),
    [
        ("its claim is sent but unconfirmed", r"sent what=claim"),
        ("it has claimed", r"hop=4 claimed"),
        ("it has fetched", r"hop=5 fetched"),
        ("it has rendered", r"hop=6 rendered"),
        ("its result is pinned", r"hop=7 delivered"),
        ("its submission is sent but unconfirmed", r"sent what=submit"),
        ("its submission is confirmed", r"hop=8 submitted"),
    ],
)
def test_a_worker_killed_goes_on_where_it_was(quiet: Stage, when: str, line: str) -> None:
    stage = quiet
    for name in (*HONEST_SEATS, "verifier-d"):
        stage.start(name)
    worker = stage.start("worker-a")
    with stage.reader() as ledger:
        before = snapshot(stage.network, ledger)
        start = stage.log_size("worker-a")
        job_id = stage.submit("plain", "--frames", "1")
        stage.wait_for_log("worker-a", line, since=start)
        worker.kill()
        assert stage.network.roles["worker-a"].exit_status == -9
        stage.start("worker-a")
        stage.wait_for_tasks(ledger, job_id)
        events = ledger.events(job_id=job_id).events
        assert sum(isinstance(e, port.TaskClaimed) for e in events) == 1
        assert sum(isinstance(e, port.ResultSubmitted) for e in events) == 1
        moved = changes(stage.network, before, snapshot(stage.network, ledger))
        assert moved["worker-a"] == REWARD
        assert moved["requester"] == -(REWARD + FEE)


def test_a_verifier_killed_between_commit_and_reveal_reveals_when_it_is_back(quiet: Stage) -> None:
    stage = quiet
    seats = {name: stage.start(name) for name in (*HONEST_SEATS, "verifier-d")}
    stage.start("worker-a")
    with stage.reader() as ledger:
        before = snapshot(stage.network, ledger)
        job_id = stage.submit("plain", "--frames", "2")
        stage.wait_for_tasks(ledger, job_id, TaskState.REVEALING, TaskState.COMMITTING)
        drawn = next(e for e in ledger.events(job_id=job_id).events if isinstance(e, port.TaskDrawn))
        owner = ledger.seat(drawn.seats[0]).owner
        name = next(n for n, s in stage.network.signers.items() if s.address == owner)
        stage.wait_for_log(name, r"sent what=commit")
        seats[name].kill()
        stage.start(name)
        stage.wait_for_tasks(ledger, job_id)
        events = ledger.events(job_id=job_id).events
        assert sum(isinstance(e, port.VerdictCommitted) for e in events) == 1
        assert sum(isinstance(e, port.VerdictRevealed) for e in events) == 1
        moved = changes(stage.network, before, snapshot(stage.network, ledger))
        assert moved[name] == FEE


def test_a_lapsed_lease_costs_the_squatter_its_share_and_the_task_goes_to_another(quiet: Stage) -> None:
    stage = quiet
    for name in (*HONEST_SEATS, "verifier-d"):
        stage.start(name)
    model = stage.submit("plain", "--frames", "1")
    stage.tileproof("requester", "client", "pause", str(model))
    with stage.reader() as ledger:
        before = snapshot(stage.network, ledger)
        job = ledger.job(model)
    with stage.acting_as("requester") as requester:
        job_id, _ = requester.create_job(job.manifest, job.task_count, replace(job.terms, lease_seconds=120))
    with stage.acting_as("worker-b") as squatter:
        squatter.claim(job_id, [0])
        stage.network.devnet.increase_time(130)
        stage.wait_for_tasks(squatter, job_id, TaskState.LAPSED)
        stage.start("worker-a")
        stage.wait_for_tasks(squatter, job_id)
        moved = changes(stage.network, before, snapshot(stage.network, squatter))
        share = job.terms.worker_bond.units * squatter.bounds().lapse_share_bps // 10_000
        assert moved["worker-b"] == -share
        assert moved["forfeited"] == share
        assert moved["worker-a"] == REWARD
    stage.tileproof("requester", "client", "cancel", str(model))
