"""One scene, all of the gallery: what one process of the run finds out."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from tileproof.adapters.blender.find import BlenderBuild
from tileproof.adapters.blender.renderer import BlenderRenderer
from tileproof.adapters.blender.sandbox import Sandbox
from tileproof.domain.errors import TileproofError
from tileproof.domain.job import Ground, Verdict
from tileproof.domain.manifest import Manifest
from tileproof.domain.policy import CALIBRATED, LEAST_GATED_TILE_PX, AuditPolicy, default_policy
from tileproof.domain.tiles import sample_grid
from tileproof.verifier.pictures import FramePixels

import gallery

from .audits import audit
from .metrics import distances
from .scale import Scale
from .studio import Delivery, Job, Studio, jobs_of
from .trials import Drawn, Rate, draw_audits, formula, power, with_finishes, wrong_tiles


@dataclass(frozen=True, slots=True)
class ClassFigures:
    """One entry of the gallery on one job."""

    entry: str
    honest: bool
    work_saved: float
    scene: str
    kind: str
    tiles: int  # of the whole task
    wrong: int  # of those, by the job's lane
    found: Rate  # audits
    expected: float  # the same by the formula
    metrics: tuple[Mapping[str, float], ...]  # distances of tiles that differ; of honest ones, of any


@dataclass(frozen=True, slots=True)
class Agreement:
    """A whole audit beside what was predicted for its list of tiles."""

    job: str
    entry: str
    predicted: str
    said: str
    tiles: int

    @property
    def agrees(self) -> bool:
        return self.predicted == self.said


@dataclass(slots=True)
class SceneFigures:
    scene: str
    manifest: Manifest  # of its raw job
    classes: list[ClassFigures] = field(default_factory=list)
    audits: list[Agreement] = field(default_factory=list)
    left_out: dict[str, str] = field(default_factory=dict)  # entries, and why
    plan: dict[str, int] = field(default_factory=dict)  # by name, of the default sample
    bytes_per_frame: dict[str, int] = field(default_factory=dict)  # pinned, by kind


def look_at(blender: BlenderBuild, sandbox: Sandbox, scene: str, scale: Scale) -> SceneFigures:
    with tempfile.TemporaryDirectory(prefix="tileproof-bench-") as name:
        folder = Path(name)
        studio = Studio(blender, sandbox, folder)
        jobs = list(jobs_of(blender, sandbox, scene, folder, scale))
        found = SceneFigures(scene, jobs[0].manifest)
        for job in jobs:
            _look_at_job(found, studio, job, scale, BlenderRenderer(blender, sandbox), folder)
        studio.decoder.close()
    return found


def _look_at_job(
    found: SceneFigures, studio: Studio, job: Job, scale: Scale, renderer: BlenderRenderer, folder: Path
) -> None:
    honest = studio.honest(job)
    audits = draw_audits(job.manifest, scale.draws)
    policy = job.manifest.audit
    grid = sample_grid(job.manifest.tasks[0].region, policy.tile_px)
    found.plan = {
        "tile_px": policy.tile_px,
        "sample_tiles": policy.sample_tiles,
        "tiles": len(grid) * scale.frames,
    }
    chosen = [gallery.load(name) for name in scale.entries or gallery.names()]
    tried = 0
    for entry in chosen:
        why = entry.missing() or (None if entry.dress is not None else "it withholds bytes, no pixels")
        if why is not None:
            found.left_out[entry.name] = why
        if why is not None or not entry.suits(job.settings):
            continue
        try:
            result = studio.deliver(job, entry)
        except TileproofError as error:  # which, unlike others, cannot travel between processes
            log = str(error.data.get("log", ""))
            raise RuntimeError(f"{entry.name} on {job.name}: {error.message} ({error.code})\n{log}") from None
        delivered = studio.read(job, result)
        judged_by = policy if entry.exact else _gate(policy)
        bits = wrong_tiles(job.manifest, honest, delivered, judged_by)
        if not entry.honest:
            bits = with_finishes(bits, studio.finishes(job, delivered))
        figures = ClassFigures(
            entry=entry.name,
            honest=entry.honest,
            work_saved=entry.work_saved,
            scene=job.scene,
            kind=job.kind,
            tiles=len(bits),
            wrong=sum(bits.values()),
            found=power(bits, audits),
            expected=formula(bits, job.manifest),
            metrics=tuple(_measured(job.manifest, honest, delivered, entry.honest, scale.hashed_tiles)),
        )
        found.classes.append(figures)
        if entry.honest and entry.exact and job.kind not in found.bytes_per_frame:
            size = sum(path.stat().st_size for path in result.iterdir())
            found.bytes_per_frame[job.kind] = size // scale.frames
        # Spread over the gallery: another part of it on every scene.
        turn = (len(found.classes) + len(job.scene)) % max(1, len(chosen) // max(1, scale.real_audits)) == 0
        if tried < scale.real_audits and (turn or (entry.honest and tried == 0)) and entry.exact:
            tried += 1
            found.audits.append(
                _really(job, entry.name, result, bits, audits[tried], renderer, studio, folder)
            )
        shutil.rmtree(result)


def _gate(policy: AuditPolicy) -> AuditPolicy:
    """What judges honest work whose bits differ: tiles no smaller than that lane takes."""
    return default_policy(CALIBRATED, max(policy.tile_px, LEAST_GATED_TILE_PX), policy.sample_tiles)


def _measured(
    manifest: Manifest, honest: Mapping[int, FramePixels], delivered: Delivery, any_tile: bool, most: int
) -> list[Mapping[str, float]]:
    """The metrics of up to ``most`` tiles of the final pictures, spread evenly: of those that differ, or
    of all."""
    grid = sample_grid(manifest.tasks[0].region, manifest.audit.tile_px)
    pairs = []
    for frame, true in honest.items():
        given = delivered[frame]
        if isinstance(given, Ground):
            continue
        for tile in grid.tiles():
            box = np.s_[tile.y0 : tile.y1, tile.x0 : tile.x1]
            one, other = given.seen[box], true.seen[box]
            if any_tile or one.tobytes() != other.tobytes():
                pairs.append((one, other))
    step = max(1, len(pairs) // most)
    return [distances(*pair) for pair in pairs[::step][:most]]


def _really(
    job: Job,
    entry: str,
    result: Path,
    bits: Mapping[tuple[int, int], bool],
    drawn: Drawn,
    renderer: BlenderRenderer,
    studio: Studio,
    folder: Path,
) -> Agreement:
    report = audit(
        job.manifest,
        job.blend.parent,
        result,
        drawn.seed,
        renderer=renderer,
        decoder=studio.decoder,
        home=folder / "verifier",
        threads=1,
    )
    predicted = Verdict.REJECT if any(bits[tile] for tile in drawn.tiles) else Verdict.ACCEPT
    return Agreement(job.name, entry, predicted.value, report.judgement.verdict.value, len(report.tiles))
