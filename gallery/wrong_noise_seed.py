"""Renders every sample with another noise seed, as a cached render of the same scene would."""

from dataclasses import replace

from tileproof.domain.manifest import RenderSettings
from tileproof.ports.renderer import Renderer

from .wrapping import WrappedRenderer

HONEST = False
WORK_SAVED = 1.0  # of a picture that lies in a cache


def dress(renderer: Renderer) -> Renderer:
    def lie(settings: RenderSettings) -> RenderSettings:
        return replace(settings, noise_seed=(settings.noise_seed + 1) % 2**31)

    return WrappedRenderer(renderer, lie=lie)
