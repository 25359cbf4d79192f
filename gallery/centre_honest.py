"""Renders honestly where the eye looks, the middle of the frame, and the border with an eighth."""

from tileproof.ports.images import Pixels
from tileproof.ports.renderer import Renderer

from .fewer_samples import fewer
from .one_tile_patched import middle
from .wrapping import Frame, mixed

HONEST = False
WORK_SAVED = 3 / 4 * 7 / 8  # of the samples outside a middle of half of each side


def mix(frame: Frame) -> Pixels:
    kept, pixels = middle(frame.settings, 2), frame.cheap.copy()
    inside = slice(kept.y0, kept.y1), slice(kept.x0, kept.x1)
    pixels[inside] = frame.honest[inside]
    return pixels


def dress(renderer: Renderer) -> Renderer:
    return mixed(renderer, fewer, mix)
