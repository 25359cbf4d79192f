"""Renders without motion blur, which nobody sees where little moves."""

from tileproof.ports.renderer import Renderer

from .tampering import tampered

HONEST = False
NEEDS_BLENDER = True
WORK_SAVED = 0.1  # moving geometry is dearer to trace


def dress(renderer: Renderer) -> Renderer:
    return tampered(renderer, "frozen_shutter")
