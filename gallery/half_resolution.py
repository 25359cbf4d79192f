"""Renders a quarter of the pixels and scales them up, smoothly."""

from dataclasses import replace

import numpy as np
from PIL import Image
from tileproof.domain.manifest import RenderSettings
from tileproof.domain.tiles import Tile
from tileproof.ports.images import Pixels
from tileproof.ports.renderer import Renderer

from .wrapping import frame_first, whole

HONEST = False


def half(settings: RenderSettings) -> RenderSettings:
    return replace(
        settings, width_px=max(1, settings.width_px // 2), height_px=max(1, settings.height_px // 2)
    )


def enlarge(pixels: Pixels, full: Tile, settings: RenderSettings) -> Pixels:
    channels = [
        np.asarray(
            Image.fromarray(pixels[..., channel].astype(np.float32)).resize(
                (full.width, full.height), Image.Resampling.BICUBIC
            )
        )
        for channel in range(pixels.shape[-1])
    ]
    return whole(np.stack(channels, axis=-1), settings)


def dress(renderer: Renderer) -> Renderer:
    return frame_first(renderer, enlarge, lie=half)
