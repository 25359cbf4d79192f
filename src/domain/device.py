"""Device classes, and how far apart honest renders of two of them were found to be.

A class is what must match for two machines to make the same bits: ``cpu-x86_64-avx2``. Pairs that
were measured against each other stand in ``MATRIX``; a new one is a line there, with the output of
``python -m benchmarks.agreement`` behind it (docs/adr/0015-device-classes-by-what-they-compute.md).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from .manifest import CYCLES, RenderSettings
from .policy import EXACT, HASH, AuditPolicy


@dataclass(frozen=True, slots=True)
class Agreement:
    """The worst of two classes' honest renders, over every scene measured; infinite where all bits
    were equal.

    PSNR in dB as ``audit.compare`` has it, of the worst tile: of what is rendered (``render_db``),
    and of the picture finished from the same passes (``finish_db``).
    """

    render_db: float
    finish_db: float

    def worst_db(self, settings: RenderSettings) -> float:
        return min(self.render_db, self.finish_db) if settings.has_passes else self.render_db


SAME = Agreement(math.inf, math.inf)

AVX512, AVX2 = "cpu-x86_64-avx512", "cpu-x86_64-avx2"
AVX2_SLOW_GATHER = "cpu-x86_64-avx2-slow_gather"
AVX, SSE42 = "cpu-x86_64-avx", "cpu-x86_64-sse42"

MATRIX: Mapping[frozenset[str], Agreement] = {
    frozenset({AVX512, AVX2}): Agreement(render_db=math.inf, finish_db=83.5),
    frozenset({AVX512, AVX2_SLOW_GATHER}): Agreement(render_db=85.3, finish_db=83.5),
    frozenset({AVX2, AVX2_SLOW_GATHER}): Agreement(render_db=85.3, finish_db=88.3),
    frozenset({AVX512, AVX}): Agreement(render_db=24.4, finish_db=83.5),
    frozenset({AVX512, SSE42}): Agreement(render_db=24.4, finish_db=83.5),
    frozenset({AVX2, AVX}): Agreement(render_db=24.4, finish_db=83.5),
    frozenset({AVX2, SSE42}): Agreement(render_db=24.4, finish_db=83.5),
    frozenset({AVX, SSE42}): Agreement(render_db=57.4, finish_db=math.inf),
}
"""Blender 4.5. Without AVX2, hair comes out as under another noise seed. No pair with a GPU or with ARM has
been measured yet."""

MARGIN_DB = 10.0
"""Kept between a pair's worst tile and a gate that lets the one judge the other: for scenes that were not
measured. Those that were lie up to 60 dB apart."""


def agreement(one: str, other: str) -> Agreement | None:
    """None where the two were never measured."""
    return SAME if one == other else MATRIX.get(frozenset({one, other}))


def may_serve(own: str, settings: RenderSettings, policy: AuditPolicy) -> bool:
    """Whether a machine of class ``own`` may render for this job, as its worker or its verifier.

    In the exact lane: of the job's class, or of one that makes the same bits of such a job. In the
    calibrated lane, too, of a class that was found so close that the job's gate lets its honest
    work pass and its band keeps two honest verifiers from contradicting each other; any two
    classes that may serve are so close. In the hash lane: any.
    """
    if policy.lane == HASH:
        return True
    return own in classes_served(settings, policy)


def classes_served(settings: RenderSettings, policy: AuditPolicy) -> frozenset[str]:
    """The job's class and every class measured that may serve beside it (not in the hash lane)."""
    served = {settings.device_class}
    for candidate in sorted({name for pair in MATRIX for name in pair}):
        if all(_close_enough(agreement(candidate, each), settings, policy) for each in served):
            served.add(candidate)
    return frozenset(served)


def why_not_served(
    own: str, settings: RenderSettings, policy: AuditPolicy, engines: Sequence[str] = (CYCLES,)
) -> str | None:
    """In words, why a machine of class ``own`` that renders with ``engines`` leaves this job alone; None
    when it may serve."""
    if settings.engine not in engines:
        return f"this machine does not render with {settings.engine}: its Blender finds no OpenGL"
    if may_serve(own, settings, policy):
        return None
    wanted = settings.device_class
    if agreement(own, wanted) is None:
        return f"this machine is of class {own}, never measured against the job's {wanted}"
    return f"this machine is of class {own}, and the job's gate is too tight for others than {wanted}"


def _close_enough(found: Agreement | None, settings: RenderSettings, policy: AuditPolicy) -> bool:
    if found is None:
        return False
    worst = found.worst_db(settings)
    if policy.lane == EXACT:
        return math.isinf(worst)
    return worst >= policy.accept_db + MARGIN_DB and keeps_together(worst, policy)


def keeps_together(worst_db: float, policy: AuditPolicy) -> bool:
    """Whether verifiers whose own renders are at least ``worst_db`` alike can never judge one tile
    the one within the gate and the other different.

    Root mean square differences obey the triangle inequality: what is at most a from one render is
    at most a + w from a second, w apart from the first. So the band must be at least w wide.
    """
    return _rms(policy.reject_db) - _rms(policy.accept_db) >= _rms(worst_db)


def _rms(db: float) -> float:
    """The root mean square difference, of full scale 1, that a PSNR stands for."""
    return 0.0 if math.isinf(db) else 10.0 ** (-db / 20)
