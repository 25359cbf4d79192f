"""Renders three quarters of the samples: 48 where 64 are paid."""

from dataclasses import replace

from tileproof.domain.manifest import RenderSettings
from tileproof.ports.renderer import Renderer

from .wrapping import WrappedRenderer

HONEST = False
WORK_SAVED = 1 / 4  # of the samples


def three_quarters(settings: RenderSettings) -> RenderSettings:
    return replace(settings, samples_per_pixel=max(1, settings.samples_per_pixel * 3 // 4))


def dress(renderer: Renderer) -> Renderer:
    return WrappedRenderer(renderer, lie=three_quarters)
