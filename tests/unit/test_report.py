"""The report: one for machines, one for people."""

from __future__ import annotations

import html
import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tileproof.audit.compare import compare_tiles, pixel_digest
from tileproof.audit.explain import by_themselves
from tileproof.audit.page import FinishPictures, TilePictures, overview, to_html
from tileproof.audit.plan import plan_audit
from tileproof.audit.report import (
    AuditReport,
    FinishRecord,
    Machine,
    SeedSource,
    TileRecord,
    Timings,
    Work,
    to_json,
)
from tileproof.audit.screen import Finding, Oddity
from tileproof.domain.cid import Cid, Codec
from tileproof.domain.job import Address, Ground, Outcome, Question, TaskAppeal, Verdict
from tileproof.domain.policy import default_policy
from tileproof.domain.sampling import RoundId, SampleTile, audit_seed, sample_tiles
from tileproof.domain.tiles import Tile
from tileproof.domain.verdict import (
    Confirmation,
    FileFault,
    Judgement,
    Standing,
    inconclusive,
    judge_files,
    unavailable,
)

from .test_manifest import MANIFEST
from .test_manifest import canonical as dumped

OF = RoundId(0x534E, Address(5), 1, 0, 0, 0)
RESULT = Cid(Codec.DAG_PB, b"\7" * 32)
SEED = audit_seed(OF, RESULT, 99)


