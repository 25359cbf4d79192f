"""Honest: renders on a processor of another class, one without AVX-512.

This machine plays it (benchmarks/agreement_machines.py), so every library picks the code that it has
there. The calibrated lane judges such work: what is rendered has the same bits, what is denoised
lies within the gate. (The class in its report stays this machine's.)
"""

from __future__ import annotations

import functools
import shutil
import tempfile
from pathlib import Path

from tileproof.domain.device import AVX2, AVX512
from tileproof.ports.renderer import Renderer

from benchmarks.agreement_machines import MACHINES, Machine, build_mask, playable

from .tampering import with_environment

HONEST = True
EXACT = False
NEEDS_BLENDER = True


def missing() -> str | None:
    if shutil.which("cc") is None:
        return "there is no C compiler to build what plays another processor"
    classes = {machine.device_class for machine in playable()}
    return None if {AVX512, AVX2} <= classes else "this processor can play no other of the calibrated lane"


def other() -> Machine:
    return next(machine for machine in MACHINES if machine.device_class == AVX2)


@functools.cache
def _room() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="other-processor-")  # gone with this process


def dress(renderer: Renderer) -> Renderer:
    folder = Path(_room().name)
    mask = folder / "processor.so"
    if not mask.exists():
        build_mask(folder)
    seen = {name: value for name, value in other().environment(mask).items() if name != "PATH"}
    return with_environment(renderer, seen, shown=folder)
