"""What an audit saw, as a record that machines replay; the page that people read is ``page``'s."""

from __future__ import annotations

import math
from dataclasses import dataclass

from ..domain.canonical import dump
from ..domain.cid import Cid
from ..domain.frames import format_frames
from ..domain.job import TaskAppeal
from ..domain.manifest import AuditPolicy, RenderSettings, TaskSpec
from ..domain.sampling import RoundId, SampleTile
from ..domain.tiles import Tile
from ..domain.verdict import Confirmation, FileFault, Judgement, Standing
from .appealed import appeal_json, describe_appeal
from .compare import TileScore
from .lanes import stand, worst
from .plan import SamplePlan
from .screen import Finding
from .traits import Traits

VERSION = 3
FINE = (Standing.EQUAL, Standing.WITHIN)
"""What a tile that counts as good may be."""


@dataclass(frozen=True, slots=True)
class SeedSource:
    """Where the audit seed came from, so that anyone can derive it again.

    ``block_hash`` is None when the seed was given, and not derived here.
    """

    seed: int
    seed_block: int
    block_hash: int | None


@dataclass(frozen=True, slots=True)
class Machine:
    """What re-rendered, in its own words."""

    blender_build: str
    device_class: str
    device: str
    sandbox: str


@dataclass(frozen=True, slots=True)
class TileRecord:
    """One sample tile: who said what, and how far apart they are."""

    sample: SampleTile
    submitted: str  # digests of decoded pixels
    rendered: str
    score: TileScore
    seconds: float  # the re-render
    traits: Traits | None = None  # of what differs; None when equal


@dataclass(frozen=True, slots=True)
class FinishRecord:
    """One frame's final picture, finished again from its submitted passes."""

    frame: int
    submitted: str  # digests of decoded pixels
    rendered: str
    score: TileScore
    seconds: float  # the finish
    traits: Traits | None = None  # of what differs; None when equal


@dataclass(frozen=True, slots=True)
class Timings:
    """Where the audit's wall-clock seconds went."""

    fetch: float
    screen: float
    load: float
    render: float
    confirm: float
    finish: float = 0.0


@dataclass(frozen=True, slots=True)
class Work:
    """What the manifest asks of the worker, and of its auditors."""

    name: str  # the job's, for people
    policy: AuditPolicy
    settings: RenderSettings
    spec: TaskSpec
    plan: SamplePlan | None  # None where an appeal asks for less than a sample
    samples: tuple[SampleTile, ...]


@dataclass(frozen=True, slots=True)
class AuditReport:
    """Everything a verdict rests on. ``tiles`` is empty when no tile was judged."""

    of: RoundId
    manifest: Cid
    result: Cid
    seed: SeedSource
    work: Work | None  # None when the manifest could not be had or used
    machine: Machine | None
    tiles: tuple[TileRecord, ...]
    confirmation: Confirmation | None
    faults: tuple[FileFault, ...]
    findings: tuple[Finding, ...]
    judgement: Judgement
    timings: Timings
    made_at: int  # Unix seconds
    appeal: TaskAppeal | None = None  # when the round is an appeal's
    finishes: tuple[FinishRecord, ...] = ()  # of the sampled frames, where the job has passes
    previewed: int = 0  # frames that were held against a small render

    @property
    def appealed(self) -> tuple[str, ...]:
        """The appeal in sentences without their full stops; none when there is no appeal."""
        if self.appeal is None:
            return ()
        return describe_appeal(self.appeal, None if self.work is None else self.work.spec.frames)

    @property
    def equal_tiles(self) -> int:
        return sum(tile.score.equal for tile in self.tiles)

    @property
    def worst_psnr_db(self) -> float:
        """Infinite when every judged tile is equal."""
        return min((tile.score.psnr_db for tile in self.tiles), default=math.inf)

    @property
    def worst_phash(self) -> int:
        return max((tile.score.hashes.phash for tile in self.tiles), default=0)

    @property
    def equal_finishes(self) -> int:
        return sum(finish.score.equal for finish in self.finishes)

    def finish_of(self, frame: int) -> FinishRecord | None:
        return next((each for each in self.finishes if each.frame == frame), None)

    def stands(self, score: TileScore) -> Standing:
        """How a score of this audit stands by the job's lane. Raises ValueError without a manifest."""
        if self.work is None:
            raise ValueError("nothing is judged without a policy")
        return stand(score, self.work.policy)

    def standing(self, index: int) -> Standing:
        """How a judged tile counts: as its pixels stand, or the finish of its frame where that is worse."""
        tile = self.tiles[index]
        finish = self.finish_of(tile.sample.frame)
        own = self.stands(tile.score)
        return own if finish is None else worst((own, self.stands(finish.score)))

    def is_good(self, index: int) -> bool:
        """Whether a judged tile counts as equal, or within the gate of a lane that has one."""
        return self.standing(index) in FINE

    @property
    def good_tiles(self) -> int:
        return sum(self.is_good(index) for index in range(len(self.tiles)))


