"""Which tiles of a delivery are wrong, and how many audits of many find one."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from tileproof.audit.compare import compare_tiles
from tileproof.audit.lanes import stand
from tileproof.audit.plan import detection
from tileproof.domain.job import Ground
from tileproof.domain.manifest import Manifest
from tileproof.domain.policy import AuditPolicy
from tileproof.domain.sampling import FIELD_PRIME, sample_tiles
from tileproof.domain.tiles import sample_grid
from tileproof.domain.verdict import Standing
from tileproof.verifier.pictures import FramePixels

from .studio import Delivery

PASSES = (Standing.EQUAL, Standing.WITHIN)
Bits = Mapping[tuple[int, int], bool]
"""By (frame, number of the tile): whether it would be judged different."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """What one audit's seed draws."""

    seed: int
    tiles: tuple[tuple[int, int], ...]


def draw_audits(manifest: Manifest, count: int) -> list[Drawn]:
    """The lists of ``count`` audits of task 0, drawn as the protocol draws them."""
    grid = sample_grid(manifest.tasks[0].region, manifest.audit.tile_px)
    number = {tile: at for at, tile in enumerate(grid.tiles())}
    choose = random.Random(manifest.name)
    seeds = [choose.randrange(FIELD_PRIME) for _ in range(count)]
    return [
        Drawn(seed, tuple((each.frame, number[each.tile]) for each in sample_tiles(seed, manifest, 0)))
        for seed in seeds
    ]


def wrong_tiles(
    manifest: Manifest, honest: Mapping[int, FramePixels], delivered: Delivery, policy: AuditPolicy
) -> Bits:
    """Every tile of the task by the lane's rule: its own pixels, and the finish of its frame."""
    grid = sample_grid(manifest.tasks[0].region, manifest.audit.tile_px)
    found: dict[tuple[int, int], bool] = {}
    for frame, true in honest.items():
        given = delivered[frame]
        for number, tile in enumerate(grid.tiles()):
            if isinstance(given, Ground):
                found[frame, number] = True
                continue
            box = np.s_[tile.y0 : tile.y1, tile.x0 : tile.x1]
            found[frame, number] = _is_wrong(given.audited[box], true.audited[box], policy)
    return found


def with_finishes(bits: Bits, finishes: Mapping[int, bool]) -> Bits:
    """``finishes``: by frame, whether the delivered picture is what the delivered passes finish to. A
    frame that is finished wrongly makes each of its tiles count as different."""
    return {at: wrong or not finishes.get(at[0], True) for at, wrong in bits.items()}


def _is_wrong(given: np.ndarray, true: np.ndarray, policy: AuditPolicy) -> bool:
    if given.tobytes() == true.tobytes():
        return False
    return stand(compare_tiles(given, true), policy) not in PASSES


@dataclass(frozen=True, slots=True)
class Rate:
    """So many of so many, with Wilson's interval at 95 %."""

    hits: int
    of: int

    @property
    def share(self) -> float:
        return self.hits / self.of if self.of else math.nan

    @property
    def interval(self) -> tuple[float, float]:
        """E. B. Wilson, Journal of the American Statistical Association 22 (1927), 209-212."""
        if not self.of:
            return (0.0, 1.0)
        z, n, p = NormalDist().inv_cdf(0.975), self.of, self.share
        middle = (p + z * z / (2 * n)) / (1 + z * z / n)
        half = z / (1 + z * z / n) * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
        # At either end the interval ends there, and not a rounding error before it.
        return (0.0 if self.hits == 0 else middle - half, 1.0 if self.hits == self.of else middle + half)

    def __add__(self, other: Rate) -> Rate:
        return Rate(self.hits + other.hits, self.of + other.of)


def power(bits: Bits, audits: Sequence[Drawn]) -> Rate:
    """The share of audits whose list holds a wrong tile."""
    return Rate(sum(any(bits[tile] for tile in audit.tiles) for audit in audits), len(audits))


def formula(bits: Bits, manifest: Manifest) -> float:
    """What the hypergeometric distribution says of as many wrong tiles."""
    sampled = min(manifest.audit.sample_tiles, len(bits))
    return detection(len(bits), sum(bits.values()), sampled)


def against_formula(
    manifest: Manifest, audits: Sequence[Drawn], shares: Sequence[float]
) -> list[tuple[float, float, float]]:
    """(share tampered, share of audits that find it, what the formula says): tiles tampered at
    random, anew for every audit."""
    spec = manifest.tasks[0]
    grid = sample_grid(spec.region, manifest.audit.tile_px)
    every = [(frame, number) for frame in spec.frames for number in range(len(grid))]
    sampled = min(manifest.audit.sample_tiles, len(every))
    choose = random.Random(1)
    rows = []
    for share in shares:
        count = max(1, round(share * len(every)))
        found = 0
        for audit in audits:
            bad = set(choose.sample(every, count))
            found += any(tile in bad for tile in audit.tiles)
        rows.append((count / len(every), found / len(audits), detection(len(every), count, sampled)))
    return rows
