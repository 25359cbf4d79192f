"""Runs inside Blender: loads one scene, then renders what it is asked for, line by line.

Requests come as JSON lines on one pipe, answers go as JSON lines on another, so that nothing
Blender prints can be taken for an answer. Usage: serve.py READ_FD WRITE_FD
"""

import json
import os
import sys
import time

import bpy

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import png  # noqa: E402


class Refused(Exception):
    """A request that cannot be done; ``code`` tells the caller which error to raise."""

    def __init__(self, code, message):
        super().__init__(message)
        self.code = code


def open_scene(request):
    bpy.context.preferences.filepaths.use_scripts_auto_execute = False
    try:
        bpy.ops.wm.open_mainfile(filepath=request["scene"], load_ui=False, use_scripts=False)
    except RuntimeError as error:
        raise Refused("scene.unreadable", str(error).strip()) from error
    apply(bpy.context.scene, request["settings"], request["threads"])
    return {}


def apply(scene, wanted, threads):
    """The canonical settings: everything that decides a pixel and may differ between machines,
    and everything that would write outside the job's folder."""
    render, cycles = scene.render, scene.cycles
    camera = bpy.data.objects.get(wanted["camera"])
    if camera is None or camera.type != "CAMERA":
        raise Refused("scene.no_camera", "the scene has no camera named " + wanted["camera"])
    if wanted["view_layer"] not in scene.view_layers:
        raise Refused("scene.unreadable", "the scene has no view layer named " + wanted["view_layer"])
    scene.camera = camera
    for marker in scene.timeline_markers:
        marker.camera = None
    for layer in scene.view_layers:
        layer.use = layer.name == wanted["view_layer"]
    render.engine = wanted["engine"]
    render.resolution_x, render.resolution_y = wanted["width_px"], wanted["height_px"]
    render.resolution_percentage = 100
    render.threads_mode, render.threads = "FIXED", threads
    render.use_persistent_data = True
    render.use_compositing = False
    render.use_sequencer = False
    render.use_multiview = False
    render.use_freestyle = False
    render.dither_intensity = 0.0
    render.film_transparent = wanted["transparent"]
    render.use_file_extension = False
    render.use_overwrite, render.use_placeholder = True, False
    for name in dir(render):
        if name.startswith("use_stamp"):
            setattr(render, name, False)
    image = render.image_settings
    image.file_format = wanted["container"]
    image.color_mode = "RGBA" if wanted["channels"] == 4 else "RGB"
    image.color_depth = str(wanted["depth"])
    image.compression = 15
    image.color_management = "FOLLOW_SCENE"
    scene.view_settings.view_transform = wanted["view_transform"]
    cycles.device = "CPU"
    cycles.samples = wanted["samples_per_pixel"]
    cycles.use_denoising = False
    cycles.seed = wanted["noise_seed"]
    cycles.use_animated_seed = wanted["animated_seed"]
    cycles.use_adaptive_sampling = wanted["adaptive_sampling"]
    cycles.adaptive_threshold = wanted["adaptive_threshold"]
    cycles.sampling_pattern = wanted["sampling_pattern"]
    cycles.use_guiding = False
    cycles.time_limit = 0.0
    cycles.auto_scrambling_distance = False
    cycles.scrambling_distance = 1.0


def render_tile(request):
    scene = bpy.context.scene
    render = scene.render
    border = request["border"]
    render.use_border = render.use_crop_to_border = border is not None
    if border is not None:
        render.border_min_x, render.border_max_x = border["min_x"], border["max_x"]
        render.border_min_y, render.border_max_y = border["min_y"], border["max_y"]
    scene.frame_set(request["frame"])
    render.filepath = request["path"]
    began = time.monotonic()
    bpy.ops.render.render(write_still=True)
    seconds = time.monotonic() - began
    png.reduce_to_pixels(request["path"], request["crop"])
    return {"seconds": seconds}


DO = {"open": open_scene, "render": render_tile}


def main():
    read_fd, write_fd = (int(text) for text in sys.argv[-2:])
    with open(read_fd, encoding="utf-8") as requests, open(write_fd, "w", encoding="utf-8") as answers:
        for line in requests:
            request = json.loads(line)
            if request["do"] == "bye":
                break
            try:
                answer = {"ok": DO[request["do"]](request)}
            except Refused as error:
                answer = {"error": {"code": error.code, "message": str(error)}}
            except Exception as error:  # the process is the boundary: everything is reported
                answer = {"error": {"code": "render.crashed", "message": f"{type(error).__name__}: {error}"}}
            answers.write(json.dumps(answer) + "\n")
            answers.flush()
    sys.stdout.flush()
    os._exit(0)  # a bpy process was seen hanging at exit


main()
