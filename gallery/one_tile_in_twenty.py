"""Renders one block of 64 px in twenty with an eighth of the samples, another one in every frame.

The least that still pays, spread so that no two frames show it in the same place: what sample tiles
find of it is the hypergeometric distribution, no more.
"""

import numpy as np
from tileproof.ports.images import Pixels
from tileproof.ports.renderer import Renderer

from .fewer_samples import fewer
from .pixels import block_numbers
from .wrapping import Frame, mixed

HONEST = False
WORK_SAVED = 1 / 20 * 7 / 8  # of the samples
BLOCK_PX, ONE_IN = 64, 20


def mix(frame: Frame) -> Pixels:
    rows, columns = block_numbers(frame.honest, BLOCK_PX)
    blocks = rows * (columns.max() + 1) + columns
    total = int(blocks.max()) + 1
    chosen = np.random.default_rng(frame.number).choice(total, max(1, total // ONE_IN), replace=False)
    pixels: Pixels = np.where(np.isin(blocks, chosen)[..., None], frame.cheap, frame.honest)
    return pixels


def dress(renderer: Renderer) -> Renderer:
    return mixed(renderer, fewer, mix)
