"""Renders honestly but for a patch in the middle, which it fills with one grey.

The patch is a sixteenth of the frame: what few sample tiles find is a matter of luck, which
the sample plan states.
"""

from tileproof.domain.manifest import RenderSettings
from tileproof.domain.tiles import Tile
from tileproof.ports.images import Pixels
from tileproof.ports.renderer import Renderer

from .wrapping import retouched, top

HONEST = False


def patch_of(settings: RenderSettings) -> Tile:
    """A quarter of each side, in the middle of the frame."""
    width, height = max(1, settings.width_px // 4), max(1, settings.height_px // 4)
    x0, y0 = (settings.width_px - width) // 2, (settings.height_px - height) // 2
    return Tile(x0, y0, x0 + width, y0 + height)


def fill(pixels: Pixels, tile: Tile, settings: RenderSettings) -> Pixels:
    patch, pixels = patch_of(settings), pixels.copy()
    rows = slice(max(0, patch.y0 - tile.y0), max(0, patch.y1 - tile.y0))
    columns = slice(max(0, patch.x0 - tile.x0), max(0, patch.x1 - tile.x0))
    pixels[rows, columns, :3] = top(settings) // 2
    return pixels


def dress(renderer: Renderer) -> Renderer:
    return retouched(renderer, fill)
