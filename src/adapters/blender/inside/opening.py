"""Runs inside Blender: opens a .blend without running anything in it, and lists its files."""

import os
import resource

import bpy

BRUSHES = "/datafiles/assets/brushes/"


class Refused(Exception):
    """A request that cannot be done; ``code`` tells the caller which error to raise."""

    def __init__(self, code, message):
        super().__init__(message)
        self.code = code


def open_blend(path):
    """Raises Refused ``scene.unreadable`` in Blender's own words."""
    bpy.context.preferences.filepaths.use_scripts_auto_execute = False
    try:
        bpy.ops.wm.open_mainfile(filepath=path, load_ui=False, use_scripts=False)
    except RuntimeError as error:
        raise Refused("scene.unreadable", str(error).strip()) from error


def limit_files(most_bytes):
    """No file of this process grows beyond ``most_bytes``, and none is a core dump."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (most_bytes, most_bytes))


def external_files():
    """Files beyond the .blend that it uses, each once: (as written, absolute path).

    A path written in a linked library counts from that library; a picture sequence shows its
    first file, a tiled picture a pattern. The brushes that come with Blender are left out: a
    .blend saved by hand links them from wherever that Blender lies, and none is rendered.
    """
    used = set()
    written = bpy.utils.blend_paths(absolute=False, packed=False, local=False)
    resolved = bpy.utils.blend_paths(absolute=True, packed=False, local=False)
    for path, absolute in zip(written, resolved, strict=True):
        if BRUSHES in path.replace("\\", "/"):
            continue
        used.add((path, os.path.normpath(absolute)))
    return sorted(used)


def escaping(scene_folder):
    """Paths in the .blend that lead out of its folder: other machines hold other files there."""
    inside = os.path.join(os.path.realpath(scene_folder), "")
    return [path for path, absolute in external_files() if not os.path.realpath(absolute).startswith(inside)]
