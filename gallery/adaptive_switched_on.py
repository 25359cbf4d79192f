"""Lets adaptive sampling stop early where the picture is calm, though the job asks for all samples."""

from dataclasses import replace

from tileproof.domain.manifest import RenderSettings
from tileproof.ports.renderer import Renderer

from .wrapping import WrappedRenderer

HONEST = False
WORK_SAVED = 0.4  # of the samples, in a picture half of which is calm


def dress(renderer: Renderer) -> Renderer:
    def lie(settings: RenderSettings) -> RenderSettings:
        return replace(settings, adaptive_sampling=True, adaptive_threshold=0.1, guard_band_px=4)

    return WrappedRenderer(renderer, lie=lie)
