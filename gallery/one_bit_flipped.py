"""Flips the last bit of one pixel of the frame: nothing can be less, and most sample lists miss it."""

from tileproof.domain.manifest import RenderSettings
from tileproof.domain.tiles import Tile
from tileproof.ports.images import Pixels
from tileproof.ports.renderer import Renderer

from .wrapping import retouched

HONEST = False
WORK_SAVED = 0.0  # all of it is rendered


def flip(pixels: Pixels, tile: Tile, settings: RenderSettings) -> Pixels:
    y, x = settings.height_px // 2 - tile.y0, settings.width_px // 2 - tile.x0
    pixels = pixels.copy()
    if 0 <= y < len(pixels) and 0 <= x < pixels.shape[1]:
        pixels[y, x, 0] = int(pixels[y, x, 0]) ^ 1
    return pixels


def dress(renderer: Renderer) -> Renderer:
    return retouched(renderer, flip)
