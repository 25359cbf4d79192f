"""Runs inside Blender: loads one scene, then renders what it is asked for, line by line.

Requests come as JSON lines on one pipe, answers go as JSON lines on another, so that nothing
Blender prints can be taken for an answer. Usage: serve.py READ_FD WRITE_FD
"""

import json
import os
import sys
import time
import types

import bpy

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import canonical
import exr
import finishing
import opening
import png
import simulation


def open_scene(request):
    opening.limit_files(request["file_bytes"])
    opening.open_blend(request["scene"])
    strays = opening.escaping(os.path.dirname(request["scene"]))
    if strays:
        raise opening.Refused(
            "scene.unsafe_path", "the scene uses files outside its folder: " + ", ".join(strays)
        )
    scene = bpy.context.scene
    moving = simulation.unbaked(scene)
    if moving:
        raise opening.Refused("scene.unauditable", "not baked: " + ", ".join(moving))
    wanted = request["settings"]
    canonical.apply(scene, wanted, request["threads"])
    if wanted["composite"] and finishing.trouble(scene, wanted["denoise"]):
        raise opening.Refused("scene.unauditable", "its nodes cannot be replayed from stored passes")
    job.wanted, job.finisher = wanted, None
    return {}


def render_tile(request):
    scene = bpy.context.scene
    render = scene.render
    border = request["border"]
    render.use_border = render.use_crop_to_border = border is not None
    if border is not None:
        render.border_min_x, render.border_max_x = border["min_x"], border["max_x"]
        render.border_min_y, render.border_max_y = border["min_y"], border["max_y"]
    scene.frame_set(request["frame"], subframe=0.0)
    render.filepath = request["path"]
    has_passes = job.wanted["denoise"] or job.wanted["composite"]
    if has_passes:
        canonical.set_passes_file(render.image_settings)
    else:
        canonical.set_picture(render.image_settings, job.wanted)
    began = time.monotonic()
    bpy.ops.render.render(write_still=True)
    seconds = time.monotonic() - began
    if has_passes:
        exr.reduce_to_passes(request["path"], request["crop"], job.wanted)
    else:
        png.reduce_to_pixels(request["path"], request["crop"])
    return {"seconds": seconds}


def finish_frame(request):
    scene = bpy.context.scene
    if job.finisher is None:
        folder = os.path.dirname(request["path"])
        job.finisher = finishing.Finisher(scene, job.wanted, folder)
    canonical.set_picture(scene.render.image_settings, job.wanted)
    began = time.monotonic()
    job.finisher.finish(request["passes"], request["frame"], request["path"])
    seconds = time.monotonic() - began
    png.reduce_to_pixels(request["path"])
    return {"seconds": seconds}


job = types.SimpleNamespace(wanted=None, finisher=None)
"""The settings that the open scene is rendered with, and what finishes its frames."""
DO = {"open": open_scene, "render": render_tile, "finish": finish_frame}


def main():
    read_fd, write_fd = (int(text) for text in sys.argv[-2:])
    with open(read_fd, encoding="utf-8") as requests, open(write_fd, "w", encoding="utf-8") as answers:
        for line in requests:
            request = json.loads(line)
            if request["do"] == "bye":
                break
            try:
                answer = {"ok": DO[request["do"]](request)}
            except opening.Refused as error:
                answer = {"error": {"code": error.code, "message": str(error)}}
            except Exception as error:  # noqa: BLE001 - the process is the boundary: all is reported
                answer = {"error": {"code": "render.crashed", "message": f"{type(error).__name__}: {error}"}}
            answers.write(json.dumps(answer) + "\n")
            answers.flush()
    sys.stdout.flush()
    os._exit(0)  # a bpy process was seen hanging at exit


main()
