"""A Renderer without Blender: pictures that are a function of scene, settings and pixel.

Like Cycles it seeds each pixel from its place in the full frame, so a tile is bit-equal to
the same pixels of the whole frame, and its noise falls with the root of the samples. Any file
that starts like a .blend is a scene; its bytes decide the picture.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, fields, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tileproof.adapters.blender.device import this_device
from tileproof.adapters.images import ChildDecoder
from tileproof.domain.errors import EvidenceError, MachineError
from tileproof.domain.manifest import RenderSettings
from tileproof.domain.tiles import Tile
from tileproof.ports.images import ImageFormat, Pixels
from tileproof.ports.renderer import FrameProgress, Limits, Rendered, RenderReport

MACHINE = RenderReport(
    blender_build="4.5.15 0000fa4e0000",
    device_class=this_device().device_class,
    device="CPU of a fake",
    sandbox="bubblewrap",
)

SETTINGS = RenderSettings(
    blender_version="4.5.15",
    device_class=this_device().device_class,
    engine="CYCLES",
    camera="Camera",
    view_layer="ViewLayer",
    width_px=64,
    height_px=36,
    samples_per_pixel=16,
    noise_seed=0,
    animated_seed=False,
    adaptive_sampling=False,
    adaptive_threshold=0.01,
    sampling_pattern="TABULATED_SOBOL",
    view_transform="AgX",
    transparent=False,
    container="PNG",
    channels=3,
    depth=8,
    guard_band_px=0,
    denoise=False,
    composite=False,
)
"""What a small job asks for; tests change fields with ``dataclasses.replace``."""

LIMITS = Limits(wall_seconds=120, memory_bytes=4 << 30, output_bytes=64 << 20, threads=1)

_NOT_PIXELS = {
    "container",
    "channels",
    "depth",
    "guard_band_px",
    "width_px",
    "height_px",
    "samples_per_pixel",
    "denoise",
    "composite",
}


@dataclass
class FakeRenderer:
    """Honest unless told otherwise. Each knob is one way in which a renderer fails or lies.

    ``lie`` changes the settings that are really rendered, without a word in the report;
    ``nondeterministic`` makes every session render noise of its own; ``crashes_after`` pictures
    a session's process is gone; ``fails_with`` is the code of the MachineError that opening
    raises; ``on_render`` runs before each picture (to move a clock, to stop, to raise);
    ``retouch`` changes the pixels of what is rendered, ``retouch_finish`` those of a finished frame.
    """

    machine: RenderReport = MACHINE
    cameras: tuple[str, ...] = ("Camera", "Side")
    lie: Callable[[RenderSettings], RenderSettings] | None = None
    retouch: Callable[[int, Tile, Pixels], Pixels] | None = None
    retouch_finish: Callable[[int, Pixels], Pixels] | None = None
    nondeterministic: bool = False
    crashes_after: int | None = None
    fails_with: str | None = None
    seconds: float = 0.25  # what each picture claims to have taken
    on_render: Callable[[int, Tile], None] | None = None
    sessions: int = 0
    open_sessions: int = 0
    rendered: list[tuple[int, int, Tile]] = field(default_factory=list)  # (session, frame, tile)

    def report(self) -> RenderReport:
        return self.machine

    @contextmanager
    def open(self, scene: Path, settings: RenderSettings, out: Path, limits: Limits) -> Iterator[FakeSession]:
        if self.fails_with is not None:
            raise MachineError(self.fails_with, "the fake was told to fail")
        version = self.machine.blender_build.split()[0]
        if settings.blender_version != version:
            raise MachineError(
                "blender.wrong_version",
                f"the job needs Blender {settings.blender_version}; this is {version}",
            )
        if settings.device_class != self.machine.device_class:
            raise MachineError("blender.wrong_device", f"the job needs {settings.device_class}")
        if settings.engine not in self.machine.engines:
            raise MachineError("blender.no_graphics", f"this machine does not render with {settings.engine}")
        data = scene.read_bytes() if scene.is_file() else b""
        if not data.startswith(b"BLENDER"):
            raise EvidenceError("scene.unreadable", f"{scene} cannot be opened")
        if settings.camera not in self.cameras:
            raise EvidenceError("scene.no_camera", f"the scene has no camera named {settings.camera}")
        self.sessions += 1
        self.open_sessions += 1
        actual = self.lie(settings) if self.lie else settings
        try:
            yield FakeSession(self, self.sessions, hashlib.sha256(data).digest(), actual, out, limits)
        finally:
            self.open_sessions -= 1


@dataclass
class FakeSession:
    """Made by ``FakeRenderer.open``."""

    renderer: FakeRenderer
    number: int
    scene: bytes
    settings: RenderSettings
    out: Path
    limits: Limits
    count: int = 0
    spent_seconds: float = 0.0
    written_bytes: int = 0
    codec: ChildDecoder = field(default_factory=ChildDecoder)

    def report(self) -> RenderReport:
        return self.renderer.machine

    def render(self, frame: int, tile: Tile, *, progress: FrameProgress | None = None) -> Rendered:
        if not self.settings.full_frame.contains(tile):
            raise ValueError(f"{tile} leaves the frame")
        if tile != self.settings.full_frame and not self.settings.has_equal_crops:
            raise ValueError(f"{self.settings.engine} renders whole frames only")
        if self.renderer.on_render is not None:
            self.renderer.on_render(frame, tile)
        if self.renderer.crashes_after is not None and self.count >= self.renderer.crashes_after:
            raise MachineError("render.crashed", "the fake was told to crash", log="Segmentation fault")
        self.spent_seconds += self.renderer.seconds
        if self.spent_seconds > self.limits.wall_seconds:
            raise MachineError("render.timeout", f"stopped after {self.limits.wall_seconds:.0f} s")
        salt = self.number.to_bytes(4, "big") if self.renderer.nondeterministic else b""
        make = passes if self.settings.has_passes else picture
        pixels = make(self.scene + salt, self.settings, frame, tile)
        if self.renderer.retouch is not None:
            pixels = self.renderer.retouch(frame, tile, pixels)
        path = self._write(pixels)
        if progress is not None:
            for share in (0.0, 0.5, 1.0):
                progress(frame, share)
        self.renderer.rendered.append((self.number, frame, tile))
        return Rendered(path=path, frame=frame, tile=tile, seconds=self.renderer.seconds)

    def finish(self, frame: int, passes: Path) -> Rendered:
        if not self.settings.has_passes:
            raise ValueError("a raw picture is finished as it is rendered")
        self.spent_seconds += self.renderer.seconds
        full = self.settings.full_frame
        stored = self.codec.decode(passes, ImageFormat.passes(self.settings, full))
        pixels = finished(self.settings, stored)
        if self.renderer.retouch_finish is not None:
            pixels = self.renderer.retouch_finish(frame, pixels)
        return Rendered(self._write(pixels), frame, full, self.renderer.seconds)

    def _write(self, pixels: Pixels) -> Path:
        self.count += 1
        path = self.out / f"{self.count:06d}{'.exr' if pixels.dtype == np.float16 else '.png'}"
        (self.codec.encode_exr if pixels.dtype == np.float16 else self.codec.encode_png)(pixels, path)
        self.written_bytes += path.stat().st_size
        if self.written_bytes > self.limits.output_bytes:
            raise MachineError("render.output_too_large", f"wrote more than {self.limits.output_bytes} bytes")
        return path

    def log_tail(self, lines: int = 40) -> tuple[str, ...]:
        return tuple(f"Fra:{frame} rendered {tile}" for _, frame, tile in self.renderer.rendered)[-lines:]


def fewer_samples(share: float) -> Callable[[RenderSettings], RenderSettings]:
    """A ``lie``: renders this share of the samples."""

    def lie(settings: RenderSettings) -> RenderSettings:
        return replace(settings, samples_per_pixel=max(1, int(settings.samples_per_pixel * share)))

    return lie


def picture(scene: bytes, settings: RenderSettings, frame: int, tile: Tile) -> Pixels:
    """The pixels of ``tile`` at ``frame``: two waves that move with the frame, and noise.

    Rows x columns x channels of uint8 or uint16, as ``settings`` asks.
    """
    what = [f"{f.name}={getattr(settings, f.name)!r}" for f in fields(settings) if f.name not in _NOT_PIXELS]
    channels = _light(scene, settings, frame, tile, what)
    top = (1 << settings.depth) - 1
    values = np.clip(np.round(channels * top), 0, top)
    return values.astype(np.uint8) if settings.depth == 8 else values.astype(np.uint16)


def passes(scene: bytes, settings: RenderSettings, frame: int, tile: Tile) -> Pixels:
    """The same before finishing, as half floats; the guides are the picture without its noise."""
    channels = [_light(scene, settings, frame, tile, [])]
    if settings.denoise:
        clean = replace(settings, samples_per_pixel=1 << 24, channels=3)
        channels += [_light(scene, clean, frame, tile, [])] * 2
    stored: Pixels = np.concatenate(channels, axis=2).astype(np.float16)
    return stored


def finished(settings: RenderSettings, stored: Pixels) -> Pixels:
    """Finishing that no part of a frame can do alone: every pixel is half its row's mean."""
    light: NDArray[np.float64] = stored[..., : settings.channels].astype(np.float64)
    top = (1 << settings.depth) - 1
    mixed = (light / 2 + light.mean(axis=1, keepdims=True) / 2) * top
    values: NDArray[np.float64] = np.clip(np.round(mixed), 0, top)
    return values.astype(np.uint8) if settings.depth == 8 else values.astype(np.uint16)


