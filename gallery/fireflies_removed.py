"""Renders half of the samples, then removes the fireflies that this leaves."""

import numpy as np
from tileproof.domain.manifest import RenderSettings
from tileproof.domain.tiles import Tile
from tileproof.ports.images import Pixels
from tileproof.ports.renderer import Renderer

from .half_the_samples import halved
from .pixels import like, smoothed
from .wrapping import frame_first

HONEST = False
WORK_SAVED = 1 / 2  # of the samples


def without_fireflies(pixels: Pixels, full: Tile, settings: RenderSettings) -> Pixels:
    """A pixel twice as bright as its surroundings becomes like them."""
    around = smoothed(pixels)
    bright = pixels[..., :3].astype(np.float64).mean(axis=-1) > 2 * around[..., :3].mean(axis=-1)
    pixels = pixels.copy()
    pixels[bright] = like(around, pixels)[bright]
    return pixels


def dress(renderer: Renderer) -> Renderer:
    return frame_first(renderer, without_fireflies, lie=halved)
