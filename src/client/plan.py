"""Hop 1: everything about a job is decided, and checked, before anything is pinned or spent."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path

from ..audit.plan import MajorityPrice, SamplePlan, majority_price, plan_audit
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
    """Opens the scene, refuses what cannot be audited, and packs it into the empty ``into``.

    Raises InputError (``scene.…``, ``frames.…``, ``split.…``, ``resolution.…``,
    ``manifest.too_large``) and MachineError as the ports do.
    """
    facts = inspector.inspect(request.blend)
    check_scene(facts)
    settings = render_settings(request, facts, renderer.report())
    scene = packer.pack(request.blend, into)
    manifest = draft_manifest(request, facts, settings, scene)
    encode(manifest)
    return PicturePlan(manifest, scene, facts)


def plan_submission(pictures: PicturePlan, offer: Offer, *, ledger: Ledger) -> SubmissionPlan:
    """The terms and their price, held against bounds, wallet and active seats as they are now.

    Raises InputError (``terms.…``, ``money.balance_too_small``) and whatever the ledger raises.
    """
    means = read_means(ledger)
    terms = make_terms(offer, means.bounds, means.timestamp)
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
