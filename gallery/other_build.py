"""Renders with another Blender build than the job names, and says nothing of it.

The build is the one at ``BLENDER_OTHER_PATH``: an executable, or a Python that has bpy. Another
sampling pattern or kernel would be no other build, so without one this entry is missing.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from tileproof.adapters.blender.find import find_blender
from tileproof.adapters.blender.renderer import BlenderRenderer
from tileproof.adapters.blender.sandbox import choose
from tileproof.domain.manifest import RenderSettings
from tileproof.ports.renderer import Limits, Renderer, RenderReport, RenderSession

from .wrapping import FinishedElsewhere, Others, WrappedRenderer

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
    another = BlenderRenderer(other, choose())

    class Session(FinishedElsewhere):
        """What is finished is finished by the job's own build, which the worker has as well."""

        def report(self) -> RenderReport:
            return renderer.report()

    class OtherBuild(WrappedRenderer):
        @contextmanager
        def open(
            self, scene: Path, settings: RenderSettings, out: Path, limits: Limits
        ) -> Iterator[RenderSession]:
            false = replace(settings, blender_version=other.version)
            with (
                another.open(scene, false, out, limits) as session,
                Others(renderer, scene, out, limits) as others,
            ):
                yield Session(session, settings, others)

    return OtherBuild(renderer)
