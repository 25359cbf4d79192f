"""What a job's CID names: canonical JSON that fixes the scene, the settings and the tasks.

One value has one encoding, so one manifest has one CID.
"""

from __future__ import annotations

from dataclasses import dataclass

from .cid import Cid
from .tiles import Tile


@dataclass(frozen=True, slots=True)
class RenderSettings:
    """Everything that decides a pixel and is not in the .blend, or overrides it.

    Canonical: dithering is always 0 and is therefore no field.
    """

    blender_version: str  # "4.5.15": the build every role of this job renders with
    device_class: str  # "cpu-x86_64" (see docs/glossary.md)
    engine: str  # "CYCLES"
    camera: str
    view_layer: str
    width_px: int
    height_px: int
    samples_per_pixel: int
    noise_seed: int
    animated_seed: bool
    adaptive_sampling: bool
    adaptive_threshold: float
    sampling_pattern: str  # Cycles' own word, from the scene
    view_transform: str
    transparent: bool
    container: str  # "PNG"
    channels: int  # 3 or 4
    depth: int  # 8 or 16
    guard_band_px: int

    @property
    def full_frame(self) -> Tile:
        return Tile(0, 0, self.width_px, self.height_px)


@dataclass(frozen=True, slots=True)
class SceneFile:
    path: str  # relative, posix, no "..", no leading slash
    size: int  # bytes
    sha256: str  # 64 hex digits


@dataclass(frozen=True, slots=True)
class AuditPolicy:
    """How results are judged; chosen by the requester, never widened by a worker."""

    lane: str  # "exact"
    tile_px: int  # edge of a sample tile
    sample_tiles: int  # per audit


@dataclass(frozen=True, slots=True)
class TaskSpec:
    """The frames and the region that one task covers."""

    frames: tuple[int, ...]
    region: Tile


@dataclass(frozen=True, slots=True)
class Manifest:
    version: int
    name: str  # for people; never a path
    scene: Cid  # a directory
    blend: str  # the .blend's path in it
    files: tuple[SceneFile, ...]
    settings: RenderSettings
    audit: AuditPolicy
    tasks: tuple[TaskSpec, ...]
    split_columns: int
    split_rows: int
