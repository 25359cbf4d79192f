"""Hops 2 and 3: what was planned is pinned, then escrowed, and never paid for twice.

The journal holds one record per manifest. ``pinned`` is written before ``create_job`` is sent
and names the newest job that this manifest already had, so that after a crash the ledger
itself tells whether the money left. Whatever did not end in a job is unpinned.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace

from ..domain.cid import Cid, parse_cid
from ..domain.errors import ConfigError, InputError, LedgerRejected, ServiceError
from ..domain.hops import Hop
from ..domain.job import Terms
from ..domain.manifest import Manifest, encode
from ..domain.money import ZERO, Fri
from ..ports.content import ContentStore, Progress
from ..ports.journal import Journal, Record
from ..ports.ledger import Ledger
from .plan import SubmissionPlan

log = logging.getLogger("tileproof.client")

KIND = "submission"


@dataclass(frozen=True, slots=True)
class Submitted:
    """A job that the ledger holds. ``tx_hash`` is 0 when a run before this one sent it."""

    job_id: int
    manifest: Cid
    scene: Cid
    escrow: Fri
    tx_hash: int
    fee: Fri


def submit(
    plan: SubmissionPlan,
    *,
    ledger: Ledger,
    store: ContentStore,
    journal: Journal,
    progress: Progress | None = None,
) -> Submitted:
    """Pins scene and manifest, and creates the job.

    A second call with the same plan makes a second job; a call that finishes what a killed
    one began makes none. When the ledger refuses, the wallet is as before and whatever this
    call pinned is unpinned.

    Raises LedgerRejected, ConfigError (fees above their cap), ServiceError as the ports do.
    After a ServiceError of ``create_job`` the outcome may be unknown: pins stay, and the next
    call finds out.
    """
    adopted = recover(ledger=ledger, store=store, journal=journal)
    kept = store.pins()
    scene = store.add_directory(plan.pictures.scene.root, progress=progress)
    manifest = replace(plan.pictures.manifest, scene=scene)
    new = [] if scene in kept else [scene]
    try:
        block = store.add_block(encode(manifest))
    except BaseException:
        _unpin(store, new)
        raise
    new += [] if block in kept else [block]
    log.info("hop=%d pinned scene=%s manifest=%s", Hop.PINNED, scene, block)
    ours = of_manifest(block, adopted)
    if ours is not None:
        return ours
    return create(manifest, block, plan.terms, new, ledger=ledger, store=store, journal=journal)


def create(
    manifest: Manifest,
    block: Cid,
    terms: Terms,
    new_pins: list[Cid],
    *,
    ledger: Ledger,
    store: ContentStore,
    journal: Journal,
) -> Submitted:
    """Escrows a job whose manifest is pinned; ``new_pins`` are undone if it surely was not."""
    escrow = terms.escrow(len(manifest.tasks))
    try:  # whatever happens before the ledger is asked, nothing was sent
        journal.put(
            KIND,
            str(block),
            {
                "state": "pinned",
                "scene": str(manifest.scene),
                "new_pins": [str(cid) for cid in new_pins],
                "job_before": ledger.find_job(block) or 0,
                "escrow": str(escrow.units),
            },
        )
    except BaseException:
        _unpin(store, new_pins)
        raise
    try:
        job_id, receipt = ledger.create_job(block, len(manifest.tasks), terms)
    except (LedgerRejected, InputError, ConfigError):
        _unpin(store, new_pins)
        journal.remove(KIND, str(block))
        raise
    journal.put(
        KIND,
        str(block),
        {"state": "escrowed", "scene": str(manifest.scene), "job_id": job_id, "escrow": str(escrow.units)},
    )
    log.info(
        "hop=%d escrowed job=%d tx=0x%x escrow_fri=%d", Hop.ESCROWED, job_id, receipt.tx_hash, escrow.units
    )
    return Submitted(job_id, block, manifest.scene, escrow, receipt.tx_hash, receipt.fee)


def recover(*, ledger: Ledger, store: ContentStore, journal: Journal) -> tuple[Submitted, ...]:
    """Settles what killed submissions left: jobs that exist are adopted and returned, pins of
    those that never came to be are undone. Sends nothing."""
    adopted: list[Submitted] = []
    for key, record in journal.all(KIND).items():
        if record.get("state") != "pinned":
            continue
        block, scene = parse_cid(key), parse_cid(str(record["scene"]))
        job_id = ledger.find_job(block)
        if job_id is not None and job_id != record["job_before"]:
            escrow = Fri(int(str(record["escrow"])))
            journal.put(
                KIND,
                key,
                {"state": "escrowed", "scene": str(scene), "job_id": job_id, "escrow": str(escrow.units)},
            )
            log.info("hop=%d escrowed job=%d by a run that did not end", Hop.ESCROWED, job_id)
            adopted.append(Submitted(job_id, block, scene, escrow, 0, ZERO))
        else:
            _unpin(store, _cids(record))
            journal.remove(KIND, key)
    return tuple(adopted)


def of_manifest(block: Cid, adopted: tuple[Submitted, ...]) -> Submitted | None:
    """The adopted job that is this very one; others were paid for as well, which is said aloud."""
    for earlier in adopted:
        if earlier.manifest != block:
            log.warning("job=%d is another that a run which did not end has paid for", earlier.job_id)
    return next((earlier for earlier in adopted if earlier.manifest == block), None)


def _cids(record: Record) -> list[Cid]:
    pins = record.get("new_pins", ())
    return [parse_cid(str(text)) for text in pins] if isinstance(pins, list | tuple) else []


def _unpin(store: ContentStore, cids: list[Cid]) -> None:
    for cid in cids:
        try:
            store.unpin(cid)
        except ServiceError as error:
            log.warning("could not unpin cid=%s code=%s", cid, error.code)
