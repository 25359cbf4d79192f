"""One audit, from a submission to a verdict and its report."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tileproof.audit.report import AuditReport
from tileproof.audit.screen import Oddity
from tileproof.domain.errors import InputError, ServiceError
from tileproof.domain.job import Ground, TaskState, Verdict
from tileproof.domain.result import frame_file
from tileproof.domain.sampling import sample_tiles
from tileproof.intake.fetching import Stopped
from tileproof.verifier.audit import audit_submission
from tileproof.verifier.settings import VerifierSettings
from tileproof.verifier.subject import subject_from_history, subject_of_round

from .verifier_world import World, empty, honest, lie_about_seeds, png, spoiled

SETTINGS = VerifierSettings()


def audit(
    world: World, tmp_path: Path, deadline: float | None = None, *, settings: VerifierSettings = SETTINGS
) -> AuditReport:
    if not world.ledger.job_count():
        world.draw()
    return audit_submission(
        subject=subject_of_round(world.ledger, world.job(), world.task()),
        store=world.store,
        renderer=world.renderer,
        decoder=world.decoder,
        clock=world.clock,
        settings=settings,
        home=tmp_path / "home",
        evidence=tmp_path / "evidence",
        deadline=deadline,
    )


def test_honest_work_is_accepted(tmp_path: Path) -> None:
    world = World()
    report = audit(world, tmp_path)
    assert report.judgement.verdict is Verdict.ACCEPT
    assert report.equal_tiles == len(report.tiles) == 8
    assert world.renderer.sessions == 1  # one load of the scene for all tiles


def test_only_the_sample_tiles_are_rendered_again(tmp_path: Path) -> None:
    world = World()
    report = audit(world, tmp_path)
    listed = sample_tiles(report.seed.seed, world.manifest, 0)
    assert sorted((f, t) for _, f, t in world.renderer.rendered) == sorted((s.frame, s.tile) for s in listed)
    assert tuple(t.sample for t in report.tiles) == listed


def test_a_frame_that_is_a_little_wrong_is_rejected_by_its_first_tile(tmp_path: Path) -> None:
    wrong = honest(2)
    wrong[..., 0] ^= 1
    world = World(spoiled(2, png(wrong)))
    report = audit(world, tmp_path)
    first = next(at for at, t in enumerate(report.tiles) if t.sample.frame == 2)
    assert report.judgement.verdict is Verdict.REJECT
    assert (report.judgement.ground, report.judgement.index) == (Ground.TILE, first)
    assert report.worst_psnr_db > 48  # one level in one channel


def test_a_reject_rests_on_two_fresh_processes(tmp_path: Path) -> None:
    wrong = honest(1)
    wrong[:] = 0
    world = World(spoiled(1, png(wrong)))
    report = audit(world, tmp_path)
    assert world.renderer.sessions == 3
    again = [(frame, tile) for session, frame, tile in world.renderer.rendered if session > 1]
    named = report.tiles[report.judgement.index].sample
    assert again == [(named.frame, named.tile)] * 2
    assert report.confirmation is not None
    assert report.confirmation.agrees


def test_a_scene_that_renders_differently_each_time_is_inconclusive(tmp_path: Path) -> None:
    world = World()
    world.renderer.drift = True
    report = audit(world, tmp_path)
    assert report.judgement.verdict is Verdict.INCONCLUSIVE
    assert "does not repeat" in report.judgement.reason


@pytest.mark.parametrize(
    ("spoil", "ground"),
    [
        (None, Ground.MISSING),
        (b"no picture", Ground.UNDECODABLE),
        (png(honest(2))[:-60], Ground.UNDECODABLE),
        (png(honest(2)[:-1]), Ground.WRONG_FORMAT),
        (png(np.zeros((40, 60, 4), np.uint8)), Ground.WRONG_FORMAT),
        (b"\0" * 200_000, Ground.WRONG_FORMAT),  # far more than the agreed picture can take
    ],
)
def test_a_picture_that_cannot_be_judged_is_rejected_without_rendering(
    spoil: bytes | None, ground: Ground, tmp_path: Path
) -> None:
    world = World(spoiled(2, spoil))
    report = audit(world, tmp_path)
    assert report.judgement.verdict is Verdict.REJECT
    assert (report.judgement.ground, report.judgement.index) == (ground, 1)
    assert world.renderer.sessions == 0


def test_a_result_that_is_no_directory_misses_its_first_picture(tmp_path: Path) -> None:
    world = World()
    world.result = world.theirs.put_file(b"one file")
    report = audit(world, tmp_path)
    assert (report.judgement.ground, report.judgement.index) == (Ground.MISSING, 0)


def test_a_result_larger_than_any_honest_one_is_rejected(tmp_path: Path) -> None:
    world = World({"0001.png": b"\0" * 8_000_000})
    report = audit(world, tmp_path)
    assert (report.judgement.verdict, report.judgement.ground) == (Verdict.REJECT, Ground.WRONG_FORMAT)


@pytest.mark.parametrize("what", ["manifest", "result", "scene"])
def test_bytes_that_nobody_serves_before_the_deadline_are_unavailable(what: str, tmp_path: Path) -> None:
    world = World()
    cid = {"manifest": world.manifest_cid, "result": world.result, "scene": world.scene}[what]
    world.store.withheld.add(cid)
    start = world.clock.monotonic()
    report = audit(world, tmp_path, deadline=start + 300)
    assert report.judgement.verdict is Verdict.UNAVAILABLE
    assert what in report.judgement.reason
    assert 100 < world.clock.monotonic() - start < 200  # half the window is kept for rendering


def test_an_own_node_that_does_not_answer_blames_nobody(tmp_path: Path) -> None:
    world = World()

    def down(*_: object, **__: object) -> bytes:
        raise ServiceError("content.unreachable", "connection refused", retryable=True)

    world.store.read_block = down  # type: ignore[method-assign]
    report = audit(world, tmp_path, deadline=world.clock.monotonic() + 60)
    assert report.judgement.verdict is Verdict.INCONCLUSIVE
    assert "content.unreachable" in report.judgement.reason


@pytest.mark.parametrize(
    "code", ["render.crashed", "render.timeout", "blender.wrong_version", "machine.disk_full"]
)
def test_a_failure_of_this_machine_blames_nobody(code: str, tmp_path: Path) -> None:
    world = World()
    world.renderer.fails_with = code
    report = audit(world, tmp_path)
    assert report.judgement.verdict is Verdict.INCONCLUSIVE
    assert code in report.judgement.reason


def test_a_machine_of_another_class_does_not_judge(tmp_path: Path) -> None:
    world = World()
    world.renderer.device_class = "cpu-arm64"
    report = audit(world, tmp_path)
    assert report.judgement.verdict is Verdict.INCONCLUSIVE
    assert world.renderer.sessions == 0


def test_running_out_of_time_is_inconclusive(tmp_path: Path) -> None:
    world = World()

    def slow() -> None:
        world.clock.advance(30)

    world.renderer.on_render = slow
    report = audit(world, tmp_path, deadline=world.clock.monotonic() + 100)
    assert report.judgement.verdict is Verdict.INCONCLUSIVE
    assert "out of time" in report.judgement.reason
    assert report.tiles == ()


def test_a_malformed_manifest_blames_no_worker(tmp_path: Path) -> None:
    world = World()
    world.manifest_cid = world.theirs.add_block(b"{}")
    report = audit(world, tmp_path)
    assert report.judgement.verdict is Verdict.INCONCLUSIVE
    assert report.work is None
    assert (tmp_path / "evidence" / "report.html").stat().st_size > 1000


@pytest.mark.parametrize(
    "scene",
    [
        {"glass.blend": b"another file of another size"},
        {"glass.blend": b"X" * len(b"BLENDER-v405 not really")},
        {"other.blend": b"BLENDER-v405 not really"},
        {"glass.blend": b"BLENDER-v405 not really", "extra.py": b"import os"},
    ],
)
def test_a_scene_other_than_the_manifest_says_is_not_opened(scene: dict[str, bytes], tmp_path: Path) -> None:
    world = World(scene=scene)
    report = audit(world, tmp_path)
    assert report.judgement.verdict is Verdict.INCONCLUSIVE
    assert world.renderer.sessions == 0
    assert empty(tmp_path / "home" / "scenes")


def test_a_second_audit_of_the_same_scene_fetches_it_no_more(tmp_path: Path) -> None:
    world = World()
    audit(world, tmp_path)
    audit(world, tmp_path)
    assert world.store.fetched.count(world.scene) == 1


def test_nothing_is_left_behind_but_the_scene_and_the_report(tmp_path: Path) -> None:
    audit(World(), tmp_path)
    assert empty(tmp_path / "home" / "work")
    assert sorted(p.name for p in (tmp_path / "evidence").iterdir()) == ["report.html", "report.json"]


def test_a_request_to_stop_ends_an_audit_without_a_verdict(tmp_path: Path) -> None:
    world = World()

    def stop() -> None:
        world.clock.stop()

    world.renderer.on_render = stop
    with pytest.raises(Stopped):
        audit(world, tmp_path)
    assert empty(tmp_path / "home" / "work")
    assert not (tmp_path / "evidence").exists()


def test_the_report_says_what_was_judged_and_how_the_tiles_were_drawn(tmp_path: Path) -> None:
    world = World()
    report = audit(world, tmp_path)
    said = json.loads((tmp_path / "evidence" / "report.json").read_bytes())
    assert said["verdict"] == "Accept"
    assert int(said["seed"]["audit_seed"], 16) == world.task().audit_seed == report.seed.seed
    assert int(said["seed"]["block_hash"], 16) == world.chain.hash_of(world.task().seed_block)
    assert [tile["psnr_db"] for tile in said["tiles"]] == [None] * 8
    page = (tmp_path / "evidence" / "report.html").read_text()
    assert "Accepted" in page
    assert str(tmp_path) not in page


def test_repeated_frames_are_findings_and_no_verdict(tmp_path: Path) -> None:
    world = World({frame_file(1): png(honest(1)), frame_file(2): png(honest(1))})
    report = audit(world, tmp_path)
    assert [f.frame for f in report.findings] == [2]
    assert report.judgement.ground is Ground.TILE  # the pixels of frame 2 gave it away, not the screen


def test_a_node_that_lies_about_the_seed_does_not_choose_the_tiles(tmp_path: Path) -> None:
    world = World()
    world.draw()
    lie_about_seeds(world.ledger)
    with pytest.raises(ServiceError) as refused:
        audit(world, tmp_path)
    assert refused.value.code == "ledger.seed_mismatch"


def test_an_audit_by_hand_takes_the_ledgers_seed_or_a_given_one(tmp_path: Path) -> None:
    world = World()
    world.submit()
    with pytest.raises(InputError) as refused:
        subject_from_history(world.ledger, 1, 0)
    assert refused.value.code == "audit.no_seed"
    assert subject_from_history(world.ledger, 1, 0, seed=7).seed.seed == 7
    world.until(TaskState.PAID, world.verifier(tmp_path))
    subject = subject_from_history(world.ledger, 1, 0)
    assert (subject.seed.seed, subject.result) == (world.task().audit_seed, world.result)


def test_an_audit_by_hand_of_what_was_never_submitted_is_refused() -> None:
    world = World()
    world.submit()
    with pytest.raises(InputError) as refused:
        subject_from_history(world.ledger, 1, 0, attempt=2)
    assert refused.value.code == "audit.no_submission"


def test_a_manifest_with_other_tasks_than_the_ledger_blames_no_worker(tmp_path: Path) -> None:
    world = World()
    world.task_count = 5
    assert audit(world, tmp_path).judgement.verdict is Verdict.INCONCLUSIVE


def unsampled(files: dict[int, np.ndarray]) -> World:
    """Six frames and two sample tiles: most frames have none."""
    frames = tuple(range(1, 7))
    pictures = {frame_file(f): png(files.get(f, honest(f))) for f in frames}
    return World(pictures, frames=frames, sample_tiles=2)


def missed(tmp_path: Path, frame: int, pixels: np.ndarray) -> AuditReport:
    """An audit of a result with this picture that no sample tile meets. Another picture makes another
    result and so another seed: one pixel is changed until the seed misses it."""
    for shade in range(200):
        pixels[0, 0] = shade
        report = audit(unsampled({frame: pixels}), tmp_path / str(shade))
        if report.judgement.verdict is Verdict.ACCEPT:
            return report
    raise AssertionError("every seed met the frame")


def test_every_frame_is_held_against_a_small_render(tmp_path: Path) -> None:
    world = unsampled({})
    report = audit(world, tmp_path)
    assert sorted(world.renderer.previewed) == list(range(1, 7))
    assert report.previewed == 6
    assert report.findings == ()


def test_a_frame_unlike_its_preview_is_a_hint_beside_an_accept(tmp_path: Path) -> None:
    noise = np.random.default_rng(3).integers(0, 256, honest(1).shape, dtype=np.uint8)
    report = missed(tmp_path, 4, noise)
    assert [(f.oddity, f.frame) for f in report.findings] == [(Oddity.UNLIKE_PREVIEW, 4)]


def test_a_frame_handed_in_again_is_a_hint_where_the_scene_moved(tmp_path: Path) -> None:
    reports = {
        frame: audit(unsampled({frame: honest(frame - 1)}), tmp_path / str(frame)) for frame in range(2, 7)
    }
    unmet = {frame: r for frame, r in reports.items() if r.judgement.verdict is Verdict.ACCEPT}
    assert unmet, "every seed met the repeated frame"
    for frame, report in unmet.items():
        assert (Oddity.REPEATED, frame) in [(f.oddity, f.frame) for f in report.findings]


def test_when_the_time_for_previews_is_over_the_report_says_how_many_there_were(tmp_path: Path) -> None:
    world = unsampled({})

    def slow() -> None:
        if len(world.renderer.rendered) == 2:  # the sample tiles are done
            world.clock.advance(SETTINGS.preview_seconds / 3)

    world.renderer.on_render = slow
    report = audit(world, tmp_path)
    assert report.judgement.verdict is Verdict.ACCEPT
    assert report.previewed == len(world.renderer.previewed) == 3


def test_a_verifier_without_time_for_hints_makes_none(tmp_path: Path) -> None:
    world = unsampled({})
    report = audit(world, tmp_path, settings=replace(SETTINGS, preview_seconds=0))
    assert (world.renderer.previewed, report.previewed) == ([], 0)


def test_a_preview_that_fails_changes_no_verdict(tmp_path: Path) -> None:
    world = unsampled({})
    world.renderer.preview_fails = True
    assert audit(world, tmp_path).judgement.verdict is Verdict.ACCEPT
