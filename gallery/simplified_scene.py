"""Renders a simplified scene: textures of 128 px, coarse volumes, no subdivision."""

from tileproof.ports.renderer import Renderer

from .tampering import tampered

HONEST = False
NEEDS_BLENDER = True
WORK_SAVED = 0.2  # memory before all; time where volumes and subdivision rule


def dress(renderer: Renderer) -> Renderer:
    return tampered(renderer, "simplified_scene")
