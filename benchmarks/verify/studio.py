"""One scene as a job, and what honest and cheating workers deliver for it.

Every delivery is made by the gallery's own renderers around the real Blender and then read from its
files as a verifier reads them. What an unchanged Blender renders for the same settings is rendered once
and kept, since most cheats begin with the same frames; honest variants never take anything kept.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from tileproof.adapters.blender.find import BlenderBuild
from tileproof.adapters.blender.renderer import BlenderRenderer
from tileproof.adapters.blender.sandbox import Sandbox
from tileproof.adapters.blender.scene import BlenderInspector
from tileproof.adapters.images import ChildDecoder
from tileproof.audit.report import Work
from tileproof.client.draft import draft_manifest, render_settings
from tileproof.client.request import PictureRequest, Resolution
from tileproof.domain.errors import EvidenceError
from tileproof.domain.job import Ground
from tileproof.domain.manifest import Manifest, RenderSettings
from tileproof.domain.result import files_of
from tileproof.domain.tiles import Tile
from tileproof.ports.images import ImageFormat
from tileproof.ports.renderer import FrameProgress, Limits, Rendered, RenderReport, RenderSession
from tileproof.ports.scene import PackedScene
from tileproof.verifier.pictures import FramePixels, read_frame

from gallery import DENOISED, RAW, Entry

from .scale import Scale

SCRIPT = Path(__file__).resolve().parents[2] / "scenes" / "proving" / "make.py"
LIMITS = Limits(wall_seconds=3_600, memory_bytes=8 << 30, output_bytes=4 << 30, threads=1)
Delivery = dict[int, FramePixels | Ground]
"""By frame: its pixels, or why there are none."""


@dataclass(frozen=True, slots=True)
class Job:
    """One scene, raw or denoised, as one task."""

    scene: str
    kind: str
    blend: Path
    manifest: Manifest

    @property
    def name(self) -> str:
        return f"{self.scene}, {self.kind}"

    @property
    def settings(self) -> RenderSettings:
        return self.manifest.settings

    @property
    def work(self) -> Work:
        manifest = self.manifest
        return Work(manifest.name, manifest.audit, manifest.settings, manifest.tasks[0], None, ())


def make_blend(blender: BlenderBuild, scene: str, folder: Path) -> Path:
    blend = folder / scene / f"{scene}.blend"
    if not blend.exists():
        command = blender.command(SCRIPT, "--scene", scene, "--out", str(blend))
        subprocess.run(command, check=True, capture_output=True, timeout=600)
    return blend


def jobs_of(blender: BlenderBuild, sandbox: Sandbox, scene: str, folder: Path, scale: Scale) -> Iterator[Job]:
    """The scene raw and denoised, drafted as ``tileproof client submit`` does, with its default plan."""
    blend = make_blend(blender, scene, folder)
    facts = BlenderInspector(blender, sandbox).inspect(blend)
    request = PictureRequest(
        blend,
        frames=f"1-{scale.frames}",
        resolution=Resolution(scale.width_px, scale.height_px),
        samples_per_pixel=scale.samples_per_pixel,
        frames_per_task=scale.frames,
        tile_px=scale.sample[0] if scale.sample else None,
        sample_tiles=scale.sample[1] if scale.sample else None,
    )
    report = BlenderRenderer(blender, sandbox).report()
    packed = PackedScene(blend.parent, blend.name)
    for kind in (RAW, DENOISED):
        settings = render_settings(request, replace(facts, denoise=kind == DENOISED), report)
        yield Job(scene, kind, blend, draft_manifest(request, facts, settings, packed))


class Remembering(BlenderRenderer):
    """Renders each picture once, whoever asks; a Blender starts when one is missing."""

    def __init__(self, blender: BlenderBuild, sandbox: Sandbox, kept: Path) -> None:
        super().__init__(blender, sandbox)
        self._kept_in = kept
        kept.mkdir(parents=True, exist_ok=True)

    @contextmanager
    def open(  # type: ignore[override]
        self, scene: Path, settings: RenderSettings, out: Path, limits: Limits
    ) -> Iterator[RenderSession]:
        with ExitStack() as stack:

            def start() -> RenderSession:
                opened = super(Remembering, self).open(scene, settings, out, limits)
                return stack.enter_context(opened)

            yield _RememberingSession(start, scene, settings, out, self.report(), self._kept_in)


class _RememberingSession:
    def __init__(
        self, start: Any, scene: Path, settings: RenderSettings, out: Path, report: RenderReport, kept: Path
    ) -> None:
        self._start, self._settings, self._report, self._kept = start, settings, report, kept
        self._key = f"{scene.name} {sorted(asdict(settings).items())}"
        self._session: RenderSession | None = None
        self._count = 0
        self.out = out

    def report(self) -> RenderReport:
        return self._report

    def render(self, frame: int, tile: Tile, *, progress: FrameProgress | None = None) -> Rendered:
        kept = self._place(f"{frame} {tile}", ".exr" if self._settings.has_passes else ".png")
        if not kept.exists():
            shutil.copyfile(self._opened().render(frame, tile).path, kept)
        return self._copy(kept, frame, tile)

    def finish(self, frame: int, passes: Path) -> Rendered:
        digest = hashlib.sha256(passes.read_bytes()).hexdigest()
        kept = self._place(f"finish {frame} {digest}", ".png")
        if not kept.exists():
            shutil.copyfile(self._opened().finish(frame, passes).path, kept)
        return self._copy(kept, frame, self._settings.full_frame)

    def log_tail(self, lines: int = 40) -> tuple[str, ...]:
        return ()

    def _opened(self) -> RenderSession:
        self._session = self._session or self._start()
        return self._session

    def _place(self, what: str, suffix: str) -> Path:
        return self._kept / (hashlib.sha256(f"{self._key} {what}".encode()).hexdigest() + suffix)

    def _copy(self, kept: Path, frame: int, tile: Tile) -> Rendered:
        self._count += 1
        path = self.out / f"kept-{self._count:05d}{kept.suffix}"
        shutil.copyfile(kept, path)
        return Rendered(path, frame, tile, 0.0)


class Studio:
    """Deliveries of one scene's jobs."""

    def __init__(self, blender: BlenderBuild, sandbox: Sandbox, folder: Path, threads: int = 1) -> None:
        self._limits = replace(LIMITS, threads=threads)
        self._plain = BlenderRenderer(blender, sandbox)
        self._remembering = Remembering(blender, sandbox, folder / "kept")
        self._folder, self._count = folder, 0
        self.decoder = ChildDecoder()

    def honest(self, job: Job) -> dict[int, FramePixels]:
        """What every delivery is held against."""
        folder = self.deliver(job, None)
        found = self.read(job, folder)
        shutil.rmtree(folder)
        bad = [each for each in found.values() if isinstance(each, Ground)]
        assert not bad, f"the honest render of {job.name} cannot be read: {bad}"
        return {frame: each for frame, each in found.items() if isinstance(each, FramePixels)}

    def deliver(self, job: Job, entry: Entry | None) -> Path:
        """The folder of a result by this entry of the gallery; by an unchanged worker for None."""
        self._count += 1
        out, result = self._folder / f"out-{self._count}", self._folder / f"result-{self._count}"
        out.mkdir()
        result.mkdir()
        renderer: Any = self._plain if entry is not None and entry.honest else self._remembering
        if entry is not None and entry.dress is not None:
            renderer = entry.dress(renderer)
        settings, spec = job.settings, job.manifest.tasks[0]
        with renderer.open(job.blend, settings, out, self._limits) as session:
            for frame in spec.frames:
                names = files_of(settings, spec, frame)
                first = session.render(frame, spec.region).path
                packed = self._packed(job, first, out / names[0]) if settings.has_passes else None
                if packed is not None:
                    shutil.copyfile(session.finish(frame, packed).path, result / names[1])
                shutil.copyfile(packed or first, result / names[0])
        shutil.rmtree(out)
        return result

    def read(self, job: Job, result: Path) -> Delivery:
        """As a verifier reads it."""
        spec = job.manifest.tasks[0]
        return {
            frame: read_frame(self.decoder, result, job.work, position)
            for position, frame in enumerate(spec.frames)
        }

    def finishes(self, job: Job, delivered: Delivery) -> dict[int, bool]:
        """By frame, whether the picture is what the passes beside it finish to; nothing where a job
        has no passes."""
        frames = {
            n: each
            for n, each in delivered.items()
            if isinstance(each, FramePixels) and each.passes is not None
        }
        if not frames:
            return {}
        self._count += 1
        out = self._folder / f"out-{self._count}"
        out.mkdir()
        found = {}
        form = ImageFormat.of(job.settings, job.settings.full_frame)
        with self._remembering.open(job.blend, job.settings, out, self._limits) as session:
            for frame, pixels in frames.items():
                assert pixels.passes is not None
                given = out / f"given-{frame}.exr"
                self.decoder.encode_exr(pixels.passes, given)
                again = self.decoder.decode(session.finish(frame, given).path, form)
                found[frame] = pixels.picture is not None and np.array_equal(again, pixels.picture)
        shutil.rmtree(out)
        return found

    def _packed(self, job: Job, passes: Path, packed: Path) -> Path | None:
        """As a worker stores passes; None for what is no passes, and finishes to nothing."""
        try:
            pixels = self.decoder.decode(passes, ImageFormat.passes(job.settings, job.settings.full_frame))
        except EvidenceError:
            return None
        self.decoder.encode_exr(pixels, packed)
        return packed
