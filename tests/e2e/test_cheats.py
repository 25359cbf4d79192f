"""Whoever cheats loses a bond, and the task is rendered again by somebody else."""

from __future__ import annotations

import hashlib
import re
from dataclasses import replace

import pytest
from tileproof.domain.cid import Cid, Codec
from tileproof.domain.job import Outcome, TaskResult, TaskState, Terms
from tileproof.ports import ledger as port

from tests.e2e.ledgerbook import changes, snapshot
from tests.e2e.stage import Stage

STRK = 10**18
REWARD, FEE = 1 * STRK, 3 * STRK // 10

pytestmark = [pytest.mark.devnet, pytest.mark.kubo, pytest.mark.blender, pytest.mark.sandbox]


def test_a_worker_who_renders_an_eighth_of_the_samples_is_slashed_and_the_task_rendered_again(
    quiet: Stage,
) -> None:
    stage = quiet
    for name in stage.network.shape.verifiers:
        stage.start(name)
    stage.start_dressed("worker-b", "fewer_samples")
    with stage.reader() as ledger:
        before = snapshot(stage.network, ledger)
        job_id = stage.submit("plain", "--frames", "1", "--samples", "16")
        stage.wait_for_log("worker-b", f"hop=12 settled job={job_id} task=0 outcome=rejected")
        assert ledger.task(job_id, 0).failures == 1
        bond = ledger.job(job_id).terms.worker_bond.units
        stage.start("worker-a")
        stage.wait_for_tasks(ledger, job_id)
        moved = changes(stage.network, before, snapshot(stage.network, ledger))
        assert moved["worker-b"] == -bond
        assert moved["worker-a"] == REWARD
        assert moved["requester"] == -(REWARD + FEE)
        assert moved["forfeited"] == bond - FEE, "the cheat's own bond pays for the audit that caught it"
        rejected = next(e for e in ledger.events(job_id=job_id).events if isinstance(e, port.VerdictRevealed))
    report = stage.out / "rejected-report"
    stage_fetch(stage, rejected.evidence, report)
    page = (report / "report.html").read_text()
    assert "data:image/png" in page
    assert re.search("reject", page, re.IGNORECASE)


def test_a_seat_that_colludes_with_a_cheat_is_outvoted_and_slashed(quiet: Stage) -> None:
    """Committee of three out of three: the liar renders as the cheat does, so it accepts."""
    stage = quiet
    with stage.acting_as("verifier-d") as ledger:
        (seat,) = ledger.seats_of(ledger.account())
        ledger.leave_seat(seat.slot)
    for name in ("verifier-a", "verifier-b"):
        stage.start(name)
    stage.start_dressed("verifier-c", "fewer_samples")
    stage.start_dressed("worker-b", "fewer_samples")
    with stage.reader() as ledger:
        before = snapshot(stage.network, ledger)
        job_id = stage.submit("plain", "--frames", "2", "--samples", "16", "--committee", "3")
        stage.wait_for_log("worker-b", f"hop=12 settled job={job_id} task=0 outcome=rejected")
        stage.tileproof("requester", "client", "cancel", str(job_id))
        bond = ledger.job(job_id).terms.worker_bond.units
        moved = changes(stage.network, before, snapshot(stage.network, ledger))
        assert moved["worker-b"] == -bond
        assert moved["verifier-c"] == -4 * FEE
        assert moved["verifier-a"] == moved["verifier-b"] == FEE
        assert "requester" not in moved, "a reject costs the requester nothing"
        assert moved["forfeited"] == bond - 2 * FEE + 4 * FEE


def test_a_result_that_nobody_can_fetch_ends_unavailable(quiet: Stage) -> None:
    stage = quiet
    for name in ("verifier-a", "verifier-b", "verifier-c"):
        stage.start(name)
    model = stage.submit("plain", "--frames", "1")
    with stage.reader() as ledger:
        job = ledger.job(model)
    terms: Terms = replace(job.terms, commit_blocks=30, reveal_blocks=15)
    with stage.acting_as("requester") as requester:
        job_id, _ = requester.create_job(job.manifest, job.task_count, terms)
    nobody_has_it = Cid(Codec.DAG_PB, hashlib.sha256(b"withheld").digest())
    with stage.acting_as("worker-b") as worker:
        worker.claim(job_id, [0])
        worker.submit(job_id, [TaskResult(0, nobody_has_it)])
        stage.wait_for_tasks(worker, job_id, TaskState.OPEN)
        settled = [e for e in worker.events(job_id=job_id).events if isinstance(e, port.TaskSettled)]
        assert [e.outcome for e in settled] == [Outcome.UNAVAILABLE]
        assert settled[0].paid_to_worker.units == 0
    stage.tileproof("requester", "client", "cancel", str(job_id))
    stage.tileproof("requester", "client", "cancel", str(model))


def stage_fetch(stage: Stage, cid: Cid, target: object) -> None:
    from pathlib import Path

    from tileproof.adapters.ipfs.kubo import KuboStore

    store = KuboStore(stage.network.nodes[0].api)
    try:
        store.fetch(cid, Path(str(target)), max_bytes=64 << 20, timeout=60)
    finally:
        store.close()
