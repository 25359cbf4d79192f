"""The walk of one job, hop by hop, with real processes on a real chain, real IPFS, real Blender."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tileproof.adapters.blender.renderer import BlenderRenderer
from tileproof.adapters.ipfs.kubo import KuboStore
from tileproof.domain import manifest as manifests
from tileproof.domain.job import TaskState
from tileproof.domain.manifest import Manifest
from tileproof.ports import ledger as port
from tileproof.ports.renderer import Limits

from tests.e2e.ledgerbook import changes, snapshot
from tests.e2e.stage import VERIFIERS, Stage

STRK = 10**18
REWARD, FEE = 1 * STRK, 3 * STRK // 10
LIMITS = Limits(wall_seconds=120, memory_bytes=4 << 30, output_bytes=1 << 30, threads=2)

pytestmark = [pytest.mark.devnet, pytest.mark.kubo, pytest.mark.blender, pytest.mark.sandbox]


def manifest_of(stage: Stage, job_id: int) -> Manifest:
    store = KuboStore(stage.network.nodes[0].api)
    try:
        with stage.reader() as ledger:
            block = store.read_block(ledger.job(job_id).manifest, max_bytes=1 << 20, timeout=30)
        return manifests.decode(block)
    finally:
        store.close()


def hops_in(text: str, of_task: str = "") -> list[int]:
    """The hops that were logged, in order."""
    return [int(hop) for hop in re.findall(rf"\bhop=(\d+) \w+{of_task}", text)]


def log_of(stage: Stage, name: str) -> str:
    return stage.network.log(name).read_text()


def plain_render(
    renderer: BlenderRenderer, blend: Path, manifest: Manifest, frame: int, room: Path
) -> np.ndarray:
    """One frame in one process, whole, as anyone would render it with these settings."""
    room.mkdir()
    with renderer.open(blend, manifest.settings, room, LIMITS) as session:
        path = session.render(frame, manifest.settings.full_frame).path
        if manifest.settings.has_passes:
            path = session.finish(frame, path).path
    return np.asarray(Image.open(path))


def assert_the_roles_logs_are_merged(stage: Stage, job_id: int) -> None:
    """Asserts that ``client logs JOB --all`` has the hops of every role under task and attempt."""
    told = stage.tileproof("requester", "client", "logs", str(job_id), "--all", "--task", "1")
    assert told["unreadable"] == 0
    lines = told["lines"]
    assert isinstance(lines, list)
    assert {line["role"] for line in lines} == {"worker", "verifier"}
    of_task = [line for line in lines if "task" in line]
    assert {(line["job"], line["task"], line["attempt"]) for line in of_task} == {(job_id, 1, 0)}
    assert [line["time"] for line in of_task] == sorted(line["time"] for line in of_task)
    assert {line["fields"].get("hop") for line in of_task} >= set(range(4, 13))
    sent = {line["transaction"] for line in lines if line["logger"] == "tileproof.adapters.sender"}
    assert sent >= {line["transaction"] for line in lines if line["fields"].get("hop") in (4, 8, 11)}


def test_one_job_walks_all_hops_and_every_coin_adds_up(
    stage: Stage, renderer: BlenderRenderer, tmp_path: Path
) -> None:
    stage.cast("worker-a", *VERIFIERS)
    with stage.reader() as ledger:
        before = snapshot(stage.network, ledger)
        job_id = stage.submit("plain", "--frames", "1-2")
        assert hops_in(stage.said) == [1, 2, 3]
        stage.wait_for_tasks(ledger, job_id)
        for task in (0, 1):
            stage.wait_for_log("worker-a", f"hop=12 settled job={job_id} task={task}", job_id)
        after = snapshot(stage.network, ledger)
        page = ledger.events(before.block, job_id=job_id)

        moved = changes(stage.network, before, after)
        assert moved.pop("requester") == -2 * (REWARD + FEE)
        assert moved.pop("worker-a") == 2 * REWARD
        assert sum(moved.values()) == 2 * FEE
        assert set(moved) <= set(VERIFIERS)
        job = ledger.job(job_id)
        assert (job.paid, job.refunded) == (2, 0)

    order = (
        port.TaskClaimed,
        port.ResultSubmitted,
        port.TaskDrawn,
        port.VerdictCommitted,
        port.VerdictRevealed,
        port.TaskSettled,
    )
    for task in (0, 1):
        events = [e for e in page.events if isinstance(e, port.TaskEvent) and e.task == task]
        assert tuple(type(event) for event in events) == order
        (drawn,) = (event for event in events if isinstance(event, port.TaskDrawn))
        of_task = rf"(?: .*)? job={job_id} task={task}\b"
        assert hops_in(log_of(stage, "worker-a"), of_task) == [4, 5, 6, 7, 8, 12]
        assert hops_in(log_of(stage, stage.seated_at(drawn.seats[0])), of_task)[:4] == [9, 10, 11, 11]

    folder = stage.fetch(job_id, "walk")
    assert hops_in(stage.said) == [12]
    assert_the_roles_logs_are_merged(stage, job_id)
    manifest = manifest_of(stage, job_id)
    for frame in (1, 2):
        expected = plain_render(renderer, stage.scenes("plain"), manifest, frame, tmp_path / str(frame))
        assert np.array_equal(np.asarray(Image.open(folder / f"{frame:04d}.png")), expected)
    assert (folder / "contact-sheet.png").is_file()


@pytest.mark.long
def test_a_still_split_over_workers_is_bit_equal_to_one_render(
    stage: Stage, renderer: BlenderRenderer, tmp_path: Path
) -> None:
    stage.cast("worker-a", "worker-b", *VERIFIERS)
    job_id = stage.submit("plain", "--frames", "3", "--split", "3x2")
    with stage.reader() as ledger:
        stage.wait_for_tasks(ledger, job_id, seconds=300)
        claims = [e for e in ledger.events(job_id=job_id).events if isinstance(e, port.TaskClaimed)]
        assert len(claims) == 6
        assert len({claim.worker for claim in claims}) == 2
    folder = stage.fetch(job_id, "split")
    expected = plain_render(
        renderer, stage.scenes("plain"), manifest_of(stage, job_id), 3, tmp_path / "whole"
    )
    assert np.array_equal(np.asarray(Image.open(folder / "0003.png")), expected)


@pytest.mark.long
def test_a_job_cancelled_half_way_pays_what_was_submitted_and_refunds_the_rest(stage: Stage) -> None:
    stage.cast(*VERIFIERS)
    with stage.reader() as ledger:
        before = snapshot(stage.network, ledger)
        job_id = stage.submit("plain", "--frames", "1-4")
        stage.start("worker-a")
        stage.wait_for_log("worker-a", f"hop=8 submitted job={job_id}", job_id)
        stage.stop("worker-a")  # finishes or gives back what it has not submitted
        stage.tileproof("requester", "client", "cancel", str(job_id))
        stage.start("worker-a")
        tasks = stage.wait_for_tasks(ledger, job_id, TaskState.PAID, TaskState.CLOSED)
        paid = sum(task.state is TaskState.PAID for task in tasks)
        assert 1 <= paid <= 3
        moved = changes(stage.network, before, snapshot(stage.network, ledger))
        assert moved["requester"] == -paid * (REWARD + FEE)
        assert moved["worker-a"] == paid * REWARD - moved.get("forfeited", 0)
        assert "escrow" not in moved
