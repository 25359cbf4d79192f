"""Renders honestly, then smooths the noise out of 16 x 16 pixels: a firefly that was in the way."""

from tileproof.domain.manifest import RenderSettings
from tileproof.domain.tiles import Tile
from tileproof.ports.images import Pixels
from tileproof.ports.renderer import Renderer

from .pixels import like, smoothed
from .wrapping import frame_retouched

HONEST = False
WORK_SAVED = 0.0  # all of it is rendered
SIDE_PX = 16


def smooth(pixels: Pixels, full: Tile, settings: RenderSettings) -> Pixels:
    y, x = max(0, (full.height - SIDE_PX) // 2), max(0, (full.width - SIDE_PX) // 2)
    patch = slice(y, y + SIDE_PX), slice(x, x + SIDE_PX)
    patched = pixels.copy()
    patched[patch] = like(smoothed(pixels), pixels)[patch]
    return patched


def dress(renderer: Renderer) -> Renderer:
    return frame_retouched(renderer, smooth)
