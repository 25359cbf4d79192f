"""An audit done again from its report alone: equal, or the report is not to be believed."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tileproof.adapters.folders import Folders
from tileproof.audit.explain import explain
from tileproof.audit.reading import from_json
from tileproof.audit.report import AuditReport, to_json
from tileproof.cli.show_audit import show_told, told_json
from tileproof.domain.device import AVX2_SLOW_GATHER
from tileproof.domain.errors import EvidenceError, InputError
from tileproof.domain.job import Outcome, Question, TaskState, Verdict
from tileproof.domain.manifest import encode
from tileproof.domain.policy import AuditPolicy, default_policy
from tileproof.domain.verdict import nothing_wrong
from tileproof.ports.content import ContentSource
from tileproof.ports.ledger import VerdictRevealed
from tileproof.verifier.evidence import TaskEvidence, evidence_of, fetch_report, read_report, report_of
from tileproof.verifier.replay import Answer, Replay, replay
from tileproof.verifier.settings import VerifierSettings

from .test_finished_jobs import Meddle, audited, repainted, world_of
from .test_finished_jobs import honest as honestly
from .test_verifier_audit import audit
from .verifier_world import World, honest, patched, png, spoiled


def wrong() -> bytes:
    pixels = honest(2)
    pixels[..., 0] ^= 1
    return png(pixels)


def again(world: World, report: AuditReport, tmp_path: Path, source: ContentSource | None = None) -> Replay:
    return replay(
        from_json(to_json(report)),
        source=source or world.store,
        renderer=world.renderer,
        decoder=world.decoder,
        clock=world.clock,
        settings=VerifierSettings(),
        home=tmp_path / "replays",
        evidence=tmp_path / "again",
    )


@pytest.mark.parametrize("picture", [png(honest(2)), wrong(), None, b"no picture"])
def test_an_honest_report_replays_equal_whatever_its_verdict(picture: bytes | None, tmp_path: Path) -> None:
    world = World(spoiled(2, picture))
    report = audit(world, tmp_path)
    found = again(world, report, tmp_path)
    assert found.unequal == ()
    assert found.answer is Answer.EQUAL
    assert any(check.field == "audit seed" for check in found.checks)
    assert found.again is not None
    assert found.again.judgement == report.judgement


def test_copies_on_the_disk_are_enough(tmp_path: Path) -> None:
    """No store, no ledger: a manifest file, a scene folder, a result folder, and the report."""
    world = World(spoiled(2, wrong()))
    report = audit(world, tmp_path)
    copies = {"scene": world.theirs.files(world.scene), "result": world.theirs.files(world.result)}
    for name, files in copies.items():
        (tmp_path / name).mkdir()
        for file, data in files.items():
            (tmp_path / name / file).write_bytes(data)
    (tmp_path / "manifest.json").write_bytes(encode(world.manifest))
    source = Folders(
        {
            report.manifest: tmp_path / "manifest.json",
            world.scene: tmp_path / "scene",
            report.result: tmp_path / "result",
        }
    )
    assert again(world, read_report(tmp_path / "evidence"), tmp_path, source).answer is Answer.EQUAL


def test_another_result_in_the_folder_is_noticed(tmp_path: Path) -> None:
    world = World(spoiled(2, wrong()))
    report = audit(world, tmp_path)
    other = tmp_path / "result"
    other.mkdir()
    for frame in (1, 2):
        (other / f"{frame:04d}.png").write_bytes(png(honest(frame)))
    found = again(world, report, tmp_path, Folders({report.result: other}, world.store))
    assert found.answer is Answer.UNEQUAL
    assert "verdict" in {check.field for check in found.unequal}


def whitewashed(report: AuditReport) -> AuditReport:
    """A bad result, called good: every tile equal, digests and all."""
    good = next(tile.score for tile in report.tiles if tile.score.equal)
    tiles = tuple(replace(t, submitted=t.rendered, score=good, traits=None) for t in report.tiles)
    return replace(report, tiles=tiles, confirmation=None, judgement=nothing_wrong("all tiles are equal"))


def other_seed(report: AuditReport) -> AuditReport:
    return replace(report, seed=replace(report.seed, seed=report.seed.seed ^ 1))


def chosen_tiles(report: AuditReport) -> AuditReport:
    """Judged where the picture was known to be good."""
    assert report.work is not None
    samples = report.work.samples[::-1]
    return replace(
        report, tiles=report.tiles[::-1], confirmation=None, work=replace(report.work, samples=samples)
    )


def cheaper(report: AuditReport) -> AuditReport:
    assert report.work is not None
    return replace(
        report, work=replace(report.work, settings=replace(report.work.settings, samples_per_pixel=1))
    )


def boasting(report: AuditReport) -> AuditReport:
    """An audit said to find what it would miss."""
    assert report.work is not None
    assert report.work.plan is not None
    sure = tuple(replace(power, detection=1.0) for power in report.work.plan.powers)
    return replace(report, work=replace(report.work, plan=replace(report.work.plan, powers=sure)))


def better_scores(report: AuditReport) -> AuditReport:
    tiles = tuple(replace(t, score=replace(t.score, max_difference=0.25)) for t in report.tiles)
    return replace(report, tiles=tiles)


@pytest.mark.parametrize(
    ("lie", "field", "is_rendered"),
    [
        (whitewashed, "verdict", True),
        (better_scores, "scores", True),
        (other_seed, "audit seed", False),
        (chosen_tiles, "list of tiles", False),
        (boasting, "sample plan", False),
        (cheaper, "settings: samples_per_pixel", False),
    ],
)
def test_a_report_that_lies_is_found_out(
    lie: Callable[[AuditReport], AuditReport], field: str, is_rendered: bool, tmp_path: Path
) -> None:
    world = World(spoiled(2, wrong()))
    report = lie(audit(world, tmp_path))
    world.renderer.rendered.clear()
    found = again(world, report, tmp_path)
    assert found.answer is Answer.UNEQUAL
    assert any(field in check.field for check in found.unequal)
    assert bool(world.renderer.rendered) is is_rendered


def test_another_device_class_cannot_say(tmp_path: Path) -> None:
    world = World(spoiled(2, wrong()))
    report = audit(world, tmp_path)
    world.renderer.device_class = "cpu-arm64"
    found = again(world, report, tmp_path)
    assert found.answer is Answer.IMPOSSIBLE
    assert "cpu-arm64" in found.why
    assert "cpu-x86_64-avx2" in found.why


def test_a_class_that_makes_the_same_bits_can_say(tmp_path: Path) -> None:
    """No frame of this job is finished, where AVX-512 rounds otherwise (domain/device.py)."""
    world = World(spoiled(2, wrong()))
    report = audit(world, tmp_path)
    world.renderer.device_class = "cpu-x86_64-avx512"
    assert again(world, report, tmp_path).answer is Answer.EQUAL


@pytest.mark.parametrize(
    "policy",
    [
        default_policy("calibrated", 128, 4),
        default_policy("hash", 128, 4),
    ],
    ids=lambda policy: policy.lane,
)
def test_where_bits_are_not_promised_each_tiles_standing_is_compared(
    policy: AuditPolicy, tmp_path: Path
) -> None:
    """The same machine in the calibrated lane is held to the bit; another class, and the hash lane,
    to how each tile stands."""
    world = World(spoiled(2, wrong()), policy=policy)
    report = audit(world, tmp_path)
    world.renderer.device_class = AVX2_SLOW_GATHER
    found = again(world, report, tmp_path)
    assert found.answer is Answer.EQUAL
    fields = {check.field for check in found.checks}
    assert "tile 0, standing" in fields
    assert "tile 0, rendered" not in fields
    assert any("need not be equal" in note for note in found.notes)


@pytest.mark.parametrize("meddle", [honestly, repainted])
def test_the_finishing_is_replayed_too(meddle: Meddle, tmp_path: Path) -> None:
    world = world_of(tmp_path)
    report = audited(tmp_path, world, meddle=meddle)
    assert report.finishes
    found = again(world, report, tmp_path)
    assert found.answer is Answer.EQUAL
    assert any(check.field.startswith("finish of frame") for check in found.checks)


def better_finish(report: AuditReport) -> AuditReport:
    finishes = tuple(
        replace(f, submitted=f.rendered, score=replace(f.score, equal=True)) for f in report.finishes
    )
    return replace(report, finishes=finishes, confirmation=None, judgement=nothing_wrong("all equal"))


def test_a_finish_that_was_called_good_is_found_out(tmp_path: Path) -> None:
    world = world_of(tmp_path)
    report = better_finish(audited(tmp_path, world, meddle=repainted))
    found = again(world, report, tmp_path)
    assert found.answer is Answer.UNEQUAL
    assert any(check.field.startswith("finish of frame") for check in found.unequal)


def test_a_scene_that_nobody_serves_any_more_leaves_the_question_open(tmp_path: Path) -> None:
    world = World(spoiled(2, wrong()))
    report = audit(world, tmp_path)
    world.network.withheld.add(world.scene)
    found = again(world, report, tmp_path)
    assert found.answer is Answer.IMPOSSIBLE
    assert found.why == "nobody served the scene in time"


def test_a_seed_that_was_given_is_told_to_bind_nobody(tmp_path: Path) -> None:
    world = World()
    report = audit(world, tmp_path)
    by_hand = replace(report, seed=replace(report.seed, block_hash=None, seed_block=0))
    found = again(world, by_hand, tmp_path)
    assert found.answer is Answer.EQUAL
    assert "binds nobody" in found.notes[0]


def test_the_round_of_an_appeal_replays_with_its_one_tile(tmp_path: Path) -> None:
    world = World(spoiled(2, wrong()), mine=5)
    world.provisional(Verdict.ACCEPT)
    world.appeal(world.requester, Question.NAMED_TILE, 1, 2)
    world.until(TaskState.DRAWABLE)
    world.requester.draw(1, [0])
    report = audit(world, tmp_path)
    assert (len(report.tiles), report.judgement.verdict) == (1, Verdict.REJECT)
    found = again(world, report, tmp_path)
    assert found.answer is Answer.EQUAL
    assert any("appealed round" in note for note in found.notes)


# --- which report ---


def judged(tmp_path: Path) -> World:
    """A patched frame, rejected by a seat of ours."""
    tile = World().manifest.settings.full_frame
    world = World(spoiled(2, patched(2, tile)))
    world.submit()
    verifier = world.verifier(tmp_path / "home")
    world.until(TaskState.PROVISIONAL, verifier)
    return world


def test_a_tasks_deciding_report_is_found_and_said_to_be_whose(tmp_path: Path) -> None:
    world = judged(tmp_path)
    evidence = evidence_of(world.ledger, 1, 0)
    assert evidence.reckoning.outcome is Outcome.REJECTED
    assert (evidence.seats, len(evidence.told)) == (1, 1)
    report, whose = report_of(evidence, source=world.store, timeout=10.0)
    assert report is not None
    assert report.judgement.verdict is Verdict.REJECT
    assert whose == "seat 1 of round 1"
    assert again(world, report, tmp_path).answer is Answer.EQUAL


def told(evidence: TaskEvidence, report: AuditReport | None, whose: str) -> dict[str, Any]:
    return told_json(None if report is None else explain(report), evidence, whose, report)


def test_a_reject_is_told_with_votes_money_and_what_can_be_done(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    world = judged(tmp_path)
    evidence = evidence_of(world.ledger, 1, 0)
    report, whose = report_of(evidence, source=world.store, timeout=10.0)
    assert report is not None
    said = told(evidence, report, whose)
    assert (said["outcome"], said["votes"], said["settled"]) == ("Rejected", {"Reject": 1}, False)
    assert said["money"][0].startswith("unless an appeal changes it")
    show_told(explain(report), evidence, whose, report)
    text = capsys.readouterr().out
    order = ["Rejected: ", "tile ", "why:", "how sure:", "who says so:", "money:", "next:", "may appeal"]
    places = [text.index(each) for each in order]
    assert places == sorted(places)


def test_without_a_report_the_ledger_alone_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    world = judged(tmp_path)
    evidence = evidence_of(world.ledger, 1, 0)
    world.network.withheld.add(evidence.told[0].evidence)
    report, why = report_of(evidence, source=world.store, timeout=1.0)
    assert told(evidence, report, why)["headline"] == "rejected by its committee"
    show_told(None, evidence, why, report)
    text = capsys.readouterr().out
    assert "no report tells more: the report of seat 1 cannot be had" in text
    assert "money:" in text


def test_what_has_no_verdict_yet_is_told_as_open() -> None:
    world = World()
    world.requester.create_job(world.manifest_cid, 1, world.terms)
    assert told(evidence_of(world.ledger, 1, 0), None, "")["headline"].startswith(
        "nothing has been handed in"
    )
    world.submit()
    assert told(evidence_of(world.ledger, 1, 0), None, "")["headline"] == "left open: there is no verdict yet"


def test_a_report_that_is_not_of_its_seats_verdict_is_not_shown(tmp_path: Path) -> None:
    world = judged(tmp_path)
    [told] = world.told(VerdictRevealed)
    said = json.loads(world.store.files(told.evidence)["report.json"])
    said["task"] = 7
    other = world.store.put({"report.json": json.dumps(said, sort_keys=True, separators=(",", ":")).encode()})
    evidence = evidence_of(world.ledger, 1, 0)
    lying = replace(evidence, told=(replace(evidence.told[0], evidence=other),))
    report, why = report_of(lying, source=world.store, timeout=10.0)
    assert report is None
    assert "is not of the verdict" in why


def test_a_report_that_nobody_serves_is_said_to_be_missing(tmp_path: Path) -> None:
    world = judged(tmp_path)
    evidence = evidence_of(world.ledger, 1, 0)
    world.network.withheld.add(evidence.told[0].evidence)
    report, why = report_of(evidence, source=world.store, timeout=1.0)
    assert report is None
    assert "content.not_found" in why


def test_a_task_without_a_submission_has_no_evidence() -> None:
    world = World()
    world.requester.create_job(world.manifest_cid, 1, world.terms)
    evidence = evidence_of(world.ledger, 1, 0)
    assert (evidence.submitted, evidence.told) == (False, ())
    with pytest.raises(InputError) as unknown:
        evidence_of(world.ledger, 1, 5)
    assert unknown.value.code == "explain.unknown_task"
    with pytest.raises(InputError) as none:
        evidence_of(world.ledger, 1, 0, attempt=3)
    assert none.value.code == "audit.no_submission"


def test_a_cid_of_something_else_is_no_report(tmp_path: Path) -> None:
    world = World()
    with pytest.raises(EvidenceError) as other:
        fetch_report(world.scene, source=world.theirs, timeout=1.0)
    assert other.value.code == "report.missing"
    with pytest.raises(EvidenceError) as block:
        fetch_report(world.manifest_cid, source=world.theirs, timeout=1.0)
    assert block.value.code == "report.malformed"
    with pytest.raises(InputError) as file:
        read_report(tmp_path / "nowhere")
    assert file.value.code == "report.missing"
