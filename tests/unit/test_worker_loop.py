"""The worker's loop against a model of the contract."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from tileproof.domain import result as results
from tileproof.domain.cid import Cid
from tileproof.domain.errors import LedgerRejected, MachineError, ServiceError
from tileproof.domain.job import Job, Lane, Outcome, Task, TaskResult, TaskState, Verdict
from tileproof.domain.manifest import SceneFile, TaskSpec
from tileproof.domain.money import Fri
from tileproof.domain.result import RESULT_FILE, frame_file
from tileproof.domain.tiles import split
from tileproof.ports import ledger as port
from tileproof.ports.ledger import ClaimGivenBack, ClaimLapsed, ResultSubmitted, TaskClaimed
from tileproof.ports.trail import REORG_WINDOW_BLOCKS
from tileproof.worker import plea
from tileproof.worker.policy import choose_task, kept_for_appeals

from tests.fakes.renderer import MACHINE

from .worker_world import (
    BLEND,
    BOND,
    ME,
    REWARD,
    SETTINGS,
    SHARE,
    SMALL,
    TERMS,
    Killed,
    World,
    empty,
    manifest_of,
)

FOUR_FRAMES = tuple(TaskSpec((frame,), SMALL.full_frame) for frame in (1, 2, 3, 4))


# --- the honest way ---


def test_a_job_is_found_claimed_rendered_pinned_submitted_and_paid(tmp_path: Path) -> None:
    world = World()
    before = world.own()
    worker = world.worker(tmp_path)
    world.step(worker)
    job_id = world.job()
    world.step(worker, 1)
    task = world.task(job_id)
    assert task.state is TaskState.SUBMITTED
    assert task.result is not None
    told = results.decode(world.store.files(task.result)[RESULT_FILE])
    assert [file.frame for file in told.files] == [1, 2]
    assert (told.job_id, told.task, told.attempt) == (job_id, 0, 0)
    world.judge(Verdict.ACCEPT)
    world.step(worker)
    assert world.own() == before + REWARD.units


def test_a_worker_serves_result_scene_and_manifest(tmp_path: Path) -> None:
    world = World()
    job_id = world.job()
    world.step(world.worker(tmp_path))
    result = world.task().result
    assert world.store.pinned == {result, world.scene, world.ledger.job(job_id).manifest}


def test_of_a_split_frame_only_the_task_s_region_is_rendered(tmp_path: Path) -> None:
    world = World()
    regions = split(SMALL.full_frame, 2, 1)
    tasks = [TaskSpec((1,), region) for region in regions]
    world.job(manifest_of(world.scene, tasks, split_columns=2))
    world.step(world.worker(tmp_path, settings=replace(SETTINGS, check_tiles=0)), 4)
    assert {tile for _, _, tile in world.renderer.rendered} == set(regions)
    assert {task.state for task in world.ledger.tasks(1)} == {TaskState.SUBMITTED}


def test_a_worker_draws_and_settles_when_nobody_else_does(tmp_path: Path) -> None:
    world = World()
    world.job()
    worker = world.worker(tmp_path)
    world.step(worker, 30)
    assert [type(e) for e in world.sent(port.TaskDrawn)] == [port.TaskDrawn]


def test_draw_and_settle_are_left_to_others_for_a_while(tmp_path: Path) -> None:
    world = World()
    world.job()
    worker = world.worker(tmp_path)
    world.step(worker, 1)
    while world.task().state is TaskState.SUBMITTED:
        world.chain.pass_blocks()
    world.step(worker, 3)
    assert not world.sent(port.TaskDrawn)


def test_somebody_else_drew_in_the_same_moment_and_that_is_fine(tmp_path: Path) -> None:
    world = World()
    world.job()
    worker = world.worker(tmp_path)
    world.step(worker, 1)

    def faster(name: str) -> None:
        if name == "draw":
            world.seats.draw(1, [0])

    world.ledger.before = faster
    world.step(worker, 30)
    assert len(world.sent(port.TaskDrawn)) == 1


# --- what it takes and what it leaves ---


def test_a_scene_that_cannot_be_opened_costs_no_bond(tmp_path: Path) -> None:
    world = World()
    broken = b"not a scene at all"
    scene = world.theirs.put({"glass.blend": broken})
    world.job(manifest_of(scene, FOUR_FRAMES, blend=broken))
    before = world.own()
    world.step(world.worker(tmp_path), 20)
    assert not world.sent(TaskClaimed)
    assert world.own() == before


def test_a_scene_that_cannot_be_opened_is_opened_once_not_once_per_task(tmp_path: Path) -> None:
    world = World()
    world.job(manifest_of(world.scene, FOUR_FRAMES, settings=replace(SMALL, camera="Nobody's")))
    opened: list[Path] = []
    real = world.renderer.open

    def counting(scene: Path, *rest: object) -> object:
        opened.append(scene)
        return real(scene, *rest)  # type: ignore[arg-type]

    world.renderer.open = counting  # type: ignore[method-assign, assignment]
    world.step(world.worker(tmp_path), 20)
    assert len(opened) == 1
    world.step(world.worker(tmp_path), 20)
    assert len(opened) == 1, "nor by the next process"


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"blender_version": "4.2.1"}, "another build of Blender"),
        ({"device_class": "gpu-optix"}, "another device class"),
    ],
)
def test_jobs_for_other_machines_are_left_alone(
    changes: dict[str, str], what: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    world = World()
    world.job(manifest_of(world.scene, settings=replace(SMALL, **changes)))  # type: ignore[arg-type]
    with caplog.at_level("INFO"):
        world.step(world.worker(tmp_path), 10)
    assert not world.sent(TaskClaimed), what
    assert world.store.fetched == []
    assert sum("left alone job=1" in line for line in caplog.messages) == 1


def test_a_job_that_pays_less_than_asked_for_is_left_alone(tmp_path: Path) -> None:
    world = World()
    world.job()
    world.step(world.worker(tmp_path, settings=replace(SETTINGS, min_reward=REWARD + Fri(1))), 5)
    assert not world.sent(TaskClaimed)
    world.step(world.worker(tmp_path, settings=replace(SETTINGS, min_reward=REWARD)), 1)
    assert world.sent(TaskClaimed)


def test_a_job_whose_deadline_leaves_no_room_for_a_lease_is_left_alone(tmp_path: Path) -> None:
    world = World()
    world.job(terms=replace(TERMS, deadline=world.chain.timestamp + TERMS.lease_seconds + 5))
    world.chain.pass_seconds(10)
    world.step(world.worker(tmp_path), 5)
    assert world.store.fetched == []
    assert not world.sent(TaskClaimed)


def test_a_paused_job_waits_and_a_resumed_one_is_taken(tmp_path: Path) -> None:
    world = World()
    job_id = world.job()
    world.requester.pause_job(job_id)
    worker = world.worker(tmp_path)
    world.step(worker, 5)
    assert not world.sent(TaskClaimed)
    world.requester.resume_job(job_id)
    world.step(worker, 1)
    assert world.sent(TaskClaimed)


def test_a_worker_claims_no_more_than_its_balance_bonds(tmp_path: Path) -> None:
    world = World()
    world.ledger.withdraw(Fri(9 * BOND.units))
    world.job(manifest_of(world.scene, FOUR_FRAMES))
    world.step(world.worker(tmp_path, settings=replace(SETTINGS, max_claims=4, appeal=False)), 8)
    assert len(world.sent(TaskClaimed)) == 1
    assert world.ledger.balances(world.ledger.account()).withdrawable == Fri(0)


def test_a_worker_locks_nothing_that_it_may_need_for_an_appeal(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    world = World()
    world.ledger.withdraw(Fri(8 * BOND.units + 1))
    world.job(manifest_of(world.scene, FOUR_FRAMES))
    with caplog.at_level("INFO"):
        world.step(world.worker(tmp_path, settings=replace(SETTINGS, max_claims=4)), 8)
    assert len(world.sent(TaskClaimed)) == 1
    left = world.ledger.balances(world.ledger.account()).withdrawable
    assert TERMS.appeal_bond <= left < BOND + TERMS.appeal_bond
    (said,) = [line for line in caplog.messages if "kept for an appeal" in line]
    assert f"`tileproof account bond {(BOND + TERMS.appeal_bond - left).strk()}`" in said


def test_a_worker_keeps_the_dearest_appeal_of_all_the_jobs_it_works_on(tmp_path: Path) -> None:
    world = World()
    cheap = replace(TERMS, audit_fee=Fri(TERMS.audit_fee.units // 2))
    for_both_but_one = BOND + BOND + TERMS.appeal_bond - Fri(1)
    world.ledger.withdraw(Fri(10 * BOND.units) - for_both_but_one)
    world.job()
    world.job(terms=cheap)
    worker = world.worker(tmp_path, settings=replace(SETTINGS, max_claims=4))
    world.step(worker, 8)
    assert len(world.sent(TaskClaimed, job_id=1)) == 1
    assert world.sent(TaskClaimed, job_id=2) == []
    world.ledger.deposit(Fri(1))
    world.step(worker, 1)
    assert len(world.sent(TaskClaimed, job_id=2)) == 1


def test_what_an_appeal_for_missing_bytes_takes_is_kept_where_one_against_a_reject_would_not_pay() -> None:
    terms = replace(TERMS, reward=Fri(15), lane=Lane.HASH)
    assert plea.why_not(terms, Outcome.REJECTED) is not None
    assert plea.why_not(terms, Outcome.UNAVAILABLE) is None
    assert kept_for_appeals([terms], SETTINGS) == terms.appeal_bond
    neither = replace(terms, reward=Fri(5))
    assert kept_for_appeals([neither], SETTINGS) == Fri(0)


def test_a_worker_holds_no_more_claims_than_it_is_allowed(tmp_path: Path) -> None:
    world = World()
    world.job(manifest_of(world.scene, FOUR_FRAMES))
    world.step(world.worker(tmp_path, settings=replace(SETTINGS, max_claims=2)), 5)
    assert len(world.sent(TaskClaimed)) == 2


def test_two_workers_do_not_take_the_same_task(tmp_path: Path) -> None:
    world = World()
    world.job(manifest_of(world.scene, FOUR_FRAMES))
    other = world.worker(tmp_path / "b", ledger=world.rival, journal=type(world.journal)())
    mine = world.worker(tmp_path / "a")
    for _ in range(4):
        world.step(mine, 1)
        world.step(other, 1)
    claims = world.sent(TaskClaimed)
    assert sorted(event.task for event in claims) == [0, 1, 2, 3]  # type: ignore[attr-defined]


def test_a_task_that_another_took_while_the_scene_was_opened_costs_nothing(tmp_path: Path) -> None:
    world = World()
    world.job()

    def taken(name: str) -> None:
        if name == "claim":
            world.rival.claim(1, [0])

    world.ledger.before = taken
    before = world.own()
    world.step(world.worker(tmp_path), 5)
    assert world.own() == before
    assert world.journal.all("claim") == {}


def test_who_was_slower_takes_another_task_at_the_next_look(tmp_path: Path) -> None:
    world = World()
    job_id = world.job(manifest_of(world.scene, FOUR_FRAMES))
    job, tasks = world.ledger.job(job_id), world.ledger.tasks(job_id)
    wanted = choose_task(job, tasks, world.ledger.account(), frozenset())
    assert wanted is not None

    def taken(name: str) -> None:
        if name == "claim":
            world.ledger.before = lambda _: None
            world.rival.claim(job_id, [wanted.task])

    world.ledger.before = taken
    world.step(world.worker(tmp_path), 2)
    claims = world.sent(TaskClaimed)
    assert [event.worker for event in claims] == [world.rival.account(), world.ledger.account()]  # type: ignore[attr-defined]


def test_a_task_claimed_and_given_back_by_another_meanwhile_is_done_under_its_own_attempt(
    tmp_path: Path,
) -> None:
    world = World()
    world.job()

    def on_and_off(name: str) -> None:
        if name == "claim":
            world.ledger.before = lambda _: None
            world.rival.claim(1, [0])
            world.rival.give_back(1, [0])

    world.ledger.before = on_and_off
    world.step(world.worker(tmp_path), 1)
    task = world.task()
    assert (task.state, task.attempt) == (TaskState.SUBMITTED, 1)
    assert task.result is not None
    assert results.decode(world.store.files(task.result)[RESULT_FILE]).attempt == 1


def test_claims_that_the_contract_refuses_are_tried_less_and_less(tmp_path: Path) -> None:
    world = World()
    world.job()
    for slot in range(world.ledger.active_seats()):
        world.committee.owner(slot).leave_seat(slot)
    refused: list[str] = []
    world.ledger.before = refused.append
    world.step(world.worker(tmp_path), 100)
    assert 3 <= refused.count("claim") <= 6, "pauses of 5, 10, 20, 40 seconds"
    assert not world.sent(TaskClaimed)


def test_a_lapsed_claim_of_another_is_claimed_over(tmp_path: Path) -> None:
    world = World()
    world.job()
    world.rival.claim(1, [0])
    worker = world.worker(tmp_path)
    world.step(worker, 2)
    world.chain.pass_seconds(TERMS.lease_seconds)
    world.step(worker, 1)
    assert (world.task().state, world.task().attempt) == (TaskState.SUBMITTED, 1)
    assert len(world.sent(ClaimLapsed)) == 1


def test_a_finished_job_is_looked_at_no_more(tmp_path: Path) -> None:
    world = World()
    job_id = world.job()
    world.requester.close_job(job_id)
    worker = world.worker(tmp_path)
    world.step(worker, 2)
    looked_at: list[int] = []
    read = world.ledger.job

    def looking(job_id: int) -> Job:
        looked_at.append(job_id)
        return read(job_id)

    world.ledger.job = looking  # type: ignore[method-assign]
    world.step(worker, 2)
    assert looked_at == []
    world.chain.pass_blocks(REORG_WINDOW_BLOCKS + 1)
    world.step(worker, 1)
    assert world.journal.all("job") == {}


# --- strangers' bytes ---


def test_a_manifest_with_another_number_of_tasks_costs_nothing(tmp_path: Path) -> None:
    world = World()
    world.job(tasks=3)
    world.step(world.worker(tmp_path), 5)
    assert not world.sent(TaskClaimed)
    assert world.store.fetched == []


@pytest.mark.parametrize("block", [b"", b"{}", b"not JSON", b"[" * 100_000, b"\xff" * (1 << 20)])
def test_a_manifest_that_is_none_costs_nothing(block: bytes, tmp_path: Path) -> None:
    world = World()
    world.requester.create_job(world.theirs.add_block(block), 1, TERMS)
    good = world.job()
    world.step(world.worker(tmp_path), 5)
    assert not world.sent(TaskClaimed, job_id=1)
    assert world.sent(TaskClaimed, good), "and the next job is served"


def test_a_scene_larger_than_its_manifest_says_costs_nothing(tmp_path: Path) -> None:
    world = World()
    scene = world.theirs.put({"glass.blend": BLEND + bytes(4 << 20)})
    world.job(manifest_of(scene))
    world.step(world.worker(tmp_path), 5)
    assert not world.sent(TaskClaimed)
    assert empty(tmp_path / "scenes")


def test_a_scene_with_other_bytes_than_its_manifest_says_costs_nothing(tmp_path: Path) -> None:
    world = World()
    scene = world.theirs.put({"glass.blend": bytes(len(BLEND))})
    world.job(manifest_of(scene))
    world.step(world.worker(tmp_path), 5)
    assert not world.sent(TaskClaimed)
    assert empty(tmp_path / "scenes")


def test_a_lie_about_a_scene_that_was_honestly_described_before_is_found(tmp_path: Path) -> None:
    world = World()
    world.job()
    worker = world.worker(tmp_path)
    world.step(worker, 2)
    honest = manifest_of(world.scene)
    lying = (*honest.files, SceneFile("wood.png", 7, "b" * 64))
    second = world.job(replace(honest, files=lying))
    world.step(worker, 5)
    assert not world.sent(TaskClaimed, second)


def test_a_scene_above_the_cap_is_not_even_asked_for(tmp_path: Path) -> None:
    world = World()
    honest = manifest_of(world.scene)
    world.job(replace(honest, files=(replace(honest.files[0], size=1 << 30),)))
    world.step(world.worker(tmp_path, settings=replace(SETTINGS, max_scene_bytes=1 << 29)), 5)
    assert world.store.fetched == []


@pytest.mark.parametrize(
    "bound", [{"max_picture_px": SMALL.full_frame.area - 1}, {"max_result_bytes": 1 << 20}]
)
def test_pictures_and_results_above_the_caps_are_left_to_larger_machines(
    bound: dict[str, int], tmp_path: Path
) -> None:
    world = World()
    world.job()
    world.step(world.worker(tmp_path, settings=replace(SETTINGS, **bound)), 3)  # type: ignore[arg-type]
    assert world.store.fetched == []
    assert not world.sent(TaskClaimed)


def test_a_job_whose_manifest_nobody_serves_does_not_keep_the_others_waiting(tmp_path: Path) -> None:
    world = World()
    world.requester.create_job(Cid.of_raw_block(b"nobody has it"), 1, TERMS)
    began = world.clock.monotonic()
    good = world.job()
    worker = world.worker(tmp_path)
    world.step(worker, 10)
    assert world.sent(TaskClaimed, good)
    looks = [each for each in (world.clock.monotonic() - began,) if each > 0]
    assert looks[0] < 4 * SETTINGS.manifest_seconds


def test_what_nobody_served_is_asked_for_again_later(tmp_path: Path) -> None:
    world = World()
    world.job()
    world.network.withheld.add(world.scene)
    worker = world.worker(tmp_path, settings=replace(SETTINGS, fetch_seconds=30))
    world.step(worker, 3)
    assert not world.sent(TaskClaimed)
    world.network.withheld.clear()
    world.step(worker, 20)
    assert world.sent(TaskClaimed)


# --- going wrong ---


@pytest.mark.parametrize("code", ["render.out_of_memory", "render.timeout", "machine.disk_full"])
def test_what_the_machine_cannot_render_is_given_back_for_a_share_of_the_bond(
    code: str, tmp_path: Path
) -> None:
    world = World()
    world.job()
    before = world.own()

    def fail(frame: int, tile: object) -> None:
        raise MachineError(code, "it did not work")

    world.renderer.on_render = fail
    world.step(world.worker(tmp_path), 5)
    assert len(world.sent(ClaimGivenBack)) == 1
    assert world.task().state is TaskState.OPEN
    assert world.own() == before - SHARE.units
    assert len(world.sent(TaskClaimed)) == 1, "it is not claimed here again"
    assert empty(tmp_path / "claims")


def test_a_disk_that_fills_up_under_the_result_gives_the_task_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World()
    world.job()

    def no_room(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("tileproof.worker.workshop.os.link", no_room)
    world.step(world.worker(tmp_path), 3)
    assert len(world.sent(ClaimGivenBack)) == 1
    assert not world.sent(ResultSubmitted)
    assert empty(tmp_path / "claims")


def test_a_job_that_keeps_going_wrong_is_left_to_others_after_two_shares(tmp_path: Path) -> None:
    world = World()
    world.job(manifest_of(world.scene, FOUR_FRAMES))
    world.renderer.crashes_after = 0
    before = world.own()
    world.step(world.worker(tmp_path), 20)
    assert world.own() == before - 2 * SHARE.units
    world.step(world.worker(tmp_path), 20)
    assert world.own() == before - 2 * SHARE.units, "nor does the next process try again"


def test_a_machine_that_renders_differently_each_time_submits_nothing(tmp_path: Path) -> None:
    world = World()
    world.job()
    world.renderer.nondeterministic = True
    before = world.own()
    world.step(world.worker(tmp_path), 5)
    assert not world.sent(ResultSubmitted)
    assert world.own() == before - SHARE.units


def test_after_a_reject_nothing_more_is_claimed_until_it_is_started_again(tmp_path: Path) -> None:
    world = World()
    world.job(manifest_of(world.scene, FOUR_FRAMES))
    worker = world.worker(tmp_path, settings=replace(SETTINGS, max_claims=1))
    world.step(worker, 1)
    (claim,) = world.sent(TaskClaimed)
    before = world.own()
    world.judge(Verdict.REJECT, task=claim.task)  # type: ignore[attr-defined]
    assert world.own() == before - BOND.units
    world.step(worker, 10)
    assert len(world.sent(TaskClaimed)) == 1
    world.step(world.worker(tmp_path), 1)
    again = world.sent(TaskClaimed)[-1]
    assert again.task != claim.task, "the rejected task is left to others"  # type: ignore[attr-defined]


def test_a_task_rejected_between_two_reads_of_one_look_is_not_claimed_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World()
    world.job()
    worker = world.worker(tmp_path, settings=replace(SETTINGS, max_claims=2))
    world.step(worker, 1)
    read_tasks = world.ledger.tasks

    def rejected_meanwhile(job_id: int) -> tuple[Task, ...]:
        monkeypatch.undo()
        world.judge(Verdict.REJECT)
        return read_tasks(job_id)

    monkeypatch.setattr(world.ledger, "tasks", rejected_meanwhile)
    world.step(worker, 5)
    assert world.task().state is TaskState.OPEN
    assert len(world.sent(TaskClaimed)) == 1, "the claim that was rejected was not seen to be over yet"


def test_a_reject_that_happened_while_the_worker_was_down_counts_and_is_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    world = World()
    world.job(manifest_of(world.scene, FOUR_FRAMES))

    def die(name: str) -> None:
        if name == "submit":
            raise Killed

    world.ledger.after = die
    with pytest.raises(Killed):
        world.step(world.worker(tmp_path))
    world.ledger.after = lambda _: None
    (claim,) = world.sent(TaskClaimed)
    world.judge(Verdict.REJECT, task=claim.task)  # type: ignore[attr-defined]
    world.step(world.worker(tmp_path), 5)
    assert "outcome=rejected" in caplog.text
    assert len(world.sent(TaskClaimed)) == 1


def test_a_later_claim_of_the_account_by_other_hands_is_not_taken_for_its_own(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The rejected attempt ends for this worker, even where its account holds the task again."""
    world = World()
    world.job()
    worker = world.worker(tmp_path)
    world.step(worker)
    assert world.task().state is TaskState.SUBMITTED
    world.judge(Verdict.REJECT)
    world.ledger.claim(1, [0])
    assert (world.task().worker, world.task().attempt) == (ME, 1)
    world.step(worker, 5)
    assert "outcome=rejected" in caplog.text
    assert world.task().state is TaskState.CLAIMED
    assert len(world.sent(ResultSubmitted)) == 1


