"""Renders with another Blender build than the job names, and says nothing of it.

The build is the one at ``BLENDER_OTHER_PATH``: an executable, or a Python that has bpy. Another
sampling pattern or kernel would be no other build, so without one this entry is missing.
"""

import os
from dataclasses import replace
from pathlib import Path

from tileproof.adapters.blender.find import find_blender
from tileproof.adapters.blender.renderer import BlenderRenderer
from tileproof.adapters.blender.sandbox import choose
from tileproof.domain.manifest import RenderSettings
from tileproof.ports.renderer import Renderer, RenderReport

from .wrapping import WrappedRenderer, WrappedSession

HONEST = False
NEEDS_BLENDER = True
WORK_SAVED = 0.0  # a build that the worker has already, or a faster one


def missing() -> str | None:
    if not os.environ.get("BLENDER_OTHER_PATH"):
        return "BLENDER_OTHER_PATH names no second Blender build"
    return None


def dress(renderer: Renderer) -> Renderer:
    if not isinstance(renderer, BlenderRenderer):
        raise TypeError(f"{type(renderer).__name__} is no Blender that another could stand in for")
    other = find_blender(Path(os.environ["BLENDER_OTHER_PATH"]), Path())

    def lie(settings: RenderSettings) -> RenderSettings:
        return replace(settings, blender_version=other.version)

    class Session(WrappedSession):
        def report(self) -> RenderReport:
            return renderer.report()

    class OtherBuild(WrappedRenderer):
        def report(self) -> RenderReport:
            return renderer.report()

    return OtherBuild(BlenderRenderer(other, choose()), lie=lie, session=Session)
