"""Rendering one scene with one set of settings.

Worker and verifier render through this same port, so a difference between them is never
ours. A session loads the scene once; every request is rendered by that one process.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from ..domain.manifest import CYCLES, RenderSettings
from ..domain.tiles import Tile

FrameProgress = Callable[[int, float], None]
"""Called with (frame, share done 0..1)."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What one session may use before it is killed as a group."""

    wall_seconds: float
    memory_bytes: int
    output_bytes: int
    threads: int


@dataclass(frozen=True, slots=True)
class RenderReport:
    """What the machine says about itself; part of results and reports."""

    blender_build: str  # "4.5.15 <build hash>"
    device_class: str  # build, CPU or GPU kind: what must match for bit-equality
    device: str  # the device used, in words
    sandbox: str  # "bubblewrap", "landlock" or "none"
    engines: tuple[str, ...] = (CYCLES,)  # that it can render with


@dataclass(frozen=True, slots=True)
class Rendered:
    """One file: ``path`` has exactly ``tile``'s pixels, as ``ImageFormat.audited`` or, finished,
    as ``ImageFormat.of`` says."""

    path: Path
    frame: int
    tile: Tile
    seconds: float


class RenderSession(Protocol):
    @property
    def out(self) -> Path:
        """The one folder that the session writes to, and reads what it is given from."""
        ...

    def report(self) -> RenderReport: ...

    def render(self, frame: int, tile: Tile, *, progress: FrameProgress | None = None) -> Rendered:
        """Renders exactly the pixels of ``tile`` (full-frame coordinates), with the guard
        band the settings ask for, cut off again. The whole frame is the tile that covers it.
        It is the picture, or where the settings ask for finishing the passes that the picture is
        finished from.
        What ``progress`` raises ends the session at once and is raised from here.

        Raises:
            MachineError: ``render.timeout``, ``render.out_of_memory``,
                ``render.output_too_large``, ``render.crashed`` (with the log's last lines).
            ValueError: for a part of a frame under settings without ``has_equal_crops``.
        """
        ...

    def finish(self, frame: int, passes: Path) -> Rendered:
        """The picture of a whole frame, from passes alone: an EXR inside ``out`` as ``render``
        leaves it or ``ImageDecoder.encode_exr`` writes it. Equal passes give equal pictures,
        whoever rendered them.

        Raises as ``render``; ValueError where the settings ask for no finishing.
        """
        ...

    def log_tail(self, lines: int = 40) -> tuple[str, ...]: ...


class Renderer(Protocol):
    def open(
        self, scene: Path, settings: RenderSettings, out: Path, limits: Limits
    ) -> AbstractContextManager[RenderSession]:
        """Starts a Blender process, sandboxed, with ``scene`` (a .blend inside a directory
        that holds everything it links, mounted read-only) loaded and the canonical settings
        applied. Only ``out`` is writable. Leaving the context kills the group.

        Raises:
            MachineError: ``blender.missing``, ``blender.wrong_version``, ``blender.wrong_device``,
                ``blender.no_graphics``, ``sandbox.unavailable``, ``render.crashed``.
            EvidenceError: ``scene.unreadable``, ``scene.no_camera``.
        """
        ...

    def report(self) -> RenderReport:
        """The report without a scene: what would be used."""
        ...
