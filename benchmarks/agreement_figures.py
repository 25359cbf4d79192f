"""What ``benchmarks.agreement`` saw, gathered and shown."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field

from tileproof.audit.compare import HashDistances


@dataclass(frozen=True, slots=True)
class Seen:
    """One tile of one scene, rendered twice."""

    equal: bool
    equal_share: float
    levels: float
    psnr_db: float
    hashes: HashDistances


@dataclass(slots=True)
class Worst:
    """Of all tiles seen so far."""

    tiles: int = 0
    equal_tiles: int = 0
    shares: float = 0.0
    levels: float = 0.0
    psnr_db: float = math.inf
    scene: str = ""

    def add(self, scene: str, seen: Iterable[Seen]) -> None:
        for each in seen:
            self.tiles += 1
            self.equal_tiles += each.equal
            self.shares += each.equal_share
            self.levels = max(self.levels, each.levels)
            if each.psnr_db < self.psnr_db:
                self.psnr_db, self.scene = each.psnr_db, scene

    @property
    def equal(self) -> bool:
        return self.equal_tiles == self.tiles

    @property
    def equal_share(self) -> float:
        """Of pixels."""
        return self.shares / self.tiles

    def words(self) -> str:
        if self.equal:
            return "equal"
        if math.isinf(self.psnr_db):
            return f"{self.equal_share:.2%}"
        return f"{self.equal_share:.2%} {self.psnr_db:.1f} dB"

    def as_json(self) -> dict[str, object]:
        return {
            "equal": self.equal,
            "equal_share": round(self.equal_share, 6),
            "most_levels": round(self.levels, 3),
            "worst_psnr_db": None if math.isinf(self.psnr_db) else round(self.psnr_db, 2),
            "worst_scene": self.scene,
        }


@dataclass(slots=True)
class Pair:
    """Two machines, over all scenes."""

    one: str
    other: str
    same_class: bool
    raw: Worst = field(default_factory=Worst)
    floats: Worst = field(default_factory=Worst)
    passes: Worst = field(default_factory=Worst)
    finish: Worst = field(default_factory=Worst)
    finish_floats: Worst = field(default_factory=Worst)
    denoised: Worst = field(default_factory=Worst)

    @property
    def equal(self) -> bool:
        return self.floats.equal and self.passes.equal and self.finish_floats.equal

    def as_json(self) -> dict[str, object]:
        kinds = ("raw", "floats", "passes", "finish", "finish_floats", "denoised")
        return {
            "one": self.one,
            "other": self.other,
            "same_class": self.same_class,
            **{kind: getattr(self, kind).as_json() for kind in kinds},
        }


@dataclass(slots=True)
class Hashes:
    """Distances between honest pictures that agree in nothing but what they show."""

    tiles: list[tuple[str, HashDistances]] = field(default_factory=list)
    frames: list[tuple[str, HashDistances]] = field(default_factory=list)

    def as_json(self) -> dict[str, object]:
        return {
            kind: {name: quantiles([getattr(d, name) for _, d in seen]) for name in HashDistances.__slots__}
            for kind, seen in (("tiles", self.tiles), ("frames", self.frames))
        }


def quantiles(bits: list[int]) -> dict[str, int]:
    ordered = sorted(bits)
    return {
        "median": ordered[len(ordered) // 2],
        "p99": ordered[min(len(ordered) - 1, math.ceil(0.99 * len(ordered)) - 1)],
        "most": ordered[-1],
    }


def pair_table(pairs: list[Pair]) -> str:
    head = ("pair", "8-bit picture", "floats", "half passes", "finish of equal passes", "denoised picture")
    rows = [
        (
            f"{p.one} | {p.other}",
            *(each.words() for each in (p.raw, p.floats, p.passes, p.finish, p.denoised)),
        )
        for p in pairs
    ]
    return table((head, *rows))


def hash_table(hashes: Hashes) -> str:
    rows: list[tuple[str, ...]] = [("another noise seed", "pHash", "dHash", "wHash")]
    for kind, seen in (("tiles", hashes.tiles), ("frames", hashes.frames)):
        found = [quantiles([getattr(d, name) for _, d in seen]) for name in HashDistances.__slots__]
        rows += [
            (f"{kind}, {which}", *(str(each[which]) for each in found)) for which in ("median", "p99", "most")
        ]
    return table(rows)


def table(rows: Iterable[tuple[str, ...]]) -> str:
    listed = list(rows)
    widths = [max(len(row[at]) for row in listed) for at in range(len(listed[0]))]
    lines = [
        "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip()
        for row in listed
    ]
    return "\n".join((lines[0], "-" * len(lines[0]), *lines[1:], ""))
