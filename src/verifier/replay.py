"""An audit done again from nothing but its report, and held against it field by field.

Works on a stranger's report: its seed and its list of tiles are derived anew before anything is
rendered, and nothing that it says about pictures is believed.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from ..audit.compare import TileScore
from ..audit.plan import SamplePlan, plan_audit
from ..audit.report import AuditReport, FinishRecord, TileRecord, Work
from ..domain import manifest as manifests
from ..domain.device import agreement
from ..domain.errors import EvidenceError
from ..domain.job import Question
from ..domain.manifest import Manifest
from ..domain.policy import EXACT, HASH
from ..domain.sampling import BPS, audit_scope, audit_seed
from ..domain.verdict import Confirmation
from ..intake.fetching import Fetcher
from ..ports.clock import Clock
from ..ports.content import ContentSource
from ..ports.images import ImageDecoder
from ..ports.renderer import Renderer
from .audit import Progress, audit_submission
from .settings import VerifierSettings
from .subject import Subject

_NEAR = 1e-6
"""Relative difference of two scores that other versions of a library may make of equal pixels."""


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that the report says, beside what it came to here; both in words."""

    field: str
    reported: str
    replayed: str
    equal: bool


class Answer(Enum):
    """What a replay came to. ``IMPOSSIBLE``: this machine could not do the audit again."""

    EQUAL = "equal"
    UNEQUAL = "unequal"
    IMPOSSIBLE = "impossible"


@dataclass(frozen=True, slots=True)
class Replay:
    answer: Answer
    why: str  # a sentence without its full stop
    checks: tuple[Check, ...]
    again: AuditReport | None  # None where the report fell before anything was rendered
    notes: tuple[str, ...] = ()

    @property
    def unequal(self) -> tuple[Check, ...]:
        return tuple(check for check in self.checks if not check.equal)


def replay(
    report: AuditReport,
    *,
    source: ContentSource,
    renderer: Renderer,
    decoder: ImageDecoder,
    clock: Clock,
    settings: VerifierSettings,
    home: Path,
    evidence: Path,
    progress: Progress | None = None,
) -> Replay:
    """Does the audit of ``report`` again and compares; its own report goes into ``evidence``.

    Needs nothing but what ``source`` serves of the manifest, the scene and the result that the
    report names. A report whose seed or list of tiles does not follow from what it names is
    unequal at once, and nothing is rendered.

    Raises Stopped, MachineError, and ServiceError or InputError where the manifest cannot be had.
    """
    fetcher = Fetcher(source, clock, settings.poll_seconds, clock.monotonic() + settings.fetch_seconds)
    manifest = _manifest(fetcher.block(report.manifest, manifests.MAX_BYTES))
    notes = _notes(report)
    basis = tuple(_basis(report, manifest))
    if not all(check.equal for check in basis):
        why = "the report does not follow from what it names; nothing was rendered"
        return Replay(Answer.UNEQUAL, why, basis, None, notes)
    own = renderer.report().device_class
    to_the_bit = _to_the_bit(report, own)
    if not to_the_bit:
        assert report.work is not None
        theirs = "" if report.machine is None else report.machine.device_class
        if report.work.policy.lane == EXACT:
            why = (
                f"this machine is of class {own} and the audit was made on one of class {theirs}, which "
                "rounds otherwise: equality cannot be asked for here"
            )
            return Replay(Answer.IMPOSSIBLE, why, basis, None, notes)
        notes += (
            f"renders of class {own} need not be equal to the audit's ({theirs}, {report.work.policy.lane} "
            "lane): how each tile stands is compared, and no digest of a render",
        )
    again = audit_submission(
        subject=_subject(report, 0 if manifest is None else len(manifest.tasks)),
        store=source,
        renderer=renderer,
        decoder=decoder,
        clock=clock,
        settings=settings,
        home=home,
        evidence=evidence,
        progress=progress,
    )
    checks = (*basis, *_outcome(report, again, to_the_bit))
    if again.machine is not None and report.machine is not None:
        build, here = report.machine.blender_build, again.machine.blender_build
        if build != here:
            notes += (f"the audit's Blender was {build}, this one is {here}",)
    if report.tiles and not again.tiles:
        return Replay(Answer.IMPOSSIBLE, again.judgement.reason, checks, again, notes)
    if all(check.equal for check in checks):
        return Replay(Answer.EQUAL, "every field came out as the report says", checks, again, notes)
    count = sum(not check.equal for check in checks)
    why = f"{count} field{'' if count == 1 else 's'} came out otherwise than the report says"
    return Replay(Answer.UNEQUAL, why, checks, again, notes)


