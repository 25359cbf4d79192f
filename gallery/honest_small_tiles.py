"""Honest: lets Cycles cut the frame into tiles of 64 px, as a machine short of memory would."""

from tileproof.ports.renderer import Renderer

from .tampering import tampered

HONEST = True
NEEDS_BLENDER = True


def dress(renderer: Renderer) -> Renderer:
    return tampered(renderer, "small_tiles")