def picture(frame: int) -> np.ndarray:
    y, x = np.mgrid[0:270, 0:480]
    return np.stack([(x // 2 + 40 * frame) % 256, y % 256, (x * y) % 251], axis=2).astype(np.uint8)


def crop(pixels: np.ndarray, tile: Tile) -> np.ndarray:
    return pixels[tile.y0 : tile.y1, tile.x0 : tile.x1]


def rejected() -> tuple[AuditReport, list[TilePictures]]:
    """Frame 2 was handed in a little too bright."""
    submitted = {1: picture(1), 2: np.clip(picture(2).astype(int) + 3, 0, 255).astype(np.uint8)}
    samples: tuple[SampleTile, ...] = sample_tiles(SEED, MANIFEST, 0)
    pictures = [
        TilePictures(at, crop(submitted[s.frame], s.tile), crop(picture(s.frame), s.tile))
        for at, s in enumerate(samples)
    ]
    records = tuple(
        TileRecord(
            s,
            pixel_digest(p.submitted),
            pixel_digest(p.rendered),
            compare_tiles(p.submitted, p.rendered),
            0.2,
        )
        for s, p in zip(samples, pictures, strict=True)
    )
    equal = [record.score.equal for record in records]
    digest = records[equal.index(False)].rendered
    confirmation = Confirmation(equal.index(False), digest, (digest, digest))
    report = AuditReport(
        of=OF,
        manifest=Cid(Codec.RAW, b"\1" * 32),
        result=RESULT,
        seed=SeedSource(SEED, 41, 99),
        work=Work(
            MANIFEST.name,
            MANIFEST.audit,
            MANIFEST.settings,
            MANIFEST.tasks[0],
            plan_audit(MANIFEST, 0, 5_000),
            samples,
        ),
        machine=Machine("4.5.15 abc", "cpu-x86_64-avx2", "a CPU", "bubblewrap"),
        tiles=records,
        confirmation=confirmation,
        faults=(),
        findings=(Finding(Oddity.REPEATED, 2, "the same pixels as frame 1"),),
        judgement=Judgement(
            Verdict.REJECT, Ground.TILE, equal.index(False), f"{equal.count(False)} of 16 sample tiles differ"
        ),
        timings=Timings(1.0, 0.5, 2.0, 3.0, 4.0),
        made_at=1_800_000_000,
    )
    return report, pictures


def test_the_json_is_canonical_and_complete() -> None:
    report, _ = rejected()
    data = to_json(report)
    said = json.loads(data)
    assert data == dumped(said)
    assert (said["verdict"], said["ground"]) == ("Reject", "Tile")
    assert [tile["equal"] for tile in said["tiles"]] == [t.score.equal for t in report.tiles]
    assert {tile["psnr_db"] is None for tile in said["tiles"] if tile["equal"]} == {True}
    assert said["work"]["plan"]["sample_tiles"] == 16
    assert said["confirmation"]["agrees"] is True


def test_the_page_shows_both_versions_and_their_difference() -> None:
    report, pictures = rejected()
    page = to_html(report, pictures[:4], [overview(1, picture(1)), overview(2, picture(2))])
    assert page.count("data:image/png;base64,") == 4 * 3 + 2
    assert "Rejected" in page
    assert "Rendered twice more" in page
    assert hex(SEED) in page
    assert page.count("<rect ") == 16


def test_the_page_loads_nothing_and_runs_nothing() -> None:
    report, pictures = rejected()
    page = to_html(report, pictures, [])
    assert "<script" not in page
    assert not re.search(r"""(src|href)\s*=\s*["'](?!data:)""", page)
    assert "default-src 'none'" in page


def finished(frame: int, submitted: np.ndarray, rendered: np.ndarray) -> FinishRecord:
    score = compare_tiles(submitted, rendered)
    return FinishRecord(frame, pixel_digest(submitted), pixel_digest(rendered), score, 0.4)


def test_a_picture_finished_otherwise_is_shown_with_what_it_should_be() -> None:
    """The passes of both frames are right; frame 2's final picture was brightened."""
    report, _ = rejected()
    equal = tuple(replace(t, score=replace(t.score, equal=True, equal_share=1.0)) for t in report.tiles)
    submitted, right = np.clip(picture(2).astype(int) + 3, 0, 255).astype(np.uint8), picture(2)
    finishes = (finished(1, picture(1), picture(1)), finished(2, submitted, right))
    of_passes = replace(report, tiles=equal, finishes=finishes)
    assert [of_passes.is_good(at) for at in range(16)] == [t.sample.frame == 1 for t in equal]
    said = json.loads(to_json(of_passes))["finishes"]
    assert [(each["frame"], each["equal"]) for each in said] == [(1, True), (2, False)]
    page = to_html(of_passes, [], [overview(2, right)], [FinishPictures(2, submitted, right)])
    assert "The noisy picture is right" in page
    assert "1 of 2 final pictures differ<" in page
    assert page.count("data:image/png;base64,") == 3 + 1
    assert page.count('stroke="#ff4b33"') == sum(t.sample.frame == 2 for t in equal)


def test_in_a_lane_with_a_gate_near_enough_is_good_and_between_accuses_nobody() -> None:
    report, pictures = rejected()
    assert report.work is not None
    gated = replace(report.work, policy=default_policy("calibrated", 64, 16))
    near, between = (
        replace(report.tiles[0], score=replace(report.tiles[0].score, equal=False, psnr_db=db))
        for db in (70.0, 57.0)
    )
    of_gate = replace(
        report,
        work=gated,
        tiles=(near, between, *report.tiles[2:]),
        confirmation=None,
        judgement=inconclusive("1 of 16 sample tiles is outside the gate"),
    )
    assert [of_gate.standing(0), of_gate.standing(1)] == [Standing.WITHIN, Standing.BETWEEN]
    assert [tile["standing"] for tile in json.loads(to_json(of_gate))["tiles"]][:2] == ["within", "between"]
    page = to_html(of_gate, pictures[:2], [overview(2, picture(2))])
    assert "within the gate" in page
    assert 'stroke="#ffd257"' in page
    assert "accepted from 60 dB" in page
    assert "honest work is exact" not in page


def test_the_page_says_what_likeness_alone_would_have_said() -> None:
    """Three levels brighter: every hash and the PSNR let all sixteen tiles pass, ten of them wrong."""
    report, _ = rejected()
    alone = by_themselves(report)
    assert {each.name for each in alone} == {"PSNR", "pHash", "dHash", "wHash"}
    assert all((each.passed, each.missed, each.accused) == (16, 10, 0) for each in alone)
    assert "pHash alone" in to_html(report, [], [])


def test_passes_are_shown_as_a_viewer_would_show_them() -> None:
    """Scene-linear half floats: middle grey is 118 of 255 and what is brighter than white is white."""
    passes = np.full((8, 8, 9), 0.18, np.float16)
    passes[0, :, :3], passes[1, :, :3] = np.inf, np.nan
    small = overview(1, passes).picture
    assert small.shape == (8, 8, 3)
    assert (small[0] == 255).all()
    assert (small[1] == 0).all()
    assert (small[2:] == 118).all()


def test_passes_of_a_tile_have_pictures_and_their_difference() -> None:
    report, pictures = rejected()
    passes = np.random.default_rng(1).normal(0.4, 0.3, (32, 48, 9)).astype(np.float16)
    other = passes.copy()
    other[4:8, 4:8, 6] += np.float16(0.25)  # a normal alone
    page = to_html(report, [TilePictures(pictures[0].index, other, passes)], [])
    assert page.count("data:image/png;base64,") == 3


def test_a_hostile_name_is_text_and_nothing_else() -> None:
    report, _ = rejected()
    assert report.work is not None
    hostile = replace(report, work=replace(report.work, name="<img src=x onerror=alert(1)>\"'"))
    page = to_html(hostile, [], [])
    assert "<img src=x" not in page
    assert "&lt;img src=x" in page


@pytest.mark.parametrize("judgement", [unavailable("nobody served it"), inconclusive("the scene drifts")])
def test_a_report_without_a_judged_tile_is_still_a_report(judgement: Judgement, tmp_path: Path) -> None:
    report, _ = rejected()
    bare = replace(
        report, work=None, machine=None, tiles=(), confirmation=None, findings=(), judgement=judgement
    )
    assert json.loads(to_json(bare))["tiles"] == []
    assert "Every tile" not in to_html(bare, [], [])


def test_a_missing_picture_is_named_by_its_frame() -> None:
    report, _ = rejected()
    faults = (FileFault(1, Ground.MISSING),)
    judgement = judge_files(faults)
    assert judgement is not None
    faulty = replace(report, tiles=(), confirmation=None, faults=faults, judgement=judgement)
    assert re.search(r"<td>2</td><td>The picture is missing", to_html(faulty, [], []))


def test_an_overview_is_small_and_keeps_its_shape() -> None:
    small = overview(7, np.zeros((1080, 1920, 3), np.uint8)).picture
    assert small.shape == (360, 640, 3)


@pytest.mark.parametrize(
    ("against", "question", "who", "asked"),
    [
        (Outcome.REJECTED, Question.LISTED_TILE, "the reject of round 2", "tile 5 of that round's list"),
        (
            Outcome.ACCEPTED,
            Question.NAMED_TILE,
            "the accept of round 2",
            "tile 5 of the picture",
        ),
        (Outcome.NOT_DRAWN, Question.NAMED_TILE, "not drawn for an audit", "(frame 2) is as the scene"),
        (Outcome.REJECTED, Question.PICTURE, "the reject of round 2", "(frame 2) is there"),
        (
            Outcome.UNAVAILABLE,
            Question.WHOLE,
            "the unavailable verdict of round 2",
            "on a fresh list",
        ),
    ],
)
def test_an_appeal_is_told_to_machines_and_people(
    against: Outcome, question: Question, who: str, asked: str
) -> None:
    report, pictures = rejected()
    appeal = TaskAppeal(Address(0xBB), against, question, 1, 5, 100, 1, 77, (1,), (None,))
    under_appeal = replace(report, appeal=appeal)
    said = json.loads(to_json(under_appeal))["appeal"]
    assert (said["against"], said["question"], said["first_seed"]) == (against.value, question.value, "0x4d")
    page = html.unescape(to_html(under_appeal, pictures, []))
    assert "Tileproof appeal" in page
    assert f"{Address(0xBB)} appealed against" in page
    assert who in page
    assert asked in page


def test_one_tile_under_appeal_is_no_sample_and_the_page_promises_none() -> None:
    report, pictures = rejected()
    assert report.work is not None
    one = replace(report, work=replace(report.work, plan=None), appeal=None)
    assert json.loads(to_json(one))["work"]["plan"] is None
    page = to_html(one, pictures, [overview(1, picture(1))])
    assert "What such an audit finds" not in page
    assert "Nobody could know these places" not in page


def test_a_report_of_no_appeal_says_nothing_of_one() -> None:
    report, _ = rejected()
    assert json.loads(to_json(report))["appeal"] is None
    assert "appealed" not in to_html(report, [], [])
