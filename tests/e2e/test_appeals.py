"""An appeal puts right what one committee got wrong: against honest work, and in favour of a cheat."""

from __future__ import annotations

from collections import Counter

import pytest
from tileproof.adapters.starknet.ledger import StarknetLedger
from tileproof.domain.job import APPEAL_ROUND, AppealOutcome, Outcome, Question, TaskState
from tileproof.ports import ledger as port

from tests.e2e.ledgerbook import Snapshot, changes, snapshot
from tests.e2e.stage import VERIFIERS, Stage

STRK = 10**18
REWARD, FEE = 1 * STRK, 3 * STRK // 10
OF_A_COMMITTEE_OF_ONE = 3
"""Places in the larger committee that an appeal calls."""

pytestmark = [
    pytest.mark.long,
    pytest.mark.devnet,
    pytest.mark.kubo,
    pytest.mark.blender,
    pytest.mark.sandbox,
]


def test_an_honest_result_that_a_lying_committee_rejected_is_won_back_by_its_worker(seated: Stage) -> None:
    stage = seated
    stage.cast("worker-a")
    with stage.reader() as ledger:
        before = snapshot(stage.network, ledger)
        job_id = stage.submit("plain", "--frames", "1", "--samples", "16")
        (liar,) = stage.wait_for_draw(ledger, job_id)
        stage.start_dressed(liar, entry="fewer_samples")
        stage.start(*set(VERIFIERS) - {liar})

        appeal = stage.wait_for_appeal(ledger, job_id)
        assert appeal.appellant == stage.network.address("worker-a")
        assert (appeal.against, appeal.question) == (Outcome.REJECTED, Question.LISTED_TILE)
        stage.wait_for_tasks(ledger, job_id)
        stage.wait_for_log("worker-a", f"hop=12 settled job={job_id} task=0 paid=1 appeal=won", job_id)

        judges = places(stage, ledger, job_id, attempt=0, round_=APPEAL_ROUND)
        assert judges.total() == OF_A_COMMITTEE_OF_ONE
        assert liar not in judges, "nobody judges a verdict of their own"
        assert settled(ledger, job_id) == [(Outcome.ACCEPTED, AppealOutcome.WON)]
        assert changes(stage.network, before, snapshot(stage.network, ledger)) == {
            "worker-a": REWARD,
            "requester": -REWARD,
            liar: -4 * FEE,
            **{name: count * FEE for name, count in judges.items()},
            "forfeited": FEE,
        }, "the liar pays for the appeal, and the audit that misled costs the requester nothing"


def test_a_cheat_beside_the_sample_is_caught_by_the_requester_who_names_a_tile(stage: Stage) -> None:
    """The worker paints over the middle of the frame, and the audit looks at one tile elsewhere."""
    stage.cast(*VERIFIERS)
    with stage.reader() as ledger:
        before, job_id = accepted_although_patched(stage, ledger)
        bond = ledger.job(job_id).terms.worker_bond.units
        held = stage.tileproof("requester", "client", "appeal", str(job_id), "0", "--tile", "1:32,18")
        assert held["sent"] is True
        assert stage.wait_for_appeal(ledger, job_id).question is Question.NAMED_TILE
        stage.wait_for_log("worker-b", f"hop=12 settled job={job_id} task=0 outcome=rejected", job_id)
        judges = places(stage, ledger, job_id, attempt=0, round_=APPEAL_ROUND)
        assert judges.total() == OF_A_COMMITTEE_OF_ONE

        stage.start("worker-a")
        stage.wait_for_tasks(ledger, job_id)
        judges += places(stage, ledger, job_id, attempt=1, round_=0)
        assert settled(ledger, job_id) == [
            (Outcome.REJECTED, AppealOutcome.WON),
            (Outcome.ACCEPTED, AppealOutcome.NONE),
        ]
        assert changes(stage.network, before, snapshot(stage.network, ledger)) == {
            "worker-b": -bond,
            "worker-a": REWARD,
            "requester": -(REWARD + FEE),
            **{name: count * FEE for name, count in judges.items()},
            "forfeited": bond - OF_A_COMMITTEE_OF_ONE * FEE,
        }, "the cheat pays for the appeal; who accepted what it was shown is neither paid nor slashed"


def accepted_although_patched(stage: Stage, ledger: StarknetLedger) -> tuple[Snapshot, int]:
    """What everybody owned before a job, and the job, whose one sample tile missed the patch. Where
    it did not (one draw in six), the cheat is caught at once, and there is another job. A worker whose
    result was rejected claims nothing more until it is started again."""
    while True:
        stage.start_dressed("worker-b", entry="one_tile_patched")
        before = snapshot(stage.network, ledger)
        job_id = stage.submit_under("plain", "--tile", "16", "--sample-tiles", "1", appeal_blocks=120)
        (task,) = stage.wait_for_tasks(ledger, job_id, TaskState.PROVISIONAL)
        if task.outcome is Outcome.ACCEPTED:
            return before, job_id
        stage.wait_for_tasks(ledger, job_id, TaskState.OPEN)
        stage.tileproof("requester", "client", "cancel", str(job_id))
        stage.stop("worker-b")


def places(stage: Stage, ledger: StarknetLedger, job_id: int, *, attempt: int, round_: int) -> Counter[str]:
    """Who was drawn for this round of a job's one task, each with their places."""
    events = ledger.events(job_id=job_id).events
    (drawn,) = (
        e for e in events if isinstance(e, port.TaskDrawn) and (e.attempt, e.round) == (attempt, round_)
    )
    return Counter(stage.seated_at(slot) for slot in drawn.seats)


def settled(ledger: StarknetLedger, job_id: int) -> list[tuple[Outcome, AppealOutcome]]:
    """What each attempt at a job's one task came to."""
    events = ledger.events(job_id=job_id).events
    return [(e.outcome, e.appeal) for e in events if isinstance(e, port.TaskSettled)]
