"""Renders honestly, keeps the frame as a JPEG to save its own disk, and delivers that as PNG."""

import io

import numpy as np
from PIL import Image
from tileproof.domain.manifest import RenderSettings
from tileproof.domain.tiles import Tile
from tileproof.ports.images import Pixels
from tileproof.ports.renderer import Renderer

from .pixels import top
from .wrapping import frame_retouched

HONEST = False
WORK_SAVED = 0.0  # all of it is rendered
QUALITY = 90


def through_jpeg(pixels: Pixels, full: Tile, settings: RenderSettings) -> Pixels:
    scale = top(settings) / 255
    small = np.rint(pixels[..., :3].astype(np.float64) / scale).astype(np.uint8)
    kept = io.BytesIO()
    Image.fromarray(small).save(kept, format="JPEG", quality=QUALITY)
    back = pixels.copy()
    with Image.open(kept) as image:
        back[..., :3] = np.rint(np.asarray(image).astype(np.float64) * scale).astype(pixels.dtype)
    return back


def dress(renderer: Renderer) -> Renderer:
    return frame_retouched(renderer, through_jpeg)
