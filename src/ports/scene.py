"""Looking into a .blend before any money moves, and making it travel."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol


@dataclass(frozen=True, slots=True)
class SceneFacts:
    """What Blender itself says of the active scene, opened with scripts off."""

    blender_file_version: str
    engine: str  # CYCLES, BLENDER_EEVEE_NEXT, ...
    cameras: tuple[str, ...]
    active_camera: str | None
    view_layers: tuple[str, ...]
    frame_start: int
    frame_end: int
    frame_step: int
    width_px: int
    height_px: int
    resolution_percentage: int
    samples_per_pixel: int
    noise_seed: int
    animated_seed: bool
    adaptive_sampling: bool
    adaptive_threshold: float
    sampling_pattern: str  # Cycles' own word: TABULATED_SOBOL, BLUE_NOISE, ...
    view_transform: str
    transparent: bool
    missing_files: tuple[str, ...]
    denoise: bool
    composite: bool  # the scene's nodes make another picture than the render
    unauditable: tuple[str, ...]
    """What cannot be audited exactly, by name: ``compositing`` (nodes that the passes do not
    feed), ``path_guiding``, ``time_limit``, ``unbaked_simulation``, ``eevee``, ``engine``, …"""
    external_files: tuple[str, ...]
    has_volumes: bool

    @property
    def finishing(self) -> tuple[str, ...]:
        """What makes the picture of the render, in words and in order."""
        steps = {"denoised": self.denoise, "composited": self.composite}
        return tuple(word for word, is_done in steps.items() if is_done)


@dataclass(frozen=True, slots=True)
class PackedScene:
    """A directory that holds the scene and everything it uses, by relative path."""

    root: Path
    blend: str  # relative to root, posix


class SceneInspector(Protocol):
    def inspect(self, blend: Path) -> SceneFacts:
        """Raises InputError: ``scene.missing``, ``scene.not_blend``, ``scene.truncated``,
        ``scene.unreadable``; MachineError as Renderer.open."""
        ...


class ScenePacker(Protocol):
    def pack(self, blend: Path, into: Path) -> PackedScene:
        """Copies the .blend and what it links into the empty directory ``into`` and makes
        the paths relative. The source is never written to.

        Raises InputError: ``scene.files_missing`` (named in ``data["missing"]``).
        """
        ...
