"""A verdict in words for an artist: what, where, why, how sure, whose money, what next."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tileproof.audit.aftermath import Reckoning, money, next_steps
from tileproof.audit.causes import Cause
from tileproof.audit.compare import compare_tiles
from tileproof.audit.explain import Explanation, explain, extent, place, share, tint
from tileproof.audit.report import AuditReport, to_json
from tileproof.audit.traits import traits_of
from tileproof.cli.__main__ import command
from tileproof.cli.console import run
from tileproof.domain.cid import Cid, Codec
from tileproof.domain.job import Address, Job, Lane, Outcome, Task, TaskState, Verdict
from tileproof.domain.tiles import Tile
from tileproof.domain.verdict import inconclusive, nothing_wrong, unavailable

from .test_reading import REPORT, faulty, unjudged
from .test_report import picture, rejected
from .verifier_world import TERMS

FRAME = Tile(0, 0, 300, 200)


def sentences(told: Explanation) -> str:
    return " | ".join([told.headline, *told.seen, *told.sure])


# --- where and how much ---


@pytest.mark.parametrize(
    ("pixels", "words"),
    [
        (Tile(0, 0, 64, 64), "upper left, 64x64 pixels from 0,0 on, 6.8 % of the frame"),
        (Tile(120, 80, 180, 120), "centre, 60x40 pixels from 120,80 on, 4.0 % of the frame"),
        (Tile(240, 150, 300, 200), "lower right, 60x50 pixels from 240,150 on, 5.0 % of the frame"),
        (Tile(110, 0, 170, 1), "upper middle, 60x1 pixels from 110,0 on, 0.1 % of the frame"),
        (Tile(0, 90, 1, 91), "middle left, 1x1 pixels from 0,90 on, under 0.1 % of the frame"),
        (FRAME, "the whole frame"),
    ],
)
def test_a_place_is_told_by_part_pixels_and_share(pixels: Tile, words: str) -> None:
    assert place(pixels, FRAME) == words


@given(st.integers(0, 299), st.integers(0, 199), st.data())
def test_every_rectangle_lies_somewhere(x: int, y: int, data: st.DataObject) -> None:
    pixels = Tile(x, y, data.draw(st.integers(x + 1, 300)), data.draw(st.integers(y + 1, 200)))
    assert place(pixels, FRAME)


@pytest.mark.parametrize(
    ("part", "words"),
    [(1.0, "100 %"), (0.9999, "99 %"), (0.5, "50 %"), (0.0421, "4.2 %"), (0.0001, "under 0.1 %")],
)
def test_a_share_is_never_rounded_up(part: float, words: str) -> None:
    assert share(part) == words


def test_how_much_differs_is_told_as_eyes_would() -> None:
    honest = picture(1)[:64, :64]
    one_level, strong = honest.copy(), honest ^ 0x80
    one_level[3, 3, 0] ^= 1
    little = np.clip(honest.astype(int) + 2, 0, 255).astype(np.uint8)

    def told(other: np.ndarray) -> str:
        return extent(compare_tiles(other, honest), traits_of(other, honest))

    assert told(one_level) == "a few pixels differ, by one level of 255 or less, which nobody sees"
    assert told(little) == "nearly every pixel differs, a little (about 2 levels of 255)"
    assert told(strong) == "nearly every pixel differs, strongly (about 128 levels of 255)"


@pytest.mark.parametrize(
    ("shift", "words"),
    [
        ((3.0, 3.0, 3.0), "brighter by 3 levels on average"),
        ((-1.0, -1.0, -1.0), "darker by 1 level on average"),
        ((6.0, 0.0, 0.0), "brighter by 2 levels on average, with more red"),
        ((0.1, 0.0, 0.1), ""),
    ],
)
def test_a_tint_is_named(shift: tuple[float, float, float], words: str) -> None:
    assert tint(shift) == words


# --- what a report says ---


def test_a_reject_says_which_frame_where_why_and_that_it_is_certain() -> None:
    """Frame 2 was brightened by three levels."""
    told = explain(REPORT)
    assert told.headline == "rejected: what was handed in is not what the scene renders"
    assert "sample tiles differ from a new render: frame 2" in sentences(told)
    assert "made three times" in sentences(told)
    assert {each.frame for each in told.differences} == {2}
    assert all("of the frame" in each.where for each in told.differences if each.index is not None)
    assert any("brighter by" in each.how for each in told.differences)
    assert told.guess is not None
    assert (told.guess.cause, told.guess.certainty) == (Cause.COLOURS, "most likely")
    assert str(told.guess).startswith("most likely, brightness or colours were changed")


def test_a_finish_alone_is_told_apart_from_the_rendering() -> None:
    right = tuple(
        replace(t, score=replace(t.score, equal=True, equal_share=1.0), traits=None) for t in REPORT.tiles
    )
    other = np.clip(picture(2).astype(int) + 3, 0, 255).astype(np.uint8)
    finishes = (
        REPORT.finishes[0],
        replace(REPORT.finishes[1], traits=traits_of(other, picture(2))),
    )
    told = explain(replace(REPORT, tiles=right, finishes=finishes))
    assert told.headline == "rejected: it was rendered right and finished otherwise than agreed"
    assert [(each.frame, each.index) for each in told.differences] == [(2, None)]
    assert told.guess is not None
    assert told.guess.of == 1


def test_a_missing_picture_is_named_by_its_frame_and_needs_no_guess() -> None:
    told = explain(faulty(REPORT))
    assert "the picture of frame 2 is missing" in told.seen
    assert told.guess is None
    assert told.sure == ("certain: whoever fetches the result finds the same",)


def test_an_accept_says_what_it_would_have_found() -> None:
    report, _ = rejected()
    equal = tuple(replace(t, score=replace(t.score, equal=True)) for t in report.tiles)
    accepted = replace(report, tiles=equal, confirmation=None, judgement=nothing_wrong("all equal"))
    told = explain(accepted)
    assert told.headline.startswith("accepted")
    assert told.differences == ()
    assert "of cheats on a tenth of it, it finds" in sentences(told)


@pytest.mark.parametrize(
    "judgement", [unavailable("nobody served the result in time"), inconclusive("the scene does not repeat")]
)
def test_what_could_not_be_judged_says_nothing_about_the_pictures(judgement: Any) -> None:
    told = explain(replace(unjudged(REPORT), work=None, judgement=judgement))
    assert judgement.reason in sentences(told)
    assert "neither good nor bad" in sentences(told)
    assert told.guess is None


def test_a_report_without_traits_guesses_nothing() -> None:
    bare = tuple(replace(t, traits=None) for t in REPORT.tiles)
    assert explain(replace(REPORT, tiles=bare)).guess is None


# --- money and what next ---


def reckoning(state: TaskState, outcome: Outcome, failures: int = 0, **job: Any) -> Reckoning:
    of = Job(1, Address(5), Cid(Codec.RAW, b"\1" * 32), 1, replace(TERMS, **job), 1, False, False, 0, 0)
    task = Task(
        job_id=1,
        task=0,
        state=state,
        attempt=0,
        failures=failures,
        worker=Address(6),
        claim_block=1,
        lease_until=1,
        result=None,
        submit_block=2,
        round=0,
        seed_block=3,
        audit_seed=4,
        outcome=outcome,
        seats=(),
        committed=(),
        revealed=(),
        window_ends_block=120,
    )
    return Reckoning(of, task, 0, outcome, state.is_final, block=100)


@pytest.mark.parametrize("outcome", Outcome)
@pytest.mark.parametrize("state", TaskState)
def test_every_standing_has_words_for_money_and_for_what_is_next(state: TaskState, outcome: Outcome) -> None:
    found = reckoning(state, outcome)
    assert money(found)
    assert all(next_steps(found))


def test_a_rejected_worker_is_told_until_when_an_appeal_is_possible() -> None:
    found = reckoning(TaskState.PROVISIONAL, Outcome.REJECTED)
    assert f"loses its bond of {TERMS.worker_bond}" in money(found)[0]
    assert money(found)[0].startswith("unless an appeal changes it")
    assert (
        f"until block 120 (20 blocks from now, about 40 s), under a bond of {TERMS.appeal_bond}"
        in next_steps(found)[0]
    )
    assert "opens again" in next_steps(found)[-1]
    assert "closes" in next_steps(reckoning(TaskState.PROVISIONAL, Outcome.REJECTED, failures=2))[-1]


def test_a_requester_is_told_how_to_contest_an_accept() -> None:
    steps = next_steps(reckoning(TaskState.PROVISIONAL, Outcome.ACCEPTED))
    assert "tileproof client appeal 1 0 --tile FRAME:X,Y" in steps[0]


def test_in_the_hash_lane_nobody_loses_a_bond() -> None:
    found = reckoning(TaskState.OPEN, Outcome.REJECTED, lane=Lane.HASH)
    assert "returns less the audit's fees" in money(found)[0]


def test_a_task_that_went_on_is_not_told_as_it_was() -> None:
    found = reckoning(TaskState.CLAIMED, Outcome.REJECTED)
    later = replace(found, task=replace(found.task, attempt=1))
    assert next_steps(later)[0].startswith("the task has gone on: attempt 2 is claimed")


# --- on the command line ---


def run_explain(capsys: pytest.CaptureFixture[str], home: Path, *arguments: str) -> tuple[int, str, str]:
    status = run(command, ["--home", str(home), "verifier", "explain", *arguments])
    said = capsys.readouterr()
    return status, said.out, said.err


def kept(report: AuditReport, folder: Path) -> Path:
    folder.mkdir()
    (folder / "report.json").write_bytes(to_json(report))
    return folder


def test_a_report_on_the_disk_is_explained_without_a_network(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = kept(REPORT, tmp_path / "audit")
    status, out, _ = run_explain(capsys, tmp_path / "home", str(folder))
    assert status == 0
    assert out.startswith("Rejected: what was handed in is not what the scene renders.")
    assert "most likely, brightness or colours were changed" in out
    assert "`tileproof verifier explain 1 0` asks the ledger" in out
    status, out, _ = run_explain(capsys, tmp_path / "home", str(folder / "report.json"), "--json")
    said = json.loads(out)
    assert status == 0
    assert said["likely_cause"]["cause"] == "colours"
    assert said["report"]["verdict"] == Verdict.REJECT.value
    assert "money" not in said


@pytest.mark.parametrize(
    ("data", "code", "exit_status"),
    [
        (b'{"version":2}', "report.malformed", 5),
        (b"<html>", "report.malformed", 5),
        (None, "report.which", 2),
    ],
)
def test_what_is_no_report_is_refused_by_name(
    data: bytes | None, code: str, exit_status: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "report.json"
    if data is not None:
        file.write_bytes(data)
    status, out, err = run_explain(capsys, tmp_path / "home", str(file), "--json")
    assert (status, out) == (exit_status, "")
    assert json.loads(err.splitlines()[-1])["error"]["code"] == code


def test_a_job_is_a_number(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, _, err = run_explain(capsys, tmp_path / "home", "seven", "1", "--json")
    assert status == 2
    assert json.loads(err.splitlines()[-1])["error"]["code"] == "explain.which"