def _manifest(block: bytes) -> Manifest | None:
    try:
        return manifests.decode(block)
    except EvidenceError:
        return None  # an audit says of it what there is to say


def _subject(report: AuditReport, task_count: int) -> Subject:
    return Subject(
        of=report.of,
        manifest=report.manifest,
        task_count=task_count,
        audit_rate_bps=_rate_bps(report),
        result=report.result,
        seed=report.seed,
        appeal=report.appeal,
    )


def _notes(report: AuditReport) -> tuple[str, ...]:
    """What a replay cannot know without a ledger."""
    seed = report.seed
    notes = []
    if seed.block_hash is None:
        notes.append("the audit's seed was given and not derived, so its list of tiles binds nobody")
    else:
        notes.append(
            f"that block {seed.seed_block} has the hash {seed.block_hash:#x} is the report's word: "
            "ask any node of the chain"
        )
    if report.appeal is not None and report.appeal.first_seed is not None:
        notes.append("the seed of the appealed round is the report's word too")
    return tuple(notes)


def _basis(report: AuditReport, manifest: Manifest | None) -> Iterator[Check]:
    """What follows from the report's own words and the manifest alone."""
    seed = report.seed
    if seed.block_hash is not None:
        derived = audit_seed(report.of, report.result, seed.block_hash)
        yield Check("audit seed", hex(seed.seed), hex(derived), seed.seed == derived)
    work = report.work
    if manifest is None or work is None:
        return
    if report.of.task >= len(manifest.tasks):
        yield Check("task", str(report.of.task), f"the manifest has {len(manifest.tasks)} tasks", False)
        return
    spec = manifest.tasks[report.of.task]
    yield _same("job's name", work.name, manifest.name)
    yield _same("frames and region", _spec(work), f"{spec.frames} {spec.region}")
    yield from _fields("settings", work.settings, manifest.settings)
    yield from _fields("audit policy", work.policy, manifest.audit)
    drawn = audit_scope(seed.seed, manifest, report.of.task, report.appeal).tiles
    yield Check("list of tiles", _listed(work.samples), _listed(drawn), work.samples == drawn)
    appeal = report.appeal
    if appeal is None or appeal.question is Question.WHOLE:
        plan = plan_audit(manifest, report.of.task, _rate_bps(report))
        yield Check("sample plan", _planned(work.plan), _planned(plan), _planned(work.plan) == _planned(plan))
    else:
        yield _same("sample plan", _planned(work.plan), "none")


def _rate_bps(report: AuditReport) -> int:
    plan = None if report.work is None else report.work.plan
    return BPS if plan is None else round(plan.audit_rate * BPS)


def _planned(plan: SamplePlan | None) -> str:
    """To as many digits as another library's logarithm agrees on."""
    if plan is None:
        return "none"
    found = ", ".join(f"{p.share:g}: {p.tampered} tiles {p.detection:.9f}" for p in plan.powers)
    return f"{plan.sampled} of {plan.total} tiles of {plan.tile_px} px, area {plan.area_share:.9f}; {found}"


def _spec(work: Work) -> str:
    return f"{work.spec.frames} {work.spec.region}"


def _fields(what: str, reported: object, fixed: object) -> Iterator[Check]:
    """One check where all is equal, else one for each field that is not."""
    names = type(fixed).__slots__  # type: ignore[attr-defined]
    wrong = [name for name in names if getattr(reported, name) != getattr(fixed, name)]
    if not wrong:
        yield Check(what, "as the manifest", "as the manifest", True)
    for name in wrong:
        yield _same(f"{what}: {name}", str(getattr(reported, name)), str(getattr(fixed, name)))


