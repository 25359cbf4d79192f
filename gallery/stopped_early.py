"""Stops one sample before the last: the most tempting of all, since nobody could see it."""

from dataclasses import replace

from tileproof.domain.manifest import RenderSettings
from tileproof.ports.renderer import Renderer

from .wrapping import WrappedRenderer

HONEST = False
WORK_SAVED = 1 / 64  # of the samples


def dress(renderer: Renderer) -> Renderer:
    def lie(settings: RenderSettings) -> RenderSettings:
        return replace(settings, samples_per_pixel=max(1, settings.samples_per_pixel - 1))

    return WrappedRenderer(renderer, lie=lie)
