"""Writes a message into the last bit of every pixel, where no eye and no perceptual hash looks."""

import numpy as np
from tileproof.domain.manifest import RenderSettings
from tileproof.domain.tiles import Tile
from tileproof.ports.images import Pixels
from tileproof.ports.renderer import Renderer

from .wrapping import retouched

HONEST = False
WORK_SAVED = 0.0  # all of it is rendered
MESSAGE = b"rendered by somebody else"


def hide(pixels: Pixels, tile: Tile, settings: RenderSettings) -> Pixels:
    y, x = np.mgrid[tile.y0 : tile.y1, tile.x0 : tile.x1]
    bits = np.unpackbits(np.frombuffer(MESSAGE, np.uint8))
    hidden = pixels.copy()
    place = (y * settings.width_px + x) % len(bits)
    hidden[..., 2] -= hidden[..., 2] % 2
    hidden[..., 2] += bits[place]
    return hidden


def dress(renderer: Renderer) -> Renderer:
    return retouched(renderer, hide)
