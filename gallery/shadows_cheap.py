"""Renders the dark parts with an eighth of the samples, where noise hides best."""

import numpy as np
from tileproof.ports.images import Pixels
from tileproof.ports.renderer import Renderer

from .fewer_samples import fewer
from .pixels import smoothed
from .wrapping import Frame, mixed

HONEST = False
WORK_SAVED = 1 / 4 * 7 / 8 - 3 / 4 * 1 / 8  # of the darkest quarter; the rest is rendered twice


def mix(frame: Frame) -> Pixels:
    light = smoothed(frame.cheap[..., :3], 2).mean(axis=-1)
    dark = light <= np.quantile(light, 0.25)
    pixels: Pixels = np.where(dark[..., None], frame.cheap, frame.honest)
    return pixels


def dress(renderer: Renderer) -> Renderer:
    return mixed(renderer, fewer, mix)
