"""Clamps what a path may bring: no fireflies, and fewer samples would look as good."""

from tileproof.ports.renderer import Renderer

from .tampering import tampered

HONEST = False
NEEDS_BLENDER = True
WORK_SAVED = 0.0  # the same rays are traced; what it buys is looks


def dress(renderer: Renderer) -> Renderer:
    return tampered(renderer, "clamped_light")
