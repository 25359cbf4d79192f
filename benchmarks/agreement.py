"""How far honest renders of different processors lie apart: where the calibrated lane's gate comes from.

    python -m benchmarks.agreement [--quick]

One Blender build renders every scene on each of ``agreement_machines.MACHINES``: raw, and denoised with
its passes; then each finishes the first machine's passes. Compared tile by tile: 8-bit pixels, floats,
passes, the finish of equal passes. Beside them the perceptual hashes of honest renders that agree in
nothing but the picture (another noise seed), where the hash lane's bits come from. Prints tables; the
last line is JSON. Exit status 1 when a class is not equal to itself.
"""

from __future__ import annotations

import argparse
import itertools
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import OpenEXR
from numpy.typing import NDArray
from PIL import Image
from tileproof.adapters.blender.find import BlenderBuild, find_blender
from tileproof.audit.compare import HashDistances, Pixels, compare_tiles, hash_distances
from tileproof.config import load
from tileproof.domain.tiles import Tile, sample_grid

from .agreement_figures import Hashes, Pair, Seen, hash_table, pair_table
from .agreement_machines import CANNOT_HIDE, MACHINES, Machine, build_mask, playable, stands_for_its_class

ROOT = Path(__file__).parents[1]
INSIDE = Path(__file__).with_name("agreement_blender.py")
TINY = ("plain", "volume", "depth_of_field", "motion_blur")
EVERYWHERE = (*TINY, "glass", "hair")
"""Rendered on every machine: the plain, and what was found to be the hardest."""
SAMPLES, WIDTH_PX, TILE_PX = 8, 192, 64
PASSES = tuple(
    f"{name}.{channel}"
    for name, channels in (("Noisy Image", "RGB"), ("Denoising Albedo", "RGB"), ("Denoising Normal", "XYZ"))
    for channel in channels
)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.agreement")
    parser.add_argument("--quick", action="store_true", help="only the small scenes")
    parser.add_argument(
        "--keep", type=Path, metavar="FOLDER", help="keep what was rendered, and use it again"
    )
    given = parser.parse_args()
    machines = playable()
    if not machines:
        print("this processor or kernel cannot fault on CPUID, so it plays no other", file=sys.stderr)
        return 2
    settings = load()
    blender = find_blender(settings.blender_path, settings.cache)
    with tempfile.TemporaryDirectory() as temporary:
        folder = given.keep or Path(temporary)
        scenes = make_scenes(blender, folder / "scenes", quick=given.quick)
        render_all(blender, machines, scenes, folder)
        names = [scene.stem for scene in scenes]
        pairs = [compare(folder, one, other, names) for one, other in pairs_of(machines)]
        hashes = likeness(folder / slug(machines[0]), names)
    print(pair_table(pairs))
    print(hash_table(hashes))
    broken = [pair for pair in pairs if pair.same_class and not pair.equal]
    print(
        json.dumps(
            {
                "blender": blender.build,
                "scenes": names,
                "machines": [machine.name for machine in machines],
                "pairs": [pair.as_json() for pair in pairs],
                "other_seed_bits": hashes.as_json(),
                "classes_hold": not broken,
            }
        )
    )
    return 1 if broken else 0


def make_scenes(blender: BlenderBuild, folder: Path, *, quick: bool) -> list[Path]:
    folder.mkdir(parents=True, exist_ok=True)
    wanted = [(ROOT / "scenes" / "tiny.py", name, ["--variant", name]) for name in TINY]
    wanted[0] = (wanted[0][0], "plain", [])
    if not quick:
        wanted.append((ROOT / "scenes" / "glass.py", "glass", []))
        proving = ROOT / "scenes" / "proving" / "make.py"
        listed = subprocess.run(
            blender.command(proving, "--list"), check=True, capture_output=True, text=True
        ).stdout.splitlines()
        names = [line.split()[0] for line in listed if line.strip()]
        wanted += [(proving, name, ["--scene", name]) for name in names]
    made = []
    for script, name, arguments in wanted:
        made.append(folder / f"{name}.blend")
        if not made[-1].exists():
            command = blender.command(script, *arguments, "--out", str(made[-1]))
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return made


