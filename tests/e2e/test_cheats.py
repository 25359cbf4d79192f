"""Whoever cheats loses a bond, and the task is rendered again by somebody else."""

from __future__ import annotations

import hashlib
import re
from collections import Counter

import pytest
from tileproof.adapters.ipfs.kubo import KuboStore
from tileproof.adapters.starknet.ledger import StarknetLedger
from tileproof.domain.cid import Cid, Codec
from tileproof.domain.job import Outcome, TaskResult, TaskState, Verdict
from tileproof.ports import ledger as port

from tests.e2e.ledgerbook import Snapshot, changes, snapshot
from tests.e2e.stage import VERIFIERS, Stage

STRK = 10**18
REWARD, FEE = 1 * STRK, 3 * STRK // 10

pytestmark = [pytest.mark.devnet, pytest.mark.kubo, pytest.mark.blender, pytest.mark.sandbox]


def test_a_worker_who_renders_an_eighth_of_the_samples_is_slashed_and_the_task_rendered_again(
    stage: Stage,
) -> None:
    stage.cast(*VERIFIERS)
    stage.start_dressed("worker-b", entry="fewer_samples")
    with stage.reader() as ledger:
        before = snapshot(stage.network, ledger)
        job_id = stage.submit("plain", "--frames", "1", "--samples", "16")
        stage.wait_for_log("worker-b", f"hop=12 settled job={job_id} task=0 outcome=rejected", job_id)
        assert ledger.task(job_id, 0).failures == 1
        bond = ledger.job(job_id).terms.worker_bond.units
        stage.start("worker-a")
        stage.wait_for_tasks(ledger, job_id)
        moved = changes(stage.network, before, snapshot(stage.network, ledger))
        assert moved["worker-b"] == -bond
        assert moved["worker-a"] == REWARD
        assert moved["requester"] == -(REWARD + FEE)
        assert moved["forfeited"] == bond - FEE, "the cheat's own bond pays for the audit that caught it"
        revealed = [e for e in ledger.events(job_id=job_id).events if isinstance(e, port.VerdictRevealed)]
        assert [e.verdict for e in revealed] == [Verdict.REJECT, Verdict.ACCEPT]
        store, report = KuboStore(stage.network.nodes[0].api), stage.out / "rejected-report"
        store.fetch(revealed[0].evidence, report, max_bytes=64 << 20, timeout=60)
        store.close()
        told = stage.tileproof("requester", "verifier", "explain", str(job_id), "0", "--attempt", "0")
        assert told["likely_cause"] is not None
        assert told["differences"]
        honest = stage.tileproof("requester", "verifier", "explain", str(job_id), "0")
        assert not honest["differences"], "the newest submission is the one that was paid"
        replayed = stage.tileproof("requester", "verifier", "replay", str(revealed[0].evidence))
        assert (replayed["answer"], replayed["verdict"]) == ("equal", "Reject")
    page = (report / "report.html").read_text()
    assert "data:image/png" in page
    assert re.search("reject", page, re.IGNORECASE)


@pytest.mark.long
def test_a_seat_that_colludes_with_a_cheat_is_outvoted_and_slashed(seated: Stage) -> None:
    """Whoever has one place of the three lies: it renders as the cheat does, so it accepts."""
    stage = seated
    stage.clear()
    with stage.reader() as ledger:
        before, job_id, places = a_committee_of_several(stage, ledger)
        liar = min(places, key=lambda name: places[name])
        assert places.pop(liar) == 1
        stage.start_dressed(liar, entry="fewer_samples")
        stage.start(*set(VERIFIERS) - {liar})
        stage.wait_for_log("worker-b", f"hop=12 settled job={job_id} task=0 outcome=rejected", job_id)
        stage.tileproof("requester", "client", "cancel", str(job_id))
        bond = ledger.job(job_id).terms.worker_bond.units
        assert changes(stage.network, before, snapshot(stage.network, ledger)) == {
            "worker-b": -bond,
            liar: -4 * FEE,
            **{name: count * FEE for name, count in places.items()},
            "forfeited": bond - 2 * FEE + 4 * FEE,
        }, "a reject costs the requester nothing"


def a_committee_of_several(stage: Stage, ledger: StarknetLedger) -> tuple[Snapshot, int, Counter[str]]:
    """A job that the cheat has submitted and a committee of three was drawn for, before anybody
    judges; what everybody owned before, and who has how many places. Where all three fell to one
    account (one draw in 35), that one judges honestly and there is another job. A worker whose result
    was rejected claims nothing more until it is started again."""
    while True:
        stage.start_dressed("worker-b", entry="fewer_samples")
        before = snapshot(stage.network, ledger)
        job_id = stage.submit("plain", "--frames", "2", "--samples", "16", "--committee", "3")
        places = stage.wait_for_draw(ledger, job_id)
        if len(places) > 1:
            return before, job_id, places
        (alone,) = places
        stage.start(alone)
        stage.wait_for_tasks(ledger, job_id, TaskState.OPEN)
        stage.tileproof("requester", "client", "cancel", str(job_id))
        stage.clear()


@pytest.mark.long
def test_a_result_that_nobody_can_fetch_ends_unavailable(stage: Stage) -> None:
    stage.cast(*VERIFIERS)
    job_id = stage.submit_under("plain", commit_blocks=30, reveal_blocks=15)
    nobody_has_it = Cid(Codec.DAG_PB, hashlib.sha256(b"withheld").digest())
    with stage.acting_as("worker-b") as worker:
        before = snapshot(stage.network, worker)
        worker.claim(job_id, [0])
        worker.submit(job_id, [TaskResult(0, nobody_has_it)])
        stage.wait_for_tasks(worker, job_id, TaskState.OPEN)
        settled = [e for e in worker.events(job_id=job_id).events if isinstance(e, port.TaskSettled)]
        assert [e.outcome for e in settled] == [Outcome.UNAVAILABLE]
        moved = changes(stage.network, before, snapshot(stage.network, worker))
        bond = worker.job(job_id).terms.worker_bond.units
        assert moved.pop("worker-b") == -bond
        assert moved.pop("forfeited") == bond - FEE
        assert list(moved.values()) == [FEE], "and the seat that looked for it is paid"
    stage.tileproof("requester", "client", "cancel", str(job_id))
