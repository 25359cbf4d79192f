"""Every cheat and honest variant of the gallery on the proving scenes: what audits at the default plan find.

    python -m benchmarks.verify              # an hour or two on two cores; goes on where it was stopped
    python -m benchmarks.verify --quick      # minutes
    python -m benchmarks.verify --write docs/verification   # also the tables and pictures of the docs

Renders every scene honestly and by every entry of the gallery with the real Blender, marks each tile by
the job's lane, and draws hundreds of audits for each; some audits are run whole, to see that they say the
same. Prints tables; the last line is JSON.
"""

from __future__ import annotations

import argparse
import json
import os
import pickle
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import replace
from pathlib import Path
from typing import Any

from tileproof.adapters.blender.find import BlenderBuild, find_blender
from tileproof.adapters.blender.sandbox import choose, landlock
from tileproof.config import load

from ..covered import kept_folder
from .cost import CostRow, cost_of
from .picture import picture
from .scale import FULL, QUICK, Scale
from .scenes import SceneFigures, look_at
from .table import markdown, page, summary
from .trials import against_formula, draw_audits

SHARES = (0.005, 0.01, 0.02, 0.05, 0.1, 0.15, 0.25, 0.5, 1.0)
AGAINST_FORMULA = 4_000
"""Audits drawn for each share of tampered tiles."""


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="some scenes, small, in minutes")
    parser.add_argument("--scenes", help="only these, separated by commas")
    parser.add_argument("--entries", help="of the gallery only these, separated by commas")
    parser.add_argument("--cost-scenes", help="at 1080p only these; 'none' for none")
    parser.add_argument("--frames", type=int, help="of each scene, instead of the usual number")
    parser.add_argument("--samples", type=int, help="per pixel, instead of the usual number")
    parser.add_argument(
        "--resume",
        type=Path,
        metavar="FOLDER",
        help="keep each scene's figures there (by default in .long, by digest of programs and scale)",
    )
    parser.add_argument("--write", type=Path, metavar="FOLDER", help="also write tables and pictures there")
    options = parser.parse_args(arguments)
    scale = QUICK if options.quick else FULL
    if options.scenes:
        scale = replace(scale, scenes=tuple(options.scenes.split(",")))
    if options.entries:
        scale = replace(scale, entries=tuple(options.entries.split(",")))
    if options.frames:
        scale = replace(scale, frames=options.frames)
    if options.samples:
        scale = replace(scale, samples_per_pixel=options.samples)
    if options.cost_scenes:
        named = () if options.cost_scenes == "none" else tuple(options.cost_scenes.split(","))
        scale = replace(scale, cost_scenes=named)
    figures, costs = run(scale, options.resume or kept_folder("benchmarks.verify", repr(scale)))
    # The default plan of this scale, which does not depend on what a scene shows.
    manifest = figures[0].manifest
    against = against_formula(manifest, draw_audits(manifest, AGAINST_FORMULA), SHARES)
    tables = markdown(figures, costs, against)
    print(tables)
    if options.write:
        options.write.mkdir(parents=True, exist_ok=True)
        (options.write / "figures.md").write_text(page(scale, tables, figures), "utf-8")
        (options.write / "power.svg").write_text(picture(figures, against), "utf-8")
    print(json.dumps(summary(figures, costs, against)))
    return 0


def run(scale: Scale, kept: Path | None = None) -> tuple[list[SceneFigures], list[CostRow]]:
    """Scenes side by side, one core each; then what audits cost, one after the other. Figures that an
    interrupted run left in ``kept`` are used again."""
    settings = load()
    blender = find_blender(settings.blender_path, settings.cache, "4.5.15")
    began = time.monotonic()
    figures = {scene: each for scene in scale.scenes if (each := _kept(kept, scene)) is not None}
    todo = [scene for scene in scale.scenes if scene not in figures]
    with ProcessPoolExecutor(max(1, min(len(todo), os.cpu_count() or 1))) as pool:
        futures = {pool.submit(_look, blender, scene, scale): scene for scene in todo}
        for future in as_completed(futures):
            figures[futures[future]] = future.result()
            _keep(kept, futures[future], figures[futures[future]])
            _say(began, f"{futures[future]}: done, {len(figures)} of {len(scale.scenes)} scenes")
    costs: list[CostRow] = []
    for scene in scale.cost_scenes:
        rows = _kept(kept, f"{scene}-1080p")
        if rows is None:
            # Of what runs inside bubblewrap's namespace the processor time is told to nobody outside.
            rows = cost_of(blender, landlock.probe(), scene, scale, ("raw", "denoised"))
            _keep(kept, f"{scene}-1080p", rows)
        costs += rows
        _say(began, f"{scene} at 1080p: done")
    return [figures[scene] for scene in scale.scenes], costs


def _look(blender: BlenderBuild, scene: str, scale: Scale) -> SceneFigures:
    return look_at(blender, choose(), scene, scale)


def _kept(folder: Path | None, name: str) -> Any:
    """What an earlier run of ours wrote there; None when there is nothing."""
    path = folder / f"{name}.pickle" if folder is not None else None
    return pickle.loads(path.read_bytes()) if path is not None and path.exists() else None


def _keep(folder: Path | None, name: str, figures: object) -> None:
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        new = folder / f".{name}.new"
        new.write_bytes(pickle.dumps(figures))
        new.replace(folder / f"{name}.pickle")


def _say(began: float, what: str) -> None:
    print(f"{time.monotonic() - began:6.0f} s  {what}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
