"""Honest: renders with Cycles' kernel for processors without AVX2.

Another device class, so its pixels differ in the last bits and only the calibrated lane may judge
them. (The name in its report stays this machine's.)
"""

from tileproof.ports.renderer import Renderer

from .tampering import with_environment

HONEST = True
EXACT = False
NEEDS_BLENDER = True


def dress(renderer: Renderer) -> Renderer:
    return with_environment(renderer, {"CYCLES_CPU_NO_AVX2": "1"})
