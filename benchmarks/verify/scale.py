"""How much of everything a run takes: all scenes and an hour or two, or a few and some minutes."""

from __future__ import annotations

from dataclasses import dataclass

from scenes.proving.names import SCENES

TUNED_ON = frozenset(SCENES[0::2])
"""Scenes on which thresholds of metrics are chosen; their figures come from the others."""


@dataclass(frozen=True, slots=True)
class Scale:
    name: str
    scenes: tuple[str, ...]
    frames: int  # of the one task, from frame 1
    width_px: int
    height_px: int
    samples_per_pixel: int
    draws: int  # audits drawn for each scene and cheat
    real_audits: int  # of those, run from end to end for each scene: one honest, the others of cheats
    hashed_tiles: int  # tiles of each scene and cheat that every metric looks at
    cost_scenes: tuple[str, ...]  # rendered at 1080p
    cost_samples: int
    entries: tuple[str, ...] = ()  # of the gallery; none means all
    sample: tuple[int, int] | None = None  # edge of a tile and number of them; None is the default plan


FULL = Scale(
    name="full",
    scenes=SCENES,
    frames=3,
    width_px=240,
    height_px=135,
    samples_per_pixel=24,
    draws=400,
    real_audits=4,
    hashed_tiles=40,
    cost_scenes=SCENES,
    cost_samples=16,
)
QUICK = Scale(
    name="quick",
    scenes=("caustics", "poster", "cellar", "meadow"),
    frames=2,
    width_px=240,
    height_px=135,
    samples_per_pixel=16,
    draws=200,
    real_audits=2,
    hashed_tiles=20,
    cost_scenes=(),
    cost_samples=16,
)
FLOOR = Scale(
    name="floor",
    scenes=("poster",),
    frames=2,
    width_px=96,
    height_px=54,
    samples_per_pixel=8,
    draws=400,
    real_audits=0,
    hashed_tiles=4,
    cost_scenes=(),
    cost_samples=8,
    entries=(
        "brightened",
        "fewer_samples",
        "first_frame_honest",
        "half_resolution",
        "honest_fresh_process",
        "honest_in_pieces",
        "one_bit_flipped",
        "one_tile_in_twenty",
        "passes_cheap_picture_honest",
        "smooth_passes",
        "stopped_early",
    ),
    sample=(12, 8),
)
"""What continuous integration holds against the recorded floor."""
