"""Guesses what comes after the first bounce by Cycles' fast approximation."""

from tileproof.ports.renderer import Renderer

from .tampering import tampered

HONEST = False
NEEDS_BLENDER = True
WORK_SAVED = 0.3  # as fewer_bounces, which it replaces by an ambient term


def dress(renderer: Renderer) -> Renderer:
    return tampered(renderer, "guessed_indirect_light")