def _listed(samples: Sequence[object]) -> str:
    shown = ", ".join(f"{getattr(s, 'frame', '')}:{getattr(s, 'tile', '')}" for s in samples[:4])
    return f"{len(samples)} tiles: {shown}{', ...' if len(samples) > 4 else ''}" if samples else "none"


def _to_the_bit(report: AuditReport, own: str) -> bool:
    """Whether renders of this machine's class must equal the audit's: the same class, or one that was
    found to make the same bits of such a job; never in the hash lane, where nobody promised that."""
    if not report.tiles or report.work is None or report.machine is None:
        return True
    if report.work.policy.lane == HASH:
        return False
    found = agreement(own, report.machine.device_class)
    return found is not None and math.isinf(found.worst_db(report.work.settings))


def _outcome(report: AuditReport, again: AuditReport, to_the_bit: bool) -> Iterator[Check]:
    """What the pictures came to."""
    one, other = report.judgement, again.judgement
    yield _same("verdict", one.verdict.value, other.verdict.value)
    yield _same("ground", f"{one.ground.value} {one.index}", f"{other.ground.value} {other.index}")
    yield _same("faulty pictures", _faults(report), _faults(again))
    yield _same("tiles judged", str(len(report.tiles)), str(len(again.tiles)))
    for index, (said, is_) in enumerate(zip(report.tiles, again.tiles, strict=False)):
        yield from _record(f"tile {index}", said, is_, to_the_bit)
        yield _same(f"tile {index}, standing", report.standing(index).value, again.standing(index).value)
    ours = {finish.frame: finish for finish in again.finishes}
    frames = [finish.frame for finish in report.finishes]
    yield _same("frames finished", str(sorted(frames)), str(sorted(ours)))
    for finish in report.finishes:
        if finish.frame in ours:
            yield from _record(f"finish of frame {finish.frame}", finish, ours[finish.frame], to_the_bit)
    yield from _confirmation(report.confirmation, again.confirmation, to_the_bit)


def _faults(report: AuditReport) -> str:
    return ", ".join(f"{fault.ground.value} {fault.position}" for fault in report.faults) or "none"


def _confirmation(said: Confirmation | None, is_: Confirmation | None, to_the_bit: bool) -> Iterator[Check]:
    yield _same("rendered twice more", _fresh(said), _fresh(is_))
    if said is not None and is_ is not None and to_the_bit:
        for name in ("audited", "fresh"):
            yield _same(f"rendered twice more, {name}", str(getattr(said, name)), str(getattr(is_, name)))


def _fresh(confirmation: Confirmation | None) -> str:
    if confirmation is None:
        return "no"
    return f"tile {confirmation.index}, the renders {'agree' if confirmation.agrees else 'differ'}"


def _record(
    name: str, said: TileRecord | FinishRecord, is_: TileRecord | FinishRecord, to_the_bit: bool
) -> Iterator[Check]:
    yield _same(f"{name}, submitted", said.submitted, is_.submitted)
    if to_the_bit:
        yield _same(f"{name}, rendered", said.rendered, is_.rendered)
        yield Check(f"{name}, scores", _score(said.score), _score(is_.score), _alike(said.score, is_.score))


def _score(score: TileScore) -> str:
    bits = score.hashes
    return (
        f"{'equal' if score.equal else 'differs'}, {score.equal_share:.6f} of pixels equal, "
        f"up to {score.max_difference:.4g} levels, {score.psnr_db:.4f} dB, "
        f"hashes {bits.phash} {bits.dhash} {bits.whash}"
    )


def _alike(one: TileScore, other: TileScore) -> bool:
    near = all(
        math.isclose(a, b, rel_tol=_NEAR, abs_tol=_NEAR)
        for a, b in (
            (one.equal_share, other.equal_share),
            (one.max_difference, other.max_difference),
            (one.psnr_db, other.psnr_db),
        )
    )
    return near and one.equal == other.equal and one.hashes == other.hashes


def _same(field: str, reported: str, replayed: str) -> Check:
    return Check(field, reported, replayed, reported == replayed)
