"""Runs inside Blender in place of serve.py: the same, with one change to the scene that is opened."""

import os
import runpy
import sys
from typing import Any

sys.path.insert(0, os.environ["GALLERY_INSIDE"])
import canonical


def fewer_bounces(scene: Any) -> None:
    """One bounce of each kind at most, whatever the scene asks for."""
    for kind in ("max", "diffuse", "glossy", "transmission", "transparent_max", "volume"):
        name = kind + "_bounces"
        setattr(scene.cycles, name, min(1, getattr(scene.cycles, name)))


def guessed_indirect_light(scene: Any) -> None:
    """Cycles' fast approximation of what comes after the first bounce."""
    scene.cycles.use_fast_gi, scene.cycles.ao_bounces_render = True, 1


def clamped_light(scene: Any) -> None:
    """No path brings more than this: no fireflies, and less noise at the same samples."""
    scene.cycles.sample_clamp_direct, scene.cycles.sample_clamp_indirect = 4.0, 0.5


def simplified_scene(scene: Any) -> None:
    """No subdivision, half of the hair, textures of 128 px, coarse volumes."""
    scene.render.use_simplify = True
    scene.render.simplify_subdivision_render = 0
    scene.render.simplify_child_particles_render = 0.5
    scene.cycles.texture_limit_render = "128"
    scene.cycles.volume_step_rate = 8 * scene.cycles.volume_step_rate


def frozen_shutter(scene: Any) -> None:
    """No motion blur."""
    scene.render.use_motion_blur = False


def nothing_kept(scene: Any) -> None:
    """The scene is prepared anew for every picture."""
    scene.render.use_persistent_data = False


def small_tiles(scene: Any) -> None:
    """Cycles' own tiles, as a machine short of memory has them."""
    scene.cycles.use_auto_tile, scene.cycles.tile_size = True, 64


honest = canonical.apply
change = globals()[os.environ["GALLERY_CHANGE"]]


def apply(scene: Any, wanted: Any, threads: int) -> None:
    honest(scene, wanted, threads)
    change(scene)


canonical.apply = apply
runpy.run_path(os.path.join(os.environ["GALLERY_INSIDE"], "serve.py"), run_name="__main__")