def _light(
    scene: bytes, settings: RenderSettings, frame: int, tile: Tile, what: list[str]
) -> NDArray[np.float64]:
    seed_frame = frame if settings.animated_seed else 0
    look = _number(scene)
    noise_key = _number(
        scene, ";".join(what).encode(), str((settings.samples_per_pixel, seed_frame)).encode()
    )
    y, x = np.mgrid[tile.y0 : tile.y1, tile.x0 : tile.x1].astype(np.float64)
    u, v = x / settings.width_px, y / settings.height_px
    channels = []
    for channel in range(settings.channels):
        if channel == 3:
            channels.append(np.ones_like(u))
            continue
        phase = (look >> (8 * channel) & 255) / 40 + 0.21 * frame
        base = 0.5 + 0.2 * np.sin(6.3 * u + phase) + 0.2 * np.cos(9.1 * v - phase + channel)
        noise = _noise(noise_key + channel, x.astype(np.uint64), y.astype(np.uint64)) - 0.5
        channels.append(base + 0.3 * noise / np.sqrt(settings.samples_per_pixel))
    return np.stack(channels, axis=-1)


def _number(*parts: bytes) -> int:
    return int.from_bytes(hashlib.sha256(b"\0".join(parts)).digest()[:6], "big")


def _noise(key: int, x: NDArray[np.uint64], y: NDArray[np.uint64]) -> NDArray[np.float64]:
    """0..1 for each pixel, from its full-frame place alone (the finaliser of SplitMix64)."""
    with np.errstate(over="ignore"):
        z = np.uint64(key) + x * np.uint64(0x9E3779B97F4A7C15) + y * np.uint64(0xC2B2AE3D27D4EB4F)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z = z ^ (z >> np.uint64(31))
    unit: NDArray[np.float64] = (z >> np.uint64(11)).astype(np.float64) / float(1 << 53)
    return unit
