"""What it costs to keep the passes that frames are finished from: as halves, and as 32-bit floats.

    python -m benchmarks.passes

Renders one frame of each proving scene as Cycles denoises it itself, then its passes, and finishes those
from floats and from halves. Prints bytes (ZIP, as results hold them) and how near each picture is to
Cycles' own; the last line is JSON.
"""

from __future__ import annotations

import argparse
import json
import math
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from statistics import median

import numpy as np
from PIL import Image
from tileproof.adapters.blender.find import INSIDE, BlenderBuild, find_blender
from tileproof.adapters.images import ChildDecoder
from tileproof.audit.compare import compare_tiles
from tileproof.config import load

from scenes.proving.names import SCENES

from .verify.studio import make_blend

SCRIPT = Path(__file__).parent / "passes_blender.py"
PASSES = ("Image", "Albedo", "Normal")
MOST_DB = 200.0


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--scenes", default=",".join(SCENES), help="of scenes/proving, separated by commas")
    parser.add_argument("--size", default="480x270")
    parser.add_argument("--samples", type=int, default=64)
    options = parser.parse_args(arguments)
    width, height = options.size.split("x")
    settings = load()
    blender = find_blender(settings.blender_path, settings.cache, "4.5.15")
    found = []
    with tempfile.TemporaryDirectory(prefix="tileproof-passes-") as name:
        for scene in options.scenes.split(","):
            blend = make_blend(blender, scene, Path(name))
            found.append({"scene": scene, **_measured(blender, blend, width, height, options.samples)})
            print(f"{scene}: done", file=sys.stderr, flush=True)
    print("| scene | PNG, KiB | passes as halves, KiB | as floats, KiB | halves against Cycles | floats |")
    print("| --- | --- | --- | --- | --- | --- |")
    for row in found:
        print(
            f"| {row['scene']} | {row['png'] / 1024:.0f} | {row['half'] / 1024:.0f} | "
            f"{row['float'] / 1024:.0f} | {row['half_db']:.1f} dB, {row['half_equal']:.2%} of pixels equal | "
            f"{row['float_db']:.1f} dB, {row['float_equal']:.2%} |"
        )
    print(
        json.dumps(
            {
                "half_over_float_median": median(row["half"] / row["float"] for row in found),
                "half_over_png_median": median(row["half"] / row["png"] for row in found),
                "half_db_worst": min(row["half_db"] for row in found),
                "float_db_worst": min(row["float_db"] for row in found),
                "finish_seconds_median": median(row["finish_seconds"] for row in found),
                "scenes": found,
            }
        )
    )
    return 0


def _measured(blender: BlenderBuild, blend: Path, width: str, height: str, samples: int) -> dict[str, float]:
    with tempfile.TemporaryDirectory(prefix="tileproof-passes-") as name:
        folder = Path(name)
        command = blender.command(SCRIPT, str(INSIDE), str(blend), str(folder), width, height, str(samples))
        done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=3_600)
        seconds = json.loads(done.stdout.strip().splitlines()[-1])
        own = np.asarray(Image.open(folder / "own.png").convert("RGB"))
        row: dict[str, float] = {
            "png": (folder / "own.png").stat().st_size,
            "finish_seconds": seconds["half"],
        }
        for depth in ("half", "float"):
            planes = [np.load(folder / f"{depth}-{each}.npy") for each in PASSES]
            kept = folder / f"{depth}.exr"
            ChildDecoder().encode_exr(np.concatenate(planes, axis=2), kept)
            score = compare_tiles(np.asarray(Image.open(folder / f"{depth}.png").convert("RGB")), own)
            row[depth] = kept.stat().st_size
            row[f"{depth}_db"] = MOST_DB if math.isinf(score.psnr_db) else score.psnr_db
            row[f"{depth}_equal"] = score.equal_share
        return row


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
