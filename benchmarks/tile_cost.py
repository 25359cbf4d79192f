"""How unevenly a frame's work lies over its tiles: what a cheat who skips the dear ones saves.

    python -m benchmarks.tile_cost

Renders every tile of one frame of each proving scene by itself, in one Blender with one thread, takes off
what a tile costs beyond its pixels, and sorts. Prints the table of docs/adr/0014; the last line is JSON.
Times are the clock's: run it on a machine that does nothing else.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import fmean, median, pvariance

from tileproof.adapters.blender.find import BlenderBuild, find_blender
from tileproof.adapters.blender.renderer import BlenderRenderer
from tileproof.adapters.blender.sandbox import Sandbox, choose
from tileproof.audit.plan import DEAR_SHARE
from tileproof.client.request import parse_resolution
from tileproof.config import load
from tileproof.domain.tiles import Tile, sample_grid

from scenes.proving.names import SCENES

from .verify.scale import QUICK, Scale
from .verify.studio import LIMITS, jobs_of

FRAME = 1
FIXED_LOOKS = 9
"""Renders of one pixel, of which the median is what a tile costs beyond its pixels."""


@dataclass(frozen=True, slots=True)
class Unevenness:
    scene: str
    tiles: int
    fixed_seconds: float
    seconds: tuple[float, ...]  # of each tile's pixels, dearest first

    def share_with(self, work: float) -> float:
        """The least share of the tiles that holds ``work`` (0..1) of the frame's."""
        wanted, held = work * sum(self.seconds), 0.0
        for count, seconds in enumerate(self.seconds, start=1):
            held += seconds
            if held >= wanted:
                return count / self.tiles
        return 1.0

    @property
    def dearest(self) -> float:
        """Of its mean."""
        return self.seconds[0] / fmean(self.seconds)

    @property
    def variation(self) -> float:
        """CV²: what drawing by cost would add to the cost of a draw."""
        return pvariance(self.seconds) / fmean(self.seconds) ** 2


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--scenes", default=",".join(SCENES), help="of scenes/proving, separated by commas")
    parser.add_argument("--size", default="480x270")
    parser.add_argument("--tile", type=int, default=16, metavar="PIXELS")
    parser.add_argument("--samples", type=int, default=24)
    options = parser.parse_args(arguments)
    size, settings = parse_resolution(options.size), load()
    blender, sandbox = find_blender(settings.blender_path, settings.cache, "4.5.15"), choose()
    scale = replace(
        QUICK,
        frames=1,
        width_px=size.width_px,
        height_px=size.height_px,
        samples_per_pixel=options.samples,
    )
    found = []
    with tempfile.TemporaryDirectory(prefix="tileproof-tiles-") as name:
        for scene in options.scenes.split(","):
            found.append(measure(blender, sandbox, scene, Path(name), scale, options.tile))
            print(f"{scene}: done", file=sys.stderr, flush=True)
    print("| scene | a quarter of the work in | a half in | dearest tile, times the mean | CV² | fixed, ms |")
    print("| --- " * 6 + "|")
    for row in found:
        print(
            f"| {row.scene} | {row.share_with(0.25):.1%} | {row.share_with(0.5):.1%} | {row.dearest:.1f} | "
            f"{row.variation:.2f} | {row.fixed_seconds * 1000:.0f} |"
        )
    quarters = {row.scene: row.share_with(0.25) for row in found}
    print(
        json.dumps(
            {
                "tiles": found[0].tiles,
                "quarter_in": quarters,
                "least_quarter": min(quarters.values()),
                "planned_for": DEAR_SHARE,
            }
        )
    )
    return 0


def measure(
    blender: BlenderBuild, sandbox: Sandbox, scene: str, folder: Path, scale: Scale, tile_px: int
) -> Unevenness:
    """Every tile of the scene's first frame, raw, after one whole picture that nobody times."""
    job = next(jobs_of(blender, sandbox, scene, folder, scale))
    full, out = job.settings.full_frame, folder / f"{scene}-out"
    out.mkdir()
    tiles = sample_grid(full, tile_px).tiles()
    pixel = Tile(full.width // 2, full.height // 2, full.width // 2 + 1, full.height // 2 + 1)
    with BlenderRenderer(blender, sandbox).open(job.blend, job.settings, out, LIMITS) as session:
        session.render(FRAME, pixel)
        fixed = median(session.render(FRAME, pixel).seconds for _ in range(FIXED_LOOKS))
        spent = [session.render(FRAME, tile).seconds for tile in tiles]
    own = sorted((max(0.0, seconds - fixed) for seconds in spent), reverse=True)
    return Unevenness(scene, len(tiles), fixed, tuple(own))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
