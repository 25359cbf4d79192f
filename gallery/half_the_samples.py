"""Renders half of the samples: 32 where 64 are paid."""

from dataclasses import replace

from tileproof.domain.manifest import RenderSettings
from tileproof.ports.renderer import Renderer

from .wrapping import WrappedRenderer

HONEST = False
WORK_SAVED = 1 / 2  # of the samples


def halved(settings: RenderSettings) -> RenderSettings:
    return replace(settings, samples_per_pixel=max(1, settings.samples_per_pixel // 2))


def dress(renderer: Renderer) -> Renderer:
    return WrappedRenderer(renderer, lie=halved)
