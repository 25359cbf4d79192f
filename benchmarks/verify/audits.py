"""Whole audits, by the verifier's own code: that they say what the trials predict, and what they cost."""

from __future__ import annotations

import resource
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from tileproof.adapters.blender.renderer import BlenderRenderer
from tileproof.adapters.clock import SystemClock
from tileproof.adapters.folders import Folders
from tileproof.audit.report import AuditReport, SeedSource
from tileproof.domain import manifest as manifests
from tileproof.domain.cid import Cid, Codec
from tileproof.domain.job import Address
from tileproof.domain.manifest import Manifest
from tileproof.domain.sampling import RoundId
from tileproof.ports.content import ContentSource
from tileproof.ports.images import ImageDecoder
from tileproof.verifier.audit import audit_submission
from tileproof.verifier.settings import VerifierSettings
from tileproof.verifier.subject import Subject

RESULT = Cid(Codec.DAG_PB, b"\1" * 32)
T = TypeVar("T")


def audit(
    manifest: Manifest,
    scene: Path,
    result: Path,
    seed: int,
    *,
    renderer: BlenderRenderer,
    decoder: ImageDecoder,
    home: Path,
    threads: int,
    preview_seconds: float = 0.0,
    source: ContentSource | None = None,
    result_cid: Cid = RESULT,
) -> AuditReport:
    """One audit of a result, with this seed, from folders or from ``source``."""
    block = manifests.encode(manifest)
    evidence = home / "evidence"
    cid = Cid.of_raw_block(block)
    home.mkdir(parents=True, exist_ok=True)
    (home / "manifest").write_bytes(block)
    given = source or Folders({cid: home / "manifest", manifest.scene: scene, result_cid: result})
    subject = Subject(
        of=RoundId(1, Address(1), 1, 0, 0, 0),
        manifest=cid,
        task_count=len(manifest.tasks),
        audit_rate_bps=10_000,
        result=result_cid,
        seed=SeedSource(seed, 0, None),
    )
    settings = replace(VerifierSettings(), threads=threads, preview_seconds=preview_seconds)
    try:
        return audit_submission(
            subject=subject,
            store=given,
            renderer=renderer,
            decoder=decoder,
            clock=SystemClock(),
            settings=settings,
            home=home,
            evidence=evidence,
        )
    finally:
        shutil.rmtree(evidence, ignore_errors=True)


@dataclass(frozen=True, slots=True)
class Spent:
    cpu_seconds: float
    wall_seconds: float


def spent(work: Callable[[], T]) -> tuple[T, Spent]:
    """What ``work`` returns, and the processor time of this process and all its children that ended."""
    before, began = _cpu(), time.monotonic()
    value = work()
    return value, Spent(_cpu() - before, time.monotonic() - began)


def _cpu() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)
