"""``report.json`` of a stranger, read as strictly as it is written.

Accepted is only what ``to_json`` would have written: canonical, of known version, typed, within
caps, and consistent in itself. Whether it is *true* is for a replay to find out.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import TypeVar, get_type_hints

from ..domain.canonical import MAX_INTEGER, Fields, is_number, load, malformed
from ..domain.cid import Cid, parse_cid
from ..domain.errors import InputError
from ..domain.frames import MAX_FRAMES, parse_frames
from ..domain.job import Address, Ground, Outcome, Question, TaskAppeal, Verdict
from ..domain.manifest import MAX_SAMPLE_TILES, MAX_SIDE_PX, AuditPolicy, RenderSettings, TaskSpec
from ..domain.sampling import FIELD_PRIME, RoundId, SampleTile
from ..domain.tiles import Tile
from ..domain.verdict import FAULTS, Confirmation, FileFault, Judgement, Standing
from .compare import HASH_BITS, HashDistances, TileScore
from .plan import Power, SamplePlan
from .report import (
    VERSION,
    AuditReport,
    FinishRecord,
    Machine,
    SeedSource,
    TileRecord,
    Timings,
    Work,
    to_json,
)
from .screen import Finding, Oddity
from .traits import Traits

MAX_BYTES = 16 << 20
"""Every sample tile and a finding for every frame of the largest task fit in it."""
KIND = "report"

_FELT = r"0x(0|[1-9a-f][0-9a-f]{0,63})"
_DIGEST = r"[0-9a-f]{64}"
_MOST = MAX_INTEGER
_LARGEST = 1e15
_LONG = 1_024  # characters of a sentence
_T = TypeVar("_T")


def from_json(data: bytes) -> AuditReport:
    """The report that these bytes are.

    Raises EvidenceError ``report.too_large``, ``report.malformed`` (says which field).
    """
    fields = load(data, kind=KIND, max_bytes=MAX_BYTES)
    fields.integer("version", VERSION, VERSION)
    try:
        report = _report(fields)
        # What is left over, doubled or derived otherwise than we do would not come back.
        whole = to_json(report) == data
    except ValueError as error:
        raise malformed(KIND, f"it contradicts itself ({error})") from None
    if not whole:
        raise malformed(KIND, "it says more, or other things, than a report does")
    return report


def _report(fields: Fields) -> AuditReport:
    work = _maybe(fields, "work", _work)
    report = AuditReport(
        of=RoundId(
            chain_id=_felt(fields, "chain_id"),
            contract=_address(fields, "contract"),
            job_id=fields.integer("job_id", 1, _MOST),
            task=fields.integer("task", 0, 2**32 - 1),
            attempt=fields.integer("attempt", 0, 2**32 - 1),
            round=fields.integer("round", 0, 2**8 - 1),
        ),
        manifest=_cid(fields, "manifest"),
        result=_cid(fields, "result"),
        seed=_seed(fields.object("seed")),
        work=work,
        machine=_maybe(fields, "machine", lambda each: _plain(each, Machine)),
        tiles=tuple(_tile(each) for each in fields.objects("tiles", least=0, most=MAX_SAMPLE_TILES)),
        confirmation=_maybe(fields, "confirmation", _confirmation),
        faults=tuple(_fault(each) for each in fields.objects("faults", least=0, most=64)),
        findings=tuple(_finding(e) for e in fields.objects("findings", least=0, most=3 * MAX_FRAMES)),
        judgement=Judgement(
            verdict=Verdict(fields.choice("verdict", *(each.value for each in Verdict))),
            ground=Ground(fields.choice("ground", *(each.value for each in Ground))),
            index=fields.integer("index", 0, _MOST),
            reason=fields.text("reason", most=_LONG, like=r"\S.*"),
        ),
        timings=_plain(fields.object("timings"), Timings),
        made_at=fields.integer("made_at", 0, _MOST),
        appeal=_maybe(fields, "appeal", _appeal),
        finishes=tuple(_finish(e) for e in fields.objects("finishes", least=0, most=MAX_SAMPLE_TILES)),
        previewed=fields.integer("previewed", 0, MAX_FRAMES),
    )
    _check(report)
    return report


def _check(report: AuditReport) -> None:
    """What the page and a replay count on."""
    appeal, work = report.appeal, report.work
    if appeal is not None and appeal.question is Question.LISTED_TILE and appeal.first_seed is None:
        raise ValueError("it asks about a tile of a list that was never drawn")
    if work is None:
        if report.tiles or report.finishes or report.faults or report.previewed:
            raise ValueError("it judges what it has no manifest of")
        return
    frames = set(work.spec.frames)
    if any(s.frame not in frames or not work.spec.region.contains(s.tile) for s in work.samples):
        raise ValueError("a sample tile is none of the task's")
    if not work.settings.full_frame.contains(work.spec.region):
        raise ValueError("the region leaves the frame")
    if report.tiles and tuple(tile.sample for tile in report.tiles) != work.samples:
        raise ValueError("the judged tiles are not the sample tiles")
    if report.previewed > len(frames):
        raise ValueError("more frames were previewed than the task has")
    if any(fault.position >= len(work.spec.frames) for fault in report.faults):
        raise ValueError("a faulty picture is none of the task's")
    finished = [finish.frame for finish in report.finishes]
    if len(set(finished)) != len(finished) or not frames.issuperset(finished):
        raise ValueError("a finished frame is none of the task's")
    if report.confirmation is not None and report.confirmation.index >= len(work.samples):
        raise ValueError("the tile rendered twice more is none of the list")
    for tile in report.tiles:
        box = tile.traits.box if tile.traits is not None else None
        if box is not None and (box.x1 > tile.sample.tile.width or box.y1 > tile.sample.tile.height):
            raise ValueError("what differs lies outside its tile")


def _seed(fields: Fields) -> SeedSource:
    block_hash = fields.take("block_hash")
    return SeedSource(
        seed=_felt(fields, "audit_seed"),
        seed_block=fields.integer("block", 0, _MOST),
        block_hash=None if block_hash is None else _as_felt(fields, "block_hash", block_hash),
    )


def _work(fields: Fields) -> Work:
    text = fields.text("frames", most=100_000)
    try:
        frames = parse_frames(text, at_most=MAX_FRAMES)
    except InputError:
        raise fields.fail("frames", "is no list of frames") from None
    policy = _plain(fields.object("policy"), AuditPolicy)
    return Work(
        name=fields.text("name"),
        policy=policy,
        settings=_plain(fields.object("settings"), RenderSettings),
        spec=TaskSpec(frames, _box(fields, "region")),
        plan=_maybe(fields, "plan", lambda each: _plan(each, policy)),
        samples=tuple(
            SampleTile(each.integer("frame", 0, _MOST), _box(each, "tile"))
            for each in fields.objects("samples", least=0, most=MAX_SAMPLE_TILES)
        ),
    )


def _plan(fields: Fields, policy: AuditPolicy) -> SamplePlan:
    return SamplePlan(
        total=fields.integer("total_tiles", 1, _MOST),
        sampled=fields.integer("sample_tiles", 1, MAX_SAMPLE_TILES),
        tile_px=policy.tile_px,
        area_share=fields.number("area_share", 0.0, _LARGEST),
        audit_rate=fields.number("audit_rate", 0.0, 1.0),
        powers=tuple(
            Power(
                share=each.number("share", 0.0, 1.0),
                tampered=each.integer("tiles", 0, _MOST),
                detection=each.number("probability", 0.0, 1.0),
            )
            for each in fields.objects("detection", least=0, most=64)
        ),
    )


def _tile(fields: Fields) -> TileRecord:
    return TileRecord(
        sample=SampleTile(fields.integer("frame", 0, _MOST), _box(fields, "tile")),
        submitted=fields.text("submitted", like=_DIGEST),
        rendered=fields.text("rendered", like=_DIGEST),
        score=_score(fields),
        seconds=fields.number("seconds", 0.0, _LARGEST),
        traits=_maybe(fields, "traits", _traits),
    )


def _finish(fields: Fields) -> FinishRecord:
    return FinishRecord(
        frame=fields.integer("frame", 0, _MOST),
        submitted=fields.text("submitted", like=_DIGEST),
        rendered=fields.text("rendered", like=_DIGEST),
        score=_score(fields),
        seconds=fields.number("seconds", 0.0, _LARGEST),
        traits=_maybe(fields, "traits", _traits),
    )


def _score(fields: Fields) -> TileScore:
    psnr = fields.take("psnr_db")
    if psnr is not None and not (is_number(psnr) and abs(float(str(psnr))) <= _LARGEST):
        raise fields.fail("psnr_db", "is neither null nor a number")
    return TileScore(
        equal=fields.flag("equal"),
        equal_share=fields.number("equal_share", 0.0, 1.0),
        max_difference=fields.number("max_difference", 0.0, _LARGEST),
        psnr_db=math.inf if psnr is None else float(str(psnr)),
        hashes=HashDistances(*(fields.integer(n, 0, HASH_BITS) for n in ("phash", "dhash", "whash"))),
    )


def _traits(fields: Fields) -> Traits:
    shift = fields.items("shift", least=3, most=3)
    if not all(is_number(each) and abs(float(str(each))) <= 255 for each in shift):
        raise fields.fail("shift", "is not three differences of levels")
    red, green, blue = (float(str(each)) for each in shift)
    return Traits(
        box=_box(fields, "box"),
        filled=fields.number("filled", 0.0, 1.0),
        spread=fields.number("spread", 0.0, 1.0),
        difference=fields.number("difference", 0.0, 255.0),
        unexplained=fields.number("unexplained", 0.0, 255.0),
        shift=(red, green, blue),
        sharpness=fields.number("sharpness", 0.0, _LARGEST),
        likeness=fields.number("likeness", -1.0, 1.0),
        channels=fields.text("channels", like="[RGB]{3}"),
        blank=fields.flag("blank"),
    )


def _confirmation(fields: Fields) -> Confirmation:
    fresh = fields.items("fresh", least=2, most=2)
    if not all(isinstance(each, str) and len(each) == 64 for each in fresh):
        raise fields.fail("fresh", "is not two digests")
    alike = fields.take("alike")
    if alike is not None and not (isinstance(alike, list) and len(alike) == 2):
        raise fields.fail("alike", "is not two standings")
    return Confirmation(
        index=fields.integer("index", 0, MAX_SAMPLE_TILES),
        audited=fields.text("audited", like=_DIGEST),
        fresh=(str(fresh[0]), str(fresh[1])),
        alike=None if alike is None else (Standing(alike[0]), Standing(alike[1])),
    )


def _fault(fields: Fields) -> FileFault:
    ground = Ground(fields.choice("ground", *(each.value for each in FAULTS)))
    return FileFault(fields.integer("position", 0, _MOST), ground)


def _finding(fields: Fields) -> Finding:
    return Finding(
        oddity=Oddity(fields.choice("kind", *(each.value for each in Oddity))),
        frame=fields.integer("frame", 0, _MOST),
        detail=fields.text("detail", most=_LONG),
    )


def _appeal(fields: Fields) -> TaskAppeal:
    outcomes = (Outcome.ACCEPTED, Outcome.NOT_DRAWN, Outcome.REJECTED, Outcome.UNAVAILABLE)
    first_seed = fields.take("first_seed")
    seats = fields.items("first_seats", least=0, most=1_024)
    said = fields.items("first_verdicts", least=0, most=1_024)
    if not all(isinstance(seat, int) and 0 <= seat < 2**32 for seat in seats):
        raise fields.fail("first_seats", "is not a list of seats")
    return TaskAppeal(
        appellant=_address(fields, "appellant"),
        against=Outcome(fields.choice("against", *(each.value for each in outcomes))),
        question=Question(fields.choice("question", *(each.value for each in Question))),
        position=fields.integer("position", 0, _MOST),
        tile=fields.integer("tile", 0, _MOST),
        raised_block=fields.integer("raised_block", 0, _MOST),
        first_round=fields.integer("first_round", 0, 2**8 - 1),
        first_seed=None if first_seed is None else _as_felt(fields, "first_seed", first_seed),
        first_seats=tuple(int(str(seat)) for seat in seats),
        first_verdicts=tuple(None if each is None else Verdict(each) for each in said),
    )


def _maybe(fields: Fields, name: str, read: Callable[[Fields], _T]) -> _T | None:
    value = fields.take(name)
    return None if value is None else read(Fields(value, KIND, f"{name}."))


def _plain(fields: Fields, record: type[_T]) -> _T:
    """A record of plain values, whatever its fields are called."""
    read: dict[object, Callable[[str], object]] = {
        bool: fields.flag,
        int: lambda name: fields.integer(name, 0, _MOST),
        float: lambda name: fields.number(name, 0.0, _LARGEST),
        str: fields.text,
    }
    return record(**{name: read[kind](name) for name, kind in get_type_hints(record).items()})


def _box(fields: Fields, name: str) -> Tile:
    edges = fields.items(name, least=4, most=4)
    if not all(type(edge) is int and 0 <= edge <= MAX_SIDE_PX for edge in edges):
        raise fields.fail(name, "is not four edges in pixels")
    x0, y0, x1, y1 = (int(str(edge)) for edge in edges)
    if not (x0 < x1 and y0 < y1):
        raise fields.fail(name, "is not a rectangle of pixels")
    return Tile(x0, y0, x1, y1)


def _cid(fields: Fields, name: str) -> Cid:
    try:
        return parse_cid(fields.text(name))
    except InputError:
        raise fields.fail(name, "is not a CID") from None


def _address(fields: Fields, name: str) -> Address:
    felt = int(fields.text(name, like=r"0x[0-9a-f]{64}"), 16)
    if felt >= 2**251:
        raise fields.fail(name, "is not an address")
    return Address(felt)


def _felt(fields: Fields, name: str) -> int:
    return _as_felt(fields, name, fields.take(name))


def _as_felt(fields: Fields, name: str, value: object) -> int:
    number = int(value, 16) if isinstance(value, str) and re.fullmatch(_FELT, value) else FIELD_PRIME
    if number >= FIELD_PRIME:
        raise fields.fail(name, "is not a felt in hex")
    return number
