"""A stranger's report.json: read whole, or refused; never half believed."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tileproof.audit import reading
from tileproof.audit.reading import from_json
from tileproof.audit.report import AuditReport, SeedSource, to_json
from tileproof.audit.traits import traits_of
from tileproof.domain.errors import EvidenceError
from tileproof.domain.job import Address, Ground, Outcome, Question, TaskAppeal, Verdict
from tileproof.domain.verdict import FileFault, inconclusive, judge_files, unavailable

from .test_manifest import canonical
from .test_report import finished, picture, rejected

APPEAL = TaskAppeal(
    Address(0xBB), Outcome.REJECTED, Question.LISTED_TILE, 0, 5, 100, 1, 77, (1, 4), (Verdict.REJECT, None)
)


def whole() -> AuditReport:
    """A report with something in every place."""
    report, pictures = rejected()
    tiles = tuple(
        replace(tile, traits=traits_of(shown.submitted, shown.rendered))
        for tile, shown in zip(report.tiles, pictures, strict=True)
    )
    other = np.clip(picture(2).astype(int) + 3, 0, 255).astype(np.uint8)
    finishes = (finished(1, picture(1), picture(1)), finished(2, other, picture(2)))
    return replace(report, tiles=tiles, finishes=finishes, appeal=APPEAL)


REPORT = whole()
DATA = to_json(REPORT)


def unjudged(report: AuditReport) -> AuditReport:
    return replace(report, machine=None, tiles=(), finishes=(), confirmation=None, appeal=None)


def faulty(report: AuditReport) -> AuditReport:
    faults = (FileFault(1, Ground.MISSING),)
    judgement = judge_files(faults)
    assert judgement is not None
    return replace(unjudged(report), faults=faults, judgement=judgement)


@pytest.mark.parametrize(
    "report",
    [
        REPORT,
        rejected()[0],
        faulty(REPORT),
        replace(unjudged(REPORT), judgement=inconclusive("the scene drifts")),
        replace(unjudged(REPORT), work=None, judgement=unavailable("nobody served the manifest")),
        replace(REPORT, seed=SeedSource(12, 0, None)),
    ],
    ids=["everything", "a reject", "a missing picture", "inconclusive", "no manifest", "a given seed"],
)
def test_what_was_written_is_read_back_whole(report: AuditReport) -> None:
    assert from_json(to_json(report)) == report


def changed(change: Callable[[Any], object]) -> bytes:
    said = json.loads(DATA)
    change(said)
    return canonical(said)


@pytest.mark.parametrize(
    "change",
    [
        lambda r: r.update(version=1),
        lambda r: r.update(extra=1),
        lambda r: r["seed"].update(extra=1),
        lambda r: r.pop("judgement", None) or r.pop("verdict"),
        lambda r: r.update(chain_id="0x0534e"),
        lambda r: r.update(chain_id=hex(2**252)),
        lambda r: r.update(contract="0x5"),
        lambda r: r.update(manifest="Qmabc"),
        lambda r: r.update(job_id=True),
        lambda r: r.update(job_id=0),
        lambda r: r.update(made_at=1.5),
        lambda r: r.update(reason=""),
        lambda r: r.update(reason="\u202eturned"),
        lambda r: r.update(verdict="accept"),
        lambda r: r["seed"].update(derivation="trust me"),
        lambda r: r["work"].update(frames="2,1"),
        lambda r: r["work"].update(frames="1-99999999"),
        lambda r: r["work"]["settings"].update(width_px="480"),
        lambda r: r["work"]["settings"].update(width_px=10),
        lambda r: r["work"]["policy"].pop("lane"),
        lambda r: r["work"].update(region=[0, 0, 0, 270]),
        lambda r: r["work"]["samples"].pop(),
        lambda r: r["work"]["samples"][3].update(frame=77),
        lambda r: r["tiles"].pop(),
        lambda r: r["tiles"][0].update(index=1),
        lambda r: r["tiles"][0].update(submitted="Z" * 64),
        lambda r: r["tiles"][0].update(equal_share=1.5),
        lambda r: r["tiles"][0].update(psnr_db="high"),
        lambda r: r["tiles"][0].update(phash=65),
        lambda r: r["confirmation"].update(index=4000),
        lambda r: r["confirmation"].update(agrees=False),
        lambda r: r["confirmation"].update(fresh=["a", "b"]),
        lambda r: r["faults"].append({"position": 9, "ground": "Missing"}),
        lambda r: r["faults"].append({"position": 0, "ground": "Tile"}),
        lambda r: r["findings"][0].update(kind="odd"),
        lambda r: r["finishes"].append(r["finishes"][0]),
        lambda r: r["finishes"][0].update(frame=3),
        lambda r: r["appeal"].update(against="Undecided"),
        lambda r: r["appeal"].update(first_verdicts=["Maybe"]),
        lambda r: r["appeal"].update(first_seed=None),
        lambda r: r["confirmation"].update(alike=["equal", "nearly"]),
        lambda r: r["tiles"][0].update(standing="within"),
        lambda r: r["appeal"].update(first_seats=[-1]),
        lambda r: r.update(work=None),
        lambda r: r.update(tiles=[[]]),
        lambda r: r.update(tiles=r["tiles"] * 300),
        lambda r: r["timings"].update(fetch=-1.0),
        lambda r: next(t for t in r["tiles"] if t["traits"])["traits"].update(box=[0, 0, 65_536, 1]),
        lambda r: next(t for t in r["tiles"] if t["traits"])["traits"].update(shift=["1", 0.0, 0.0]),
        lambda r: next(t for t in r["tiles"] if t["traits"])["traits"].update(channels="XYZ"),
    ],
)
def test_a_report_that_we_would_not_have_written_is_refused(change: Callable[[Any], object]) -> None:
    with pytest.raises(EvidenceError) as refused:
        from_json(changed(change))
    assert refused.value.code == "report.malformed"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b"\xff\xfe",
        b"{" * 100_000,
        DATA + b"\n",
        DATA.replace(b'"version":3', b'"version":3,"version":3'),
        DATA.replace(b'"round":0', b'"round":0.0'),
        DATA.replace(b'"attempt":0', b'"attempt":' + b"9" * 5_000),
        b'{"version":NaN}',
    ],
)
def test_bytes_that_are_no_report_are_refused(data: bytes) -> None:
    with pytest.raises(EvidenceError, match="the report cannot be used"):
        from_json(data)


def test_more_bytes_than_any_report_has_are_not_parsed() -> None:
    with pytest.raises(EvidenceError) as refused:
        from_json(b" " * (reading.MAX_BYTES + 1))
    assert refused.value.code == "report.too_large"


junk = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


def places(value: object) -> list[tuple[Any, Any]]:
    """Every (container, key) of a document."""
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    found: list[tuple[Any, Any]] = []
    for key, each in inside:
        found += [(value, key), *places(each)]
    return found


@pytest.mark.slow
@settings(max_examples=300, deadline=None)
@given(st.data())
def test_one_value_replaced_by_anything_is_refused_or_read_as_it_is(data: st.DataObject) -> None:
    said = json.loads(DATA)
    container, key = data.draw(st.sampled_from(places(said)))
    container[key] = data.draw(junk)
    try:
        changed_data = canonical(said)
    except UnicodeEncodeError:  # a lone surrogate is no JSON text at all
        return
    try:
        report = from_json(changed_data)
    except EvidenceError:
        return
    assert to_json(report) == changed_data
