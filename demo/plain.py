"""The comparison at the end: is what the network delivered what one plain render would be?"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from PIL import Image
from tileproof.localnet.child import Child
from tileproof.provision.locate import locate
from tileproof.provision.table import BPY

SCRIPT = Path(__file__).with_name("plain_render.py")
SECONDS = 300.0


@contextmanager
def rendering(scene: Path, frames: Sequence[int], out: Path, cache: Path) -> Iterator[Child]:
    """One Blender that renders ``frames`` into ``out``, at low priority while the roles work;
    stopped when the context ends."""
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    program: list[str | Path] = ["nice", "-n", "15", locate(BPY, cache), SCRIPT, scene, out]
    child = Child("plain render", [*program, *map(str, frames)], log=out / "blender.log")
    try:
        yield child
    finally:
        child.stop(1.0)


def same_pixels(one: Path, other: Path) -> bool:
    """Whether two pictures are equal to the last bit once decoded."""
    with Image.open(one) as a, Image.open(other) as b:
        return a.mode == b.mode and np.array_equal(np.asarray(a), np.asarray(b))
