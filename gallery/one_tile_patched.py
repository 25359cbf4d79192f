"""Renders honestly but for a patch in the middle, which it fills with one grey.

The patch is a sixteenth of the frame: what few sample tiles find is a matter of luck, which
the sample plan states.
"""

from tileproof.domain.manifest import RenderSettings
from tileproof.domain.tiles import Tile
from tileproof.ports.images import Pixels
from tileproof.ports.renderer import Renderer

from .pixels import top
from .wrapping import retouched

HONEST = False
WORK_SAVED = 1 / 16  # of the pixels


def middle(settings: RenderSettings, part: int) -> Tile:
    """The middle of the frame, each side the whole's divided by ``part``."""
    width, height = max(1, settings.width_px // part), max(1, settings.height_px // part)
    x0, y0 = (settings.width_px - width) // 2, (settings.height_px - height) // 2
    return Tile(x0, y0, x0 + width, y0 + height)


def fill(pixels: Pixels, tile: Tile, settings: RenderSettings) -> Pixels:
    patch, pixels = middle(settings, 4), pixels.copy()
    rows = slice(max(0, patch.y0 - tile.y0), max(0, patch.y1 - tile.y0))
    columns = slice(max(0, patch.x0 - tile.x0), max(0, patch.x1 - tile.x0))
    pixels[rows, columns, :3] = top(settings) // 2
    return pixels


def dress(renderer: Renderer) -> Renderer:
    return retouched(renderer, fill)
