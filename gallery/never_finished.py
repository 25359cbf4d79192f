"""Renders the passes of a denoised job honestly, and delivers the picture as noisy as it came."""

from dataclasses import replace
from pathlib import Path

from tileproof.domain.manifest import RenderSettings
from tileproof.ports.renderer import Rendered, Renderer

from . import DENOISED
from .wrapping import MixedSession, mixed

HONEST = False
JOBS = (DENOISED,)
WORK_SAVED = 0.0  # tenths of a second a frame


def unfinished(settings: RenderSettings) -> RenderSettings:
    return replace(settings, denoise=False, composite=False)


class Session(MixedSession):
    def finish(self, frame: int, passes: Path) -> Rendered:
        return self.cheap().render(frame, self.settings.full_frame)


def dress(renderer: Renderer) -> Renderer:
    return mixed(renderer, unfinished, lambda frame: frame.honest, Session)
