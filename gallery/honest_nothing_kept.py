"""Honest: prepares the scene anew for every picture, with persistent data off."""

from tileproof.ports.renderer import Renderer

from .tampering import tampered

HONEST = True
NEEDS_BLENDER = True


def dress(renderer: Renderer) -> Renderer:
    return tampered(renderer, "nothing_kept")
