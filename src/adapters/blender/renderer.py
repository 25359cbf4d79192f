"""The Renderer port over one Blender process per session."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path

from ...domain.errors import MachineError
from ...domain.manifest import CYCLES, EEVEE, ENGINES, RenderSettings
from ...domain.tiles import Tile, to_border, with_guard_band
from ...ports.renderer import FrameProgress, Limits, Rendered, RenderReport
from .device import this_device
from .find import BlenderBuild
from .process import BlenderProcess
from .sandbox import Sandbox


class BlenderRenderer:
    """Renders with one Blender build, inside one kind of sandbox."""

    def __init__(self, blender: BlenderBuild, sandbox: Sandbox) -> None:
        self._blender = blender
        self._sandbox = sandbox

    def report(self) -> RenderReport:
        device = this_device()
        return RenderReport(
            blender_build=self._blender.build,
            device_class=device.device_class,
            device=device.words,
            sandbox=self._sandbox.name,
            engines=ENGINES if self._blender.graphics else (CYCLES,),
        )

    @contextmanager
    def open(
        self, scene: Path, settings: RenderSettings, out: Path, limits: Limits
    ) -> Iterator[BlenderSession]:
        if settings.blender_version != self._blender.version:
            raise MachineError(
                "blender.wrong_version",
                f"the job needs Blender {settings.blender_version}; this is {self._blender.version}",
                remedy=f"set BLENDER_PATH to Blender {settings.blender_version}",
                wanted=settings.blender_version,
                found=self._blender.version,
            )
        own = this_device().device_class
        if settings.device_class != own:
            raise MachineError(
                "blender.wrong_device",
                f"the job needs the device class {settings.device_class}; this is {own}",
                remedy="leave this job to machines of its device class",
            )
        report = self.report()
        if settings.engine not in report.engines:
            raise MachineError(
                "blender.no_graphics",
                f"Blender finds no OpenGL here, which {settings.engine} draws with",
                remedy="install Mesa's EGL and software driver (Debian: libegl-mesa0 libgl1-mesa-dri)",
                engine=settings.engine,
            )
        if settings.engine == EEVEE:
            report = replace(report, device=f"software OpenGL ({self._blender.graphics})")
        scene, out = scene.absolute(), out.absolute()
        process = BlenderProcess(
            self._blender, self._sandbox, "serve.py", (), read_only=[scene.parent], out=out, limits=limits
        )
        try:
            process.ask(
                {
                    "do": "open",
                    "scene": str(scene),
                    "settings": asdict(settings),
                    "threads": limits.threads,
                    # Above the limit that is watched, so that it is the watcher who speaks.
                    "file_bytes": limits.output_bytes + (1 << 20),
                }
            )
            yield BlenderSession(process, settings, out, report)
        finally:
            process.close()


class BlenderSession:
    """One loaded scene; made by ``BlenderRenderer.open``."""

    def __init__(
        self, process: BlenderProcess, settings: RenderSettings, out: Path, report: RenderReport
    ) -> None:
        self._process, self._settings, self._out, self._report = process, settings, out, report
        self._count = 0

    @property
    def out(self) -> Path:
        return self._out

    def report(self) -> RenderReport:
        return self._report

    def render(self, frame: int, tile: Tile, *, progress: FrameProgress | None = None) -> Rendered:
        full = self._settings.full_frame
        if tile != full and not self._settings.has_equal_crops:
            raise ValueError(f"{self._settings.engine} renders whole frames only, not {tile}")
        guarded = with_guard_band(tile, self._settings.guard_band_px, full)
        border = None
        if guarded.rendered != full:
            border = asdict(to_border(guarded.rendered, full.width, full.height))
        self._count += 1
        path = self._out / f"{self._count:06d}{'.exr' if self._settings.has_passes else '.png'}"
        crop = guarded.crop
        answer = self._process.ask(
            {
                "do": "render",
                "frame": frame,
                "path": str(path),
                "border": border,
                "crop": [crop.x0, crop.y0, crop.x1, crop.y1],
            },
            on_share=None if progress is None else lambda share: progress(frame, share),
        )
        return self._left(path, frame, tile, answer)

    def finish(self, frame: int, passes: Path) -> Rendered:
        if not self._settings.has_passes:
            raise ValueError("a raw picture is finished as it is rendered")
        self._count += 1
        path = self._out / f"{self._count:06d}.png"
        request: dict[str, object] = {"do": "finish", "frame": frame, "passes": str(passes.absolute())}
        answer = self._process.ask({**request, "path": str(path)})
        return self._left(path, frame, self._settings.full_frame, answer)

    def _left(self, path: Path, frame: int, tile: Tile, answer: dict[str, object]) -> Rendered:
        if path.is_symlink() or not path.is_file():
            raise MachineError(
                "render.crashed",
                f"Blender left no picture of frame {frame}",
                remedy="open the scene in Blender and render that frame there",
                log="\n".join(self._process.log_tail(12)),
            )
        return Rendered(path=path, frame=frame, tile=tile, seconds=_seconds(answer))

    def log_tail(self, lines: int = 40) -> tuple[str, ...]:
        return self._process.log_tail(lines)


def _seconds(answer: dict[str, object]) -> float:
    seconds = answer.get("seconds")
    return float(seconds) if isinstance(seconds, int | float) else 0.0
