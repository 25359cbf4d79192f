"""Renders a quarter of the samples: 16 where 64 are paid."""

from dataclasses import replace

from tileproof.domain.manifest import RenderSettings
from tileproof.ports.renderer import Renderer

from .wrapping import WrappedRenderer

HONEST = False
WORK_SAVED = 3 / 4  # of the samples


def dress(renderer: Renderer) -> Renderer:
    def lie(settings: RenderSettings) -> RenderSettings:
        return replace(settings, samples_per_pixel=max(1, settings.samples_per_pixel // 4))

    return WrappedRenderer(renderer, lie=lie)
