"""What an audit at 1080p costs beside the render that it judges, on the same machine in the same run."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from tileproof.adapters.blender.find import BlenderBuild
from tileproof.adapters.blender.renderer import BlenderRenderer
from tileproof.adapters.blender.sandbox import Sandbox

from .audits import audit, spent
from .scale import Scale
from .studio import Studio, jobs_of

WIDTH_PX, HEIGHT_PX = 1920, 1080
SEED = 7
THREADS = 2
"""With one, Blender spins while it waits to be asked, and a user's does not."""


@dataclass(frozen=True, slots=True)
class CostRow:
    job: str
    tiles: int
    render_cpu: float
    audit_cpu: float  # start, load, fetch, tiles and finishing; no screen
    screen_cpu: float  # previews of every frame, on top
    fetched: int  # bytes: manifest, scene and result
    rejected: bool

    @property
    def share(self) -> float:
        return self.audit_cpu / self.render_cpu


def cost_of(
    blender: BlenderBuild, sandbox: Sandbox, scene: str, scale: Scale, kinds: tuple[str, ...]
) -> list[CostRow]:
    """One frame of the scene, with the default plan for it."""
    large = replace(
        scale, frames=1, width_px=WIDTH_PX, height_px=HEIGHT_PX, samples_per_pixel=scale.cost_samples
    )
    found = []
    with tempfile.TemporaryDirectory(prefix="tileproof-cost-") as name:
        folder = Path(name)
        studio, renderer = Studio(blender, sandbox, folder, THREADS), BlenderRenderer(blender, sandbox)
        for job in jobs_of(blender, sandbox, scene, folder, large):
            if job.kind not in kinds:
                continue
            result, render = spent(partial(studio.deliver, job, None))
            judge = partial(
                audit,
                job.manifest,
                job.blend.parent,
                result,
                SEED,
                renderer=renderer,
                decoder=studio.decoder,
                home=folder / "verifier",
                threads=THREADS,
            )
            report, plain = spent(judge)
            _, screened = spent(partial(judge, preview_seconds=30.0))
            sizes = [path.stat().st_size for root in (result, job.blend.parent) for path in root.iterdir()]
            found.append(
                CostRow(
                    job=job.name,
                    tiles=len(report.tiles),
                    render_cpu=render.cpu_seconds,
                    audit_cpu=plain.cpu_seconds,
                    screen_cpu=max(0.0, screened.cpu_seconds - plain.cpu_seconds),
                    fetched=sum(sizes),
                    rejected=report.judgement.verdict.value != "Accept",
                )
            )
        studio.decoder.close()
    return found
