"""Renders every second block of 8 px honestly, like a chessboard: every tile is half right."""

import numpy as np
from tileproof.ports.images import Pixels
from tileproof.ports.renderer import Renderer

from .fewer_samples import fewer
from .pixels import block_numbers
from .wrapping import Frame, mixed

HONEST = False
WORK_SAVED = 1 / 2 * 7 / 8  # of the samples
BLOCK_PX = 8


def mix(frame: Frame) -> Pixels:
    rows, columns = block_numbers(frame.honest, BLOCK_PX)
    pixels: Pixels = np.where(((rows + columns) % 2 == 0)[..., None], frame.honest, frame.cheap)
    return pixels


def dress(renderer: Renderer) -> Renderer:
    return mixed(renderer, fewer, mix)
