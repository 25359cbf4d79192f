"""Renders an eighth of the samples, and is paid for all of them.

The cheapest cheat there is: the picture has a little more noise, which a glance and a
perceptual hash both forgive.
"""

from dataclasses import replace

from tileproof.domain.manifest import RenderSettings
from tileproof.ports.renderer import Renderer

from .wrapping import WrappedRenderer

HONEST = False
WORK_SAVED = 7 / 8  # of the samples
SHARE = 8


def fewer(settings: RenderSettings) -> RenderSettings:
    return replace(settings, samples_per_pixel=max(1, settings.samples_per_pixel // SHARE))


class FewerSamples(WrappedRenderer):
    def __init__(self, renderer: Renderer) -> None:
        super().__init__(renderer, lie=fewer)


dress = FewerSamples