def test_a_third_reject_that_closes_the_task_is_told_too(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    world = World()
    world.job()
    for _ in range(2):
        world.rival.claim(1, [0])
        world.rival.submit(1, [TaskResult(0, world.scene)])
        world.judge(Verdict.REJECT)
    worker = world.worker(tmp_path)
    world.step(worker, 1)
    world.judge(Verdict.REJECT)
    assert world.task().state is TaskState.CLOSED
    world.step(worker, 2)
    assert "outcome=rejected" in caplog.text


def test_a_lease_that_ends_during_the_render_gets_the_rest_of_the_bond_back(tmp_path: Path) -> None:
    world = World()
    world.job()
    before = world.own()

    def slow(frame: int, tile: object) -> None:
        world.chain.pass_seconds(TERMS.lease_seconds)

    world.renderer.on_render = slow
    worker = world.worker(tmp_path)
    worker.tick()
    world.renderer.on_render = None
    world.requester.pause_job(1)
    world.step(worker, 2)
    assert len(world.sent(ClaimLapsed)) == 1
    assert world.own() == before - SHARE.units
    assert world.ledger.balances(world.ledger.account()).worker_bonds == Fri(0)
    assert empty(tmp_path / "claims")


def test_a_failure_noticed_only_after_the_lease_gets_the_rest_of_the_bond_back(tmp_path: Path) -> None:
    world = World()
    world.job()
    before = world.own()

    def slow_and_broken(frame: int, tile: object) -> None:
        world.chain.pass_seconds(TERMS.lease_seconds)
        raise MachineError("render.timeout", "it took too long")

    world.renderer.on_render = slow_and_broken
    world.step(world.worker(tmp_path), 3)
    assert len(world.sent(ClaimLapsed)) == 1
    assert not world.sent(ClaimGivenBack)
    assert world.own() == before - SHARE.units
    assert world.ledger.balances(world.ledger.account()).worker_bonds == Fri(0)


def test_a_submission_that_the_node_did_not_take_is_sent_again_without_rendering_again(
    tmp_path: Path,
) -> None:
    world = World()
    world.job()

    def down(name: str) -> None:
        if name == "submit":
            raise ServiceError("ledger.unreachable", "refused", retryable=True)

    world.ledger.before = down
    worker = world.worker(tmp_path)
    with pytest.raises(ServiceError):
        worker.tick()
    rendered = len(world.renderer.rendered)
    world.ledger.before = lambda _: None
    world.step(worker, 1)
    assert world.task().state is TaskState.SUBMITTED
    assert len(world.renderer.rendered) == rendered


def test_a_submission_that_got_through_unseen_is_not_sent_again(tmp_path: Path) -> None:
    world = World()
    world.job()

    def silent(name: str) -> None:
        if name == "submit":
            raise ServiceError("ledger.outcome_unknown", "the node fell silent")

    world.ledger.after = silent
    with pytest.raises(ServiceError):
        world.worker(tmp_path).tick()
    sent: list[str] = []
    world.ledger.after = sent.append
    world.step(world.worker(tmp_path), 5)
    assert "submit" not in sent
    assert len(world.sent(ResultSubmitted)) == 1
    world.judge(Verdict.ACCEPT)


def test_a_node_that_is_down_for_a_while_is_waited_for(tmp_path: Path) -> None:
    world = World()
    world.job()
    world.store.is_down = True
    waits = []

    def later() -> None:
        waits.append(1)
        world.store.is_down = len(waits) < 5
        if world.sent(ResultSubmitted) or len(waits) > 50:
            world.clock.stop()

    world.after_wait = later
    world.worker(tmp_path).run()
    assert len(world.sent(ResultSubmitted)) == 1


def test_a_failure_that_no_waiting_mends_ends_the_worker(tmp_path: Path) -> None:
    world = World()

    class Broken:
        def __getattr__(self, name: str) -> object:
            if name == "account":
                return world.ledger.account
            raise ServiceError("ledger.malformed_answer", "no contract there")

    with pytest.raises(ServiceError):
        world.worker(tmp_path, ledger=Broken()).run()


# --- stopping ---


def stop_at(world: World, picture: int, *, seconds_per_picture: float) -> None:
    """Asks the worker to stop while it renders its n-th picture; each takes that long."""
    seen: list[int] = []

    def on_render(frame: int, tile: object) -> None:
        seen.append(frame)
        world.clock.advance(seconds_per_picture)
        if len(seen) == picture:
            world.clock.stop()

    world.renderer.on_render = on_render


LONG = tuple(range(1, 11))


def test_asked_to_stop_with_much_left_it_gives_the_task_back(tmp_path: Path) -> None:
    world = World()
    world.job(manifest_of(world.scene, [TaskSpec(LONG, SMALL.full_frame)]))
    before = world.own()
    stop_at(world, 2, seconds_per_picture=60.0)
    world.worker(tmp_path).run()
    assert len(world.sent(ClaimGivenBack)) == 1
    assert world.own() == before - SHARE.units
    assert world.journal.all("frame") == {}
    assert empty(tmp_path / "claims")


def test_asked_to_stop_within_a_long_frame_it_does_not_wait_for_its_end(tmp_path: Path) -> None:
    world = World()
    world.job(manifest_of(world.scene, [TaskSpec((1,), SMALL.full_frame)]))
    stop_at(world, 1, seconds_per_picture=600.0)
    world.worker(tmp_path).run()
    assert len(world.sent(ClaimGivenBack)) == 1
    assert world.renderer.rendered == []


def test_asked_to_stop_with_little_left_it_finishes_and_submits(tmp_path: Path) -> None:
    world = World()
    world.job(manifest_of(world.scene, [TaskSpec(LONG, SMALL.full_frame)]))
    before = world.own()
    stop_at(world, 8, seconds_per_picture=2.0)
    world.worker(tmp_path).run()
    assert world.task().state is TaskState.SUBMITTED
    assert world.own() == before
    world.judge(Verdict.ACCEPT)


def test_what_turns_out_longer_than_it_seemed_is_given_back_after_all(tmp_path: Path) -> None:
    world = World()
    world.job(manifest_of(world.scene, [TaskSpec(LONG, SMALL.full_frame)]))
    seen: list[int] = []

    def slower(frame: int, tile: object) -> None:
        seen.append(frame)
        world.clock.advance(1.0 if len(seen) < 5 else 25.0)
        if len(seen) == 4:
            world.clock.stop()

    world.renderer.on_render = slower
    world.worker(tmp_path).run()
    assert len(world.sent(ClaimGivenBack)) == 1
    assert len(seen) < 10


def test_asked_to_stop_while_the_scene_is_opened_it_claims_nothing(tmp_path: Path) -> None:
    world = World()
    world.job()
    opened = world.renderer.open

    def stopping(*arguments: object) -> object:
        world.clock.stop()
        return opened(*arguments)  # type: ignore[arg-type]

    world.renderer.open = stopping  # type: ignore[method-assign, assignment]
    world.worker(tmp_path).run()
    assert not world.sent(TaskClaimed)


def test_a_stop_is_heard_while_waiting_for_bytes(tmp_path: Path) -> None:
    world = World()
    world.job()
    world.network.withheld.add(world.scene)
    began = world.clock.monotonic()
    world.after_wait = world.clock.stop
    world.worker(tmp_path).run()
    assert world.clock.monotonic() - began <= 60


def test_stopped_after_submitting_it_leaves_the_submission_alone(tmp_path: Path) -> None:
    world = World()
    world.job()
    world.after_wait = world.clock.stop
    world.worker(tmp_path).run()
    assert world.task().state is TaskState.SUBMITTED
    assert not world.sent(ClaimGivenBack)


def test_a_chain_that_is_down_on_the_way_out_leaves_the_claim_for_the_next_start(tmp_path: Path) -> None:
    world = World()
    world.job(manifest_of(world.scene, [TaskSpec(LONG, SMALL.full_frame)]))
    stop_at(world, 2, seconds_per_picture=60.0)

    def down(name: str) -> None:
        if name == "give_back":
            raise ServiceError("ledger.unreachable", "refused", retryable=True)

    world.ledger.before = down
    world.worker(tmp_path).run()
    assert world.task().state is TaskState.CLAIMED
    world.ledger.before, world.renderer.on_render = lambda _: None, None
    world.clock = type(world.clock)(on_wait=world.chain.pass_blocks)
    world.step(world.worker(tmp_path), 1)
    assert world.task().state is TaskState.SUBMITTED
    assert sum(1 for _, frame, _ in world.renderer.rendered if frame == 1) == 1, "frame 1 was kept"


# --- serving ---


def test_pins_stay_until_the_outcome_is_deep(tmp_path: Path) -> None:
    world = World()
    world.job()
    worker = world.worker(tmp_path)
    world.step(worker, 1)
    pinned = set(world.store.pinned)
    assert len(pinned) == 3
    world.judge(Verdict.ACCEPT)
    world.step(worker, SETTINGS.keep_blocks - 2)
    assert world.store.pinned == pinned
    world.step(worker, 5)
    assert world.store.pinned == set()
    assert world.journal.all("claim") == {}
    assert empty(tmp_path / "claims")


def test_a_scene_shared_by_two_tasks_stays_until_both_are_deep(tmp_path: Path) -> None:
    world = World()
    world.job(manifest_of(world.scene, FOUR_FRAMES[:2]))
    worker = world.worker(tmp_path)
    world.step(worker, 2)
    first, second = (event.task for event in world.sent(TaskClaimed))  # type: ignore[attr-defined]
    world.judge(Verdict.ACCEPT, task=first)
    world.step(worker, SETTINGS.keep_blocks // 2)
    assert world.task(1, second).state is not TaskState.PAID
    while world.task(1, second).state is not TaskState.DRAWABLE:
        if world.task(1, second).state is TaskState.COMMITTING:
            break
        world.step(worker, 1)
    world.step(worker, SETTINGS.keep_blocks)
    assert world.scene in world.store.pinned, "the second task's outcome is not deep yet"
    assert world.task(1, first).result not in world.store.pinned


def test_what_the_node_kept_before_is_not_unpinned(tmp_path: Path) -> None:
    world = World()
    world.store.pin(world.scene, timeout=1)
    world.job()
    worker = world.worker(tmp_path)
    world.step(worker, 1)
    world.judge(Verdict.ACCEPT)
    world.step(worker, SETTINGS.keep_blocks + 3)
    assert world.store.pinned == {world.scene}


def test_a_claim_given_back_leaves_no_pin_for_ever(tmp_path: Path) -> None:
    world = World()
    world.job()

    def refuse(name: str) -> None:
        if name == "submit":
            world.chain.pass_seconds(TERMS.lease_seconds)
            raise LedgerRejected("LEASE_OVER")

    world.ledger.before = refuse
    worker = world.worker(tmp_path)
    worker.tick()
    assert world.store.pinned
    world.ledger.before = lambda _: None
    world.requester.pause_job(1)
    world.step(worker, SETTINGS.keep_blocks + 5)
    assert world.store.pinned == set()


def test_what_an_earlier_process_sent_unseen_is_told_with_the_hops_it_was(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    world = World()
    world.job()
    caplog.set_level("INFO")
    for last_words in ("claim", "submit"):

        def die(name: str, at: str = last_words) -> None:
            if name == at:
                raise Killed

        world.ledger.after = die
        with pytest.raises(Killed):
            world.step(world.worker(tmp_path))
    world.ledger.after = lambda _: None
    world.step(world.worker(tmp_path), 1)
    told = [line for line in caplog.messages if "(by an earlier process)" in line]
    assert told == [
        "hop=4 claimed job=1 task=0 attempt=0 (by an earlier process)",
        f"hop=8 submitted job=1 task=0 cid={world.task().result} (by an earlier process)",
    ]


# --- what lies on disk ---


def die_before(world: World, call: str) -> None:
    def die(name: str) -> None:
        if name == call:
            raise Killed

    world.ledger.before = die


def test_a_frame_that_an_earlier_process_finished_is_not_rendered_again(tmp_path: Path) -> None:
    world = World()
    world.job()

    def die(frame: int, tile: object) -> None:
        if frame == 2:
            raise Killed

    world.renderer.on_render = die
    with pytest.raises(Killed):
        world.worker(tmp_path).tick()
    world.renderer.on_render = None
    world.step(world.worker(tmp_path, settings=replace(SETTINGS, check_tiles=0)), 1)
    assert [frame for _, frame, _ in world.renderer.rendered] == [1, 2]
    assert world.task().state is TaskState.SUBMITTED


def test_a_frame_changed_on_disk_meanwhile_is_rendered_again(tmp_path: Path) -> None:
    world = World()
    world.job()

    def die(frame: int, tile: object) -> None:
        if frame == 2:
            raise Killed

    world.renderer.on_render = die
    with pytest.raises(Killed):
        world.worker(tmp_path).tick()
    world.renderer.on_render = None
    (kept,) = tmp_path.rglob(frame_file(1))
    kept.write_bytes(kept.read_bytes()[:-4])
    world.step(world.worker(tmp_path, settings=replace(SETTINGS, check_tiles=0)), 1)
    assert [frame for _, frame, _ in world.renderer.rendered] == [1, 1, 2]


@pytest.mark.parametrize("name", [frame_file(2), RESULT_FILE])
def test_a_finished_result_changed_on_disk_meanwhile_is_made_again(name: str, tmp_path: Path) -> None:
    world, honest = World(), World()
    honest.job()
    honest.step(honest.worker(tmp_path / "honest"), 1)
    world.job()
    die_before(world, "submit")
    with pytest.raises(Killed):
        world.worker(tmp_path / "home").tick()
    world.ledger.before = lambda _: None
    (damaged,) = (tmp_path / "home").rglob(f"result/{name}")
    damaged.write_bytes(b"")
    world.step(world.worker(tmp_path / "home"), 1)
    result, expected = world.task().result, honest.task().result
    assert result is not None
    assert expected is not None
    made, known = world.store.files(result), honest.store.files(expected)
    pictures = (frame_file(1), frame_file(2))
    assert [made[each] for each in pictures] == [known[each] for each in pictures]
    assert json.loads(made[RESULT_FILE])["files"] == json.loads(known[RESULT_FILE])["files"]


def test_a_restart_clears_what_a_killed_opening_left(tmp_path: Path) -> None:
    world = World()
    (tmp_path / "opening").mkdir()
    (tmp_path / "opening" / "000001.png").write_bytes(b"left over")
    world.clock.stop()
    world.worker(tmp_path).run()
    assert not (tmp_path / "opening").exists()


def test_the_log_names_the_machine_and_its_sandbox(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    world = World()
    world.clock.stop()
    with caplog.at_level("INFO"):
        world.worker(tmp_path).run()
    assert f"device={MACHINE.device_class} sandbox={MACHINE.sandbox}" in caplog.text