def to_json(report: AuditReport) -> bytes:
    """``report.json``: canonical, complete, without pictures.

    Felts are 0x-hex, digests are hex, an infinite PSNR is null (equal pictures).
    """
    of = report.of
    return dump(
        {
            "version": VERSION,
            "job_id": of.job_id,
            "task": of.task,
            "attempt": of.attempt,
            "round": of.round,
            "chain_id": hex(of.chain_id),
            "contract": str(of.contract),
            "appeal": None if report.appeal is None else appeal_json(report.appeal),
            "manifest": str(report.manifest),
            "result": str(report.result),
            "seed": {
                "audit_seed": hex(report.seed.seed),
                "block": report.seed.seed_block,
                "block_hash": None if report.seed.block_hash is None else hex(report.seed.block_hash),
                "derivation": SEED_DERIVATION if report.seed.block_hash is not None else SEED_GIVEN,
            },
            "work": None if report.work is None else _work(report.work),
            "machine": None if report.machine is None else _slots(report.machine),
            "tiles": [_tile(report, index) for index in range(len(report.tiles))],
            "finishes": [_finish(each) for each in report.finishes],
            "confirmation": None
            if report.confirmation is None
            else {
                "index": report.confirmation.index,
                "audited": report.confirmation.audited,
                "fresh": list(report.confirmation.fresh),
                "alike": None
                if report.confirmation.alike is None
                else [each.value for each in report.confirmation.alike],
                "agrees": report.confirmation.agrees,
            },
            "faults": [{"position": f.position, "ground": f.ground.value} for f in report.faults],
            "findings": [
                {"kind": f.oddity.value, "frame": f.frame, "detail": f.detail} for f in report.findings
            ],
            "previewed": report.previewed,
            "verdict": report.judgement.verdict.value,
            "ground": report.judgement.ground.value,
            "index": report.judgement.index,
            "reason": report.judgement.reason,
            "timings": _slots(report.timings),
            "made_at": report.made_at,
        }
    )


SEED_DERIVATION = (
    "Poseidon('TILEPROOF_AUDIT', chain_id, contract, job_id, task, attempt, round, "
    "Poseidon(result codec, digest low, digest high), block hash)"
)
SEED_GIVEN = "given, not derived here"


def _work(work: Work) -> dict[str, object]:
    return {
        "name": work.name,
        "policy": _slots(work.policy),
        "settings": _slots(work.settings),
        "frames": format_frames(work.spec.frames),
        "region": _box(work.spec.region),
        "plan": None if work.plan is None else _plan(work.plan),
        "samples": [{"frame": s.frame, "tile": _box(s.tile)} for s in work.samples],
    }


def _plan(plan: SamplePlan) -> dict[str, object]:
    return {
        "total_tiles": plan.total,
        "sample_tiles": plan.sampled,
        "area_share": plan.area_share,
        "audit_rate": plan.audit_rate,
        "detection": [
            {"share": p.share, "tiles": p.tampered, "probability": p.detection} for p in plan.powers
        ],
    }


def _tile(report: AuditReport, index: int) -> dict[str, object]:
    tile = report.tiles[index]
    return {
        "standing": report.standing(index).value,
        "index": index,
        "frame": tile.sample.frame,
        "tile": _box(tile.sample.tile),
        **_compared(tile),
    }


def _finish(finish: FinishRecord) -> dict[str, object]:
    return {"frame": finish.frame, **_compared(finish)}


def _compared(record: TileRecord | FinishRecord) -> dict[str, object]:
    return {
        "submitted": record.submitted,
        "rendered": record.rendered,
        **_score(record.score),
        "seconds": record.seconds,
        "traits": None if record.traits is None else _traits(record.traits),
    }


def _score(score: TileScore) -> dict[str, object]:
    return {
        "equal": score.equal,
        "equal_share": score.equal_share,
        "max_difference": score.max_difference,
        "psnr_db": None if math.isinf(score.psnr_db) else score.psnr_db,
        "phash": score.hashes.phash,
        "dhash": score.hashes.dhash,
        "whash": score.hashes.whash,
    }


def _traits(traits: Traits) -> dict[str, object]:
    return {**_slots(traits), "box": _box(traits.box), "shift": list(traits.shift)}


def _slots(record: object) -> dict[str, object]:
    return {name: getattr(record, name) for name in type(record).__slots__}  # type: ignore[attr-defined]


def _box(tile: Tile) -> list[int]:
    return [tile.x0, tile.y0, tile.x1, tile.y1]
