"""What verifiers found odd reaches the requester, as their word."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from tileproof.audit.report import AuditReport, to_json
from tileproof.audit.screen import Finding, Oddity
from tileproof.cli.show_appeal import preview_json, show_preview
from tileproof.client.preview import Preview, preview
from tileproof.client.reports import evidence_named, first_report
from tileproof.client.status import JobStatus, read_status
from tileproof.domain.cid import Cid
from tileproof.domain.job import TaskState

from ..fakes.images import FakeDecoder
from .test_client_preview import World, world
from .test_report import rejected
from .verifier_world import World as Audited

__all__ = ["world"]

UNLIKE = Finding(
    Oddity.UNLIKE_PREVIEW, 3, "pHash 40, dHash 30, wHash 31 of 64 bits away from a preview render"
)
REPORT = replace(rejected()[0], findings=(UNLIKE,), previewed=1)


def audited(tmp_path: Path) -> tuple[Audited, JobStatus]:
    """A task whose verifier has said what it saw."""
    here = Audited()
    here.submit()
    here.until(TaskState.PROVISIONAL, here.verifier(tmp_path / "verifier"))
    return here, read_status(1, ledger=here.requester)


def test_the_report_of_the_verdict_is_found_and_read(tmp_path: Path) -> None:
    here, status = audited(tmp_path)
    named = evidence_named(status, ledger=here.requester)
    report = first_report(status, 0, named[0], source=here.theirs)
    assert report is not None
    assert report.result == status.tasks[0].result
    assert report.previewed == len(here.manifest.tasks[0].frames)


def test_a_report_of_another_attempt_or_task_is_not_taken(tmp_path: Path) -> None:
    here, status = audited(tmp_path)
    named = evidence_named(status, ledger=here.requester)[0]
    later = replace(status, tasks=(replace(status.tasks[0], attempt=1),))
    assert evidence_named(later, ledger=here.requester) == {}
    assert first_report(later, 0, named, source=here.theirs) is None


def test_a_report_that_nobody_serves_or_that_is_none_is_left_out_for_the_next(tmp_path: Path) -> None:
    here, status = audited(tmp_path)
    good = evidence_named(status, ledger=here.requester)[0]
    absent = Cid.of_raw_block(b"never pinned")
    none, broken = here.theirs.put({"page.html": b""}), here.theirs.put({"report.json": b"{}"})
    report = first_report(status, 0, [absent, none, broken, *good], source=here.theirs)
    assert report is not None
    assert first_report(status, 0, [absent, none, broken], source=here.theirs) is None
    assert to_json(report) == here.theirs.files(good[0])["report.json"]


def looked(here: World, reports: Callable[[int], AuditReport | None]) -> Preview:
    return preview(
        here.status,
        here.manifest,
        None,
        here.sheet,
        store=here.store,
        decoder=FakeDecoder(),
        cache=here.tmp / "cache",
        timeout=1,
        reports=reports,
    )


def test_what_a_verifier_found_odd_is_shown_as_its_word(
    world: Callable[..., World], capsys: pytest.CaptureFixture[str]
) -> None:
    here = world()
    seen = looked(here, {2: REPORT}.get)
    [odd] = seen.odd
    assert (odd.task, odd.frame, odd.what) == (2, 3, "unlike_preview")
    assert odd.detail.endswith("a preview render, says a verifier")
    show_preview(seen, here.status, block=100, block_seconds=2.0)
    out = capsys.readouterr().out
    assert "task 2, frame 3: unlike preview, pHash 40" in out
    assert "verifiers held 1 picture against small renders of their own" in out
    assert preview_json(seen, here.status)["previewed"] == 1


def test_a_report_says_nothing_of_pictures_that_its_task_has_not(world: Callable[..., World]) -> None:
    assert looked(world(), {1: REPORT}.get).odd == ()


def test_what_we_see_ourselves_is_said_once(world: Callable[..., World]) -> None:
    here = world()
    here.paint(2, (9, 9, 9))
    told = replace(REPORT, findings=(Finding(Oddity.BLANK, 3, "every pixel has the same colour"),))
    assert [o.what for o in looked(here, {2: told}.get).odd].count("blank") == 1
