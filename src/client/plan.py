"""Hop 1: everything about a job is decided, and checked, before anything is pinned or spent."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from pathlib import Path

from ..audit.plan import MajorityPrice, SamplePlan, majority_price, plan_audit
from ..domain.errors import InputError
from ..domain.hops import Hop
from ..domain.job import Terms
from ..domain.manifest import Manifest, encode
from ..domain.money import Fri
from ..ports.ledger import Ledger
from ..ports.renderer import Renderer
from ..ports.scene import PackedScene, SceneFacts, SceneInspector, ScenePacker
from .draft import check_scene, draft_manifest, render_settings
from .price import Means, check_means, make_terms
from .request import Offer, PictureRequest

log = logging.getLogger("tileproof.client")


@dataclass(frozen=True, slots=True)
class PicturePlan:
    """The pixels of a job: its draft manifest, and the packed scene it will pin."""

    manifest: Manifest  # scene is NOT_YET_PINNED
    scene: PackedScene
    facts: SceneFacts

    @property
    def scene_bytes(self) -> int:
        return sum(file.size for file in self.manifest.files)


@dataclass(frozen=True, slots=True)
class SubmissionPlan:
    """A job ready to be submitted, and what it means; what ``--dry-run`` prints."""

    pictures: PicturePlan
    terms: Terms
    escrow: Fri
    audit: SamplePlan  # of the task whose audit sees least
    wallet: Fri
    active_seats: int
    majority: MajorityPrice  # what an even chance of owning a committee's majority costs

    @property
    def task_count(self) -> int:
        return len(self.pictures.manifest.tasks)


def plan_pictures(
    request: PictureRequest,
    *,
    inspector: SceneInspector,
    packer: ScenePacker,
    renderer: Renderer,
    into: Path,
) -> PicturePlan:
    """Packs the scene into the empty ``into``, opens the copy, and refuses what cannot be audited.

    What is opened is what will travel, so a file that packing lost is found before it matters.

    Raises InputError (``scene.…``, ``frames.…``, ``split.…``, ``resolution.…``,
    ``manifest.too_large``) and MachineError as the ports do.
    """
    scene = packer.pack(request.blend, into)
    facts = inspector.inspect(scene.root / scene.blend)
    check_scene(facts, request.lane)
    settings = render_settings(request, facts, renderer.report())
    manifest = draft_manifest(request, facts, settings, scene)
    encode(manifest)
    return PicturePlan(manifest, scene, facts)


def inspect_scene(blend: Path, *, inspector: SceneInspector, packer: ScenePacker, into: Path) -> SceneFacts:
    """What Blender says of a scene; a linked file is missing only when it cannot be packed.

    Raises InputError ``scene.…`` as the ports do, but not for missing files: they are in the facts.
    """
    facts = inspector.inspect(blend)
    if not facts.missing_files:
        return facts
    try:
        scene = packer.pack(blend, into)
    except InputError:
        return facts
    return replace(inspector.inspect(scene.root / scene.blend), external_files=facts.external_files)


def plan_submission(pictures: PicturePlan, offer: Offer, *, ledger: Ledger) -> SubmissionPlan:
    """The terms and their price, held against bounds, wallet and active seats as they are now.

    Raises InputError (``terms.…``, ``money.balance_too_small``) and whatever the ledger raises.
    """
    means = read_means(ledger)
    terms = make_terms(offer, means.bounds, means.timestamp, pictures.manifest.audit.settled_in)
    tasks = len(pictures.manifest.tasks)
    escrow = check_means(terms, tasks, means)
    plan = SubmissionPlan(
        pictures=pictures,
        terms=terms,
        escrow=escrow,
        audit=weakest_audit(pictures.manifest, terms),
        wallet=means.wallet,
        active_seats=means.active_seats,
        majority=majority_price(means.active_seats, means.bounds.seat_bond, terms.committee_size),
    )
    log.info("hop=%d planned tasks=%d escrow_fri=%d", Hop.PLANNED, tasks, escrow.units)
    return plan


def read_means(ledger: Ledger) -> Means:
    """What a plan is held against; seats of the requester are never drawn and do not count."""
    account = ledger.account()
    own = sum(seat.leaving_block is None for seat in ledger.seats_of(account))
    return Means(
        timestamp=ledger.head().timestamp,
        wallet=ledger.balances(account).wallet,
        active_seats=max(0, ledger.active_seats() - own),
        bounds=ledger.bounds(),
    )


def weakest_audit(manifest: Manifest, terms: Terms) -> SamplePlan:
    """The plan of the task in which a tampered quarter is most likely to be missed."""
    shapes = {(len(t.frames), t.region.width, t.region.height): n for n, t in enumerate(manifest.tasks)}
    plans = [plan_audit(manifest, task, terms.audit_rate_bps) for task in shapes.values()]
    return min(plans, key=lambda plan: plan.powers[1].detection)
