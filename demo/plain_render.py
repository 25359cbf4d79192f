"""Renders frames the plain way: Blender opens the file and renders, and that is all.

No line of Tileproof runs here, so that the pictures are something to compare with. Dithering
is off, as in every job: it is drawn anew for each crop.

Run by the Python that has bpy: plain_render.py SCENE FOLDER FRAME…
"""

import os
import sys

import bpy

blend, folder, *frames = sys.argv[1:]
bpy.ops.wm.open_mainfile(filepath=blend)
scene = bpy.context.scene
scene.render.dither_intensity = 0
scene.render.image_settings.file_format = "PNG"
scene.render.image_settings.color_mode = "RGB"
scene.render.threads_mode, scene.render.threads = "FIXED", 1
for frame in map(int, frames):
    scene.frame_set(frame)
    scene.render.filepath = os.path.join(folder, f"{frame:04d}.png")
    bpy.ops.render.render(write_still=True)
sys.stdout.flush()
os._exit(0)  # bpy can hang at exit