def render_all(blender: BlenderBuild, machines: Sequence[Machine], scenes: list[Path], folder: Path) -> None:
    mask = build_mask(folder)
    first = folder / slug(machines[0])
    for machine in sorted(machines, key=stands_for_its_class, reverse=True):
        out = folder / slug(machine)
        out.mkdir(exist_ok=True)
        its_own = [
            s
            for s in scenes
            if s.stem in EVERYWHERE or (machine.device_class and stands_for_its_class(machine))
        ]
        given = (str(SAMPLES), str(WIDTH_PX), str(out), *map(str, its_own))
        run(blender.command(INSIDE, "render", *given), machine, mask)
        passes = [str(first / f"{scene.stem}.passes.exr") for scene in its_own]
        run(blender.command(INSIDE, "finish", str(out), *passes), machine, mask)
        print(f"rendered on {machine.name}", file=sys.stderr)


def run(command: Sequence[str], machine: Machine, mask: Path) -> None:
    done = subprocess.run(
        command,
        env=machine.environment(mask),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode == CANNOT_HIDE:
        raise SystemExit("this kernel cannot fault on CPUID")
    if done.returncode != 0:
        raise SystemExit(f"Blender failed on {machine.name}:\n{done.stdout[-2000:]}")


def pairs_of(machines: Sequence[Machine]) -> list[tuple[Machine, Machine]]:
    """Every class against every other, and each machine against the one that stands for its class."""
    first = [machine for machine in machines if machine.device_class and stands_for_its_class(machine)]
    others = [machine for machine in machines if machine not in first]
    own = [next((f for f in first if f.device_class == m.device_class), first[0]) for m in others]
    return [*itertools.combinations(first, 2), *zip(own, others, strict=True)]


def slug(machine: Machine) -> str:
    return str(MACHINES.index(machine))


def compare(folder: Path, one: Machine, other: Machine, names: Sequence[str]) -> Pair:
    a, b = folder / slug(one), folder / slug(other)
    pair = Pair(one.name, other.name, same_class=one.device_class == other.device_class)
    for name in names:
        if not all((each / f"{name}.raw.png").exists() for each in (a, b)):
            continue
        pair.raw.add(name, tiles(picture(a, name, "raw"), picture(b, name, "raw")))
        floats = tiles(exr(a / f"{name}.raw.exr", "RGB"), exr(b / f"{name}.raw.exr", "RGB"))
        pair.floats.add(name, floats)
        halves = (half(exr(each / f"{name}.passes.exr", PASSES)) for each in (a, b))
        pair.passes.add(name, tiles(*halves))
        pair.finish.add(name, tiles(picture(a, name, "finished"), picture(b, name, "finished")))
        finished = (exr(each / f"{name}.finished.exr", "RGB") for each in (a, b))
        pair.finish_floats.add(name, tiles(*finished))
        pair.denoised.add(name, tiles(picture(a, name, "denoised"), picture(b, name, "denoised")))
    return pair


def likeness(folder: Path, names: Sequence[str]) -> Hashes:
    """Hash distances between renders with two noise seeds, of tiles and of whole frames."""
    hashes = Hashes()
    for name in names:
        one, other = picture(folder, name, "raw"), picture(folder, name, "other_seed")
        hashes.frames.append((name, hash_distances(one, other)))
        hashes.tiles += [(name, distances(a, b)) for a, b in pieces(one, other)]
    return hashes


def distances(one: Pixels, other: Pixels) -> HashDistances:
    return hash_distances(one, other)


def tiles(one: Pixels, other: Pixels) -> Iterator[Seen]:
    for a, b in pieces(one, other):
        score = compare_tiles(a, b)
        yield Seen(score.equal, score.equal_share, score.max_difference, score.psnr_db, score.hashes)


def pieces(one: Pixels, other: Pixels) -> Iterator[tuple[Pixels, Pixels]]:
    """All sample tiles of both."""
    height, width = one.shape[:2]
    for tile in sample_grid(Tile(0, 0, width, height), TILE_PX).tiles():
        box = np.s_[tile.y0 : tile.y1, tile.x0 : tile.x1]
        yield one[box], other[box]


def picture(folder: Path, name: str, kind: str) -> NDArray[np.uint8]:
    with Image.open(folder / f"{name}.{kind}.png") as opened:
        return np.asarray(opened.convert("RGB"), dtype=np.uint8)


def exr(path: Path, channels: Sequence[str]) -> NDArray[np.float32]:
    found = OpenEXR.File(str(path), separate_channels=True).parts[0].channels
    named = {name.removeprefix("ViewLayer."): channel.pixels for name, channel in found.items()}
    return np.stack([named[name] for name in channels], axis=2).astype(np.float32)


def half(pixels: NDArray[np.float32]) -> NDArray[np.float16]:
    return pixels.astype(np.float16)


if __name__ == "__main__":
    sys.exit(main())
