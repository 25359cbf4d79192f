"""What hostile pictures do to the decoder: nothing, and none is taken for another than it is.

    python -m benchmarks.fuzz_images [--files 20000] [--seed 1] [--first 0]

Mutates PNGs and EXRs as hostile workers might (fuzz_bytes, fuzz_png, fuzz_exr), decodes them all as a
verifier does, and holds what was accepted against readers that have nothing of the decoder's
(fuzz_readings), each batch in a fresh process. What is claimed of every file:

- it is refused as evidence (undecodable, or of the wrong format) or accepted; nothing else is raised,
  nothing crashes but a fork, and time and memory stay within MOST_SECONDS and MOST_MIB;
- accepted, it decodes to the same pixels again, and to what the independent readers say of the whole
  file: so where its pixels are not the original's, the file is another valid picture in full, every
  byte of it accounted for;
- an honest picture, filtered, deflated or ordered in another way, is never refused.

It is not claimed that another valid picture is refused: that one is the audit's to find. Prints a
table; the last line is JSON. Exit status 1 means that a claim did not hold.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field, fields
from pathlib import Path

import numpy as np
from tileproof.adapters.images import ChildDecoder
from tileproof.domain.errors import EvidenceError
from tileproof.ports.images import ImageFormat, Pixels

from benchmarks import fuzz_exr, fuzz_png
from benchmarks.fuzz_bytes import HONEST, Original

THREADS = 2
BATCH = 200
ORIGINALS = 24
MOST_SECONDS = 60.0  # for one file, on a machine that does other things too
MOST_MIB = 512.0  # of any process that decodes, and more than before of this one
KINDS = {"PNG": fuzz_png.MUTATIONS, "EXR": fuzz_exr.MUTATIONS}


@dataclass(frozen=True, slots=True)
class Played:
    """One file: ``code`` is what it was refused with, or "accepted"."""

    number: int
    mutation: str
    code: str
    digest: str = ""  # of its pixels, when accepted
    same: bool = False  # as the original's
    repeats: bool = True
    seconds: float = 0.0
    path: Path | None = None


@dataclass(slots=True)
class Tally:
    files: int = 0
    accepted_as_the_original: int = 0
    accepted_as_another: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    violations: list[str] = field(default_factory=list)
    seconds: float = 0.0
    longest_seconds: float = 0.0
    parent_growth_mib: float = 0.0
    largest_child_mib: float = 0.0
    by_mutation: dict[str, Counter[str]] = field(default_factory=dict)


def main() -> int:
    wanted = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    wanted.add_argument("--files", type=int, default=20_000)
    wanted.add_argument("--seed", type=int, default=1)
    wanted.add_argument("--first", type=int, default=0, help="the number of the first file")
    options = wanted.parse_args()
    numbers = range(options.first, options.first + options.files)
    with tempfile.TemporaryDirectory() as folder:
        tally = play(numbers, options.seed, Path(folder), ChildDecoder())
    # The kernel tells of the largest child that ever was, so only where nothing else ran before.
    largest_mib = max(tally.largest_child_mib, tally.parent_growth_mib)
    if tally.longest_seconds > MOST_SECONDS or largest_mib > MOST_MIB:
        tally.violations.append("a file took longer or more memory than is claimed")
    print(table(tally))
    for violation in tally.violations[:50]:
        print(violation)
    figures = {each.name: getattr(tally, each.name) for each in fields(tally)}
    print(json.dumps(figures | {"seed": options.seed, "claims_hold": not tally.violations}))
    return 1 if tally.violations else 0


def play(numbers: range, seed: int, folder: Path, decoder: ChildDecoder) -> Tally:
    """Each file of a seed is the same whatever the others are. Closes the decoder."""
    began, tally = time.monotonic(), Tally(files=len(numbers))
    with closing(decoder):
        originals = originals_of(seed, decoder, folder)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        with ThreadPoolExecutor(THREADS) as pool:
            played = list(pool.map(lambda n: play_one(n, seed, originals, decoder, folder), numbers))
        after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    tally.parent_growth_mib = round((after - before) / 1024, 1)
    tally.largest_child_mib = round(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024, 1)
    tally.longest_seconds = round(max(each.seconds for each in played), 3)
    read = readings([each.path for each in played if each.path is not None])
    for each in played:
        count(tally, each, read)
    tally.seconds = round(time.monotonic() - began, 1)
    return tally


def originals_of(seed: int, decoder: ChildDecoder, folder: Path) -> dict[str, list[Original]]:
    """Of each container: noise, slopes and flats of several sizes, in every form that a job can ask."""
    found: dict[str, list[Original]] = {"PNG": [], "EXR": []}
    for container, originals in found.items():
        for number in range(ORIGINALS):
            chance = random.Random(f"original {seed} {container} {number}")
            width, height = chance.choice([(1, 1), (13, 7), (24, 24), (7, 40), (64, 33)])
            channels = chance.choice([3, 4] if container == "PNG" else [3, 4, 9, 10])
            depth = chance.choice([8, 16] if container == "PNG" else [16, 16, 32])
            form = ImageFormat(container, width, height, channels, depth)
            pixels = picture(form, chance.randrange(2**32), chance.choice(["noise", "slope", "flat"]))
            path = folder / "original"
            (decoder.encode_png if container == "PNG" else decoder.encode_exr)(pixels, path)
            originals.append(Original(path.read_bytes(), form, pixels))
    return found


def picture(form: ImageFormat, seed: int, kind: str) -> Pixels:
    shape = (form.height, form.width, form.channels)
    noise = np.random.default_rng(seed).random(shape)
    y, x, c = np.indices(shape)
    values = {"noise": noise, "slope": (x + 2 * y + c + noise) / sum(shape) / 2, "flat": noise * 0 + 0.25}[
        kind
    ]
    if form.container == "EXR":
        floats: Pixels = (values * 4).astype(np.float16 if form.depth == 16 else np.float32)
        return floats
    levels: Pixels = (values * (2**form.depth - 1)).astype(np.uint8 if form.depth == 8 else np.uint16)
    return levels


def play_one(
    number: int, seed: int, originals: dict[str, list[Original]], decoder: ChildDecoder, folder: Path
) -> Played:
    chance = random.Random(f"{seed} {number}")
    container = chance.choice(["PNG", "EXR"])
    name, mutation = chance.choice(list(KINDS[container].items()))
    original, other = chance.choices(originals[container], k=2)
    label = f"{container} {name}"
    data, form = mutation(original, other, chance)
    path = folder / f"{number:06}.{container.lower()}"
    path.write_bytes(data)
    began = time.monotonic()
    try:
        first = digest(decoder.decode(path, form))
    except EvidenceError as error:
        path.unlink()
        return Played(number, label, error.code, seconds=time.monotonic() - began)
    except Exception as error:  # noqa: BLE001 - whatever it is, it is the finding
        path.unlink()
        return Played(number, label, f"raised {type(error).__name__}: {error}"[:200])
    seconds = time.monotonic() - began
    again = digest(decoder.decode(path, form))
    same = form == original.form and first == digest(original.pixels)
    return Played(number, label, "accepted", first, same, first == again, seconds, path)


def digest(pixels: Pixels) -> str:
    little = np.ascontiguousarray(pixels, dtype=pixels.dtype.newbyteorder("<"))
    return hashlib.sha256(little.tobytes()).hexdigest()


def readings(paths: Sequence[Path]) -> dict[str, dict[str, str]]:
    """What fuzz_readings says of each file, by its name; one that ends its reader is read alone."""
    found: dict[str, dict[str, str]] = {}
    with ThreadPoolExecutor(THREADS) as pool:
        batches = [paths[at : at + BATCH] for at in range(0, len(paths), BATCH)]
        for said in pool.map(read_batch, batches):
            found |= said
        left = [path for path in paths if path.name not in found]
        for said in pool.map(lambda path: read_batch([path]), left):
            found |= said
    return found


def read_batch(paths: Sequence[Path]) -> dict[str, dict[str, str]]:
    command = [sys.executable, "-m", "benchmarks.fuzz_readings", *map(str, paths)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600)
    return {said["name"]: said for said in map(json.loads, done.stdout.splitlines())}


def count(tally: Tally, each: Played, read: dict[str, dict[str, str]]) -> None:
    kind = tally.by_mutation.setdefault(each.mutation, Counter())
    what = each.code if each.code != "accepted" else "original" if each.same else "another"
    kind[what.partition(":")[0]] += 1
    if each.code == "accepted":
        tally.accepted_as_the_original += each.same
        tally.accepted_as_another += not each.same
        assert each.path is not None
        said = read.get(each.path.name, {"why": "the independent reader did not survive it"})
        if said.get("digest") != each.digest or said.get("stock", each.digest) != each.digest:
            tally.violations.append(f"{each.number} {each.mutation}: read as {said}")
        if not each.repeats:
            tally.violations.append(f"{each.number} {each.mutation}: other pixels the second time")
    elif each.code.startswith("image."):
        tally.refused[each.code] += 1
    else:
        tally.violations.append(f"{each.number} {each.mutation}: {each.code}")
    if each.mutation.endswith(HONEST) and not each.same:
        tally.violations.append(f"{each.number} {each.mutation}: {each.code}, although honest")


def table(tally: Tally) -> str:
    rows = ["| mutation | files | refused | the original's pixels | another valid picture |"]
    rows.append("| --- | --- | --- | --- | --- |")
    for name, kind in sorted(tally.by_mutation.items()):
        refused = sum(n for code, n in kind.items() if code.startswith("image."))
        rows.append(f"| {name} | {kind.total()} | {refused} | {kind['original']} | {kind['another']} |")
    return "\n".join(rows)


if __name__ == "__main__":
    sys.exit(main())
