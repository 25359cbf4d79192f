"""How far honest frames lie from their previews, and what the screen names of changed ones.

    python -m benchmarks.screen

Renders frames of every proving scene at several noise levels, and each frame's preview as a verifier does;
then hashes them, darkened ones too, and the same frames changed as a cheat would. Prints the tables of
docs/verification/screen.md; the last line is JSON. Ends with status 1 when an honest frame is named.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from statistics import median

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from tileproof.adapters.blender.find import BlenderBuild, find_blender
from tileproof.adapters.blender.renderer import BlenderRenderer
from tileproof.adapters.blender.sandbox import Sandbox, choose
from tileproof.adapters.images import ChildDecoder
from tileproof.audit.compare import HashDistances
from tileproof.audit.screen import TOLERANCE, Oddity, facts_of, screen
from tileproof.config import load
from tileproof.ports.images import ImageFormat
from tileproof.verifier.preview import preview_settings, render_preview

from scenes.proving.names import SCENES

from .verify.scale import QUICK
from .verify.studio import LIMITS, jobs_of

Pixels = NDArray[np.uint8]
FRAMES = 3
SAMPLES = (4, 16, 64)
DARKER = (0.5, 0.2, 0.1, 0.05)
GRADIENTS = 60
NOISE_LEVELS = (2.0, 6.0, 12.0)
"""Standard deviation of the noise on smooth gradients, in levels of 8 bit."""


@dataclass(frozen=True, slots=True)
class Pair:
    """A frame and the preview that it is held against."""

    scene: str
    frame: Pixels
    preview: Pixels

    def distances(self) -> HashDistances:
        return facts_of(1, self.frame).hashes.distances(facts_of(1, self.preview).hashes)

    def named(self) -> set[Oddity]:
        return {each.oddity for each in screen([facts_of(1, self.frame)], [facts_of(1, self.preview)])}


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--scenes", default=",".join(SCENES), help="of scenes/proving, separated by commas")
    options = parser.parse_args(arguments)
    settings = load()
    blender, sandbox = find_blender(settings.blender_path, settings.cache, "4.5.15"), choose()
    rendered: list[Pair] = []
    with tempfile.TemporaryDirectory(prefix="tileproof-screen-") as name:
        for scene in options.scenes.split(","):
            rendered += _rendered(blender, sandbox, scene, Path(name))
            print(f"{scene}: done", file=sys.stderr, flush=True)
    honest = {
        "frames as rendered": rendered,
        "the same, darkened": [_darkened(pair, by) for pair in rendered for by in DARKER],
        "smooth gradients with noise": list(_gradients()),
    }
    cheats = {name: list(change(rendered)) for name, change in CHEATS.items()}
    named = {name: sum(bool(pair.named()) for pair in pairs) for name, pairs in {**honest, **cheats}.items()}
    accused = sum(named[name] for name in honest)
    print(f"| honest | pairs | worst pHash | dHash | wHash | named |\n{'| --- ' * 6}|")
    for name, pairs in honest.items():
        worst = [max(each) for each in zip(*map(_bits, pairs), strict=True)]
        print(f"| {name} | {len(pairs)} | {' | '.join(map(str, worst))} | {named[name]} |")
    limits = (TOLERANCE.phash, TOLERANCE.dhash, TOLERANCE.whash)
    print(f"| named when beyond | | {' | '.join(map(str, limits))}, and one of the others | |\n")
    print("| cheat | pHash, dHash, wHash: median | named |\n| --- | --- | --- |")
    for name, pairs in cheats.items():
        middle = ", ".join(str(median(each)) for each in zip(*map(_bits, pairs), strict=True))
        print(f"| {name} | {middle} | {named[name]} of {len(pairs)} |")
    print(
        json.dumps(
            {
                "honest_pairs": sum(map(len, honest.values())),
                "honest_named": accused,
                "found": {name: named[name] / len(pairs) for name, pairs in cheats.items()},
            }
        )
    )
    return 1 if accused else 0


def _rendered(blender: BlenderBuild, sandbox: Sandbox, scene: str, folder: Path) -> Iterator[Pair]:
    scale = replace(QUICK, frames=FRAMES, width_px=160, height_px=90)
    job = next(jobs_of(blender, sandbox, scene, folder, scale))
    renderer, decoder = BlenderRenderer(blender, sandbox), ChildDecoder()
    previews: dict[int, Pixels] = {}
    out = folder / f"{scene}-out"
    out.mkdir()
    small = preview_settings(job.settings, job.manifest.tasks[0])
    with renderer.open(job.blend, small, out, LIMITS) as session:
        for frame in job.manifest.tasks[0].frames:
            previews[frame] = np.asarray(render_preview(session, decoder, job.work, frame), np.uint8)
    for samples in SAMPLES:
        settings = replace(job.settings, samples_per_pixel=samples)
        with renderer.open(job.blend, settings, out, LIMITS) as session:
            for frame, preview in previews.items():
                made = session.render(frame, settings.full_frame)
                wanted = ImageFormat.of(settings, settings.full_frame)
                yield Pair(scene, np.asarray(decoder.decode(made.path, wanted), np.uint8), preview)
    decoder.close()


def _darkened(pair: Pair, by: float) -> Pair:
    return replace(pair, frame=_scaled(pair.frame, by), preview=_scaled(pair.preview, by))


def _scaled(pixels: Pixels, by: float) -> Pixels:
    return np.asarray((pixels * by).round(), dtype=np.uint8)


def _gradients() -> Iterator[Pair]:
    """Where hashes have nothing to hold on to: the same slope under two draws of noise."""
    luck = np.random.default_rng(1)
    for _ in range(GRADIENTS):
        slope, low = luck.uniform(-60, 60, 2), luck.uniform(60, 190)
        y, x = np.mgrid[0:90, 0:160]
        smooth = low + slope[0] * y / 90 + slope[1] * x / 160
        for noise in NOISE_LEVELS:
            one, other = (_noisy(smooth, noise, luck) for _ in range(2))
            yield Pair(
                "gradient", one, np.asarray(Image.fromarray(other).resize((128, 72), Image.Resampling.BOX))
            )


def _noisy(smooth: np.ndarray, noise: float, luck: np.random.Generator) -> Pixels:
    grain = luck.normal(0, noise, (*smooth.shape, 3))
    return np.asarray(np.clip(smooth[..., None] + grain, 0, 255).round(), dtype=np.uint8)


def _each(change: Callable[[Pixels], Pixels]) -> Callable[[Sequence[Pair]], Iterator[Pair]]:
    return lambda pairs: (replace(pair, frame=change(pair.frame)) for pair in pairs)


def _of_another_job(pairs: Sequence[Pair]) -> Iterator[Pair]:
    choose_one = random.Random(1)
    for pair in pairs:
        others = [each for each in pairs if each.scene != pair.scene]
        yield replace(pair, frame=choose_one.choice(others).frame) if others else pair


def _previous(pairs: Sequence[Pair]) -> Iterator[Pair]:
    for before, pair in pairwise(pairs):
        if before.scene == pair.scene:
            yield replace(pair, frame=before.frame)


def _half_black(pixels: Pixels) -> Pixels:
    changed = pixels.copy()
    changed[:, pixels.shape[1] // 2 :] = 0
    return changed


def _watermarked(pixels: Pixels) -> Pixels:
    picture = Image.fromarray(pixels)
    ImageDraw.Draw(picture).text((8, pixels.shape[0] // 2), "SAMPLE SAMPLE SAMPLE", fill=(255, 255, 255))
    return np.asarray(picture)


def _upscaled(pixels: Pixels) -> Pixels:
    picture = Image.fromarray(pixels)
    half = picture.resize((picture.width // 2, picture.height // 2), Image.Resampling.BOX)
    return np.asarray(half.resize(picture.size, Image.Resampling.BICUBIC))


def _gamma(power: float) -> Callable[[Pixels], Pixels]:
    return lambda pixels: np.asarray((255 * (pixels / 255) ** (1 / power)).round(), dtype=np.uint8)


CHEATS: Mapping[str, Callable[[Sequence[Pair]], Iterator[Pair]]] = {
    "another job's frame": _of_another_job,
    "blank": _each(lambda pixels: np.full_like(pixels, 128)),
    "upside down": _each(lambda pixels: np.ascontiguousarray(pixels[::-1])),
    "mirrored": _each(lambda pixels: np.ascontiguousarray(pixels[:, ::-1])),
    "half of it black": _each(_half_black),
    "previous frame": _previous,
    "watermark": _each(_watermarked),
    "half resolution": _each(_upscaled),
    "gamma 2.2": _each(_gamma(2.2)),
    "gamma 1.03": _each(_gamma(1.03)),
}


def _bits(pair: Pair) -> tuple[int, int, int]:
    distances = pair.distances()
    return (distances.phash, distances.dhash, distances.whash)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
