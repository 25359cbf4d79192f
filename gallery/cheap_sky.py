"""Saves samples in the sky alone: where nothing covers the background, else in the upper third."""

import numpy as np
from tileproof.ports.images import Pixels
from tileproof.ports.renderer import Renderer

from .fewer_samples import fewer
from .wrapping import Frame, mixed

HONEST = False
WORK_SAVED = 1 / 3 * 7 / 8  # of the samples of the upper third


def mix(frame: Frame) -> Pixels:
    pixels = frame.honest.copy()
    if frame.settings.channels == 4:
        sky = frame.cheap[..., 3] == 0
        sky |= np.roll(sky, 2, axis=0) | np.roll(sky, -2, axis=0)  # edges are where the noise is
    else:
        sky = np.zeros(pixels.shape[:2], bool)
        sky[: -(-len(sky) // 3)] = True
    pixels[sky] = frame.cheap[sky]
    return pixels


def dress(renderer: Renderer) -> Renderer:
    return mixed(renderer, fewer, mix)
