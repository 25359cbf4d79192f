"""Renders honestly, then swaps red and blue: grey pictures and their hashes hardly change."""

from tileproof.domain.manifest import RenderSettings
from tileproof.domain.tiles import Tile
from tileproof.ports.images import Pixels
from tileproof.ports.renderer import Renderer

from .wrapping import retouched

HONEST = False
WORK_SAVED = 0.0  # all of it is rendered


def swap(pixels: Pixels, tile: Tile, settings: RenderSettings) -> Pixels:
    swapped = pixels.copy()
    swapped[..., 0], swapped[..., 2] = pixels[..., 2], pixels[..., 0]
    return swapped


def dress(renderer: Renderer) -> Renderer:
    return retouched(renderer, swap)
