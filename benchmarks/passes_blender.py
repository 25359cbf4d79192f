"""Runs inside Blender for ``benchmarks.passes``: one frame, as Cycles denoises it itself, and its passes
as 32-bit floats and as halves, each finished by the compositor as ``finishing.py`` does.

Usage: passes_blender.py INSIDE BLEND FOLDER WIDTH HEIGHT SAMPLES. Leaves own.png, float.png, half.png and
the passes as raw numpy arrays; prints the seconds of each step as JSON on the last line.
"""

import json
import os
import sys
import time

import bpy
import numpy

sys.path.insert(0, sys.argv[-6])
import canonical
import exr
import finishing

blend, folder, width, height, samples = sys.argv[-5:]

NAMES = {
    "Image": ("Combined.R", "Combined.G", "Combined.B"),
    "Albedo": ("Denoising Albedo.R", "Denoising Albedo.G", "Denoising Albedo.B"),
    "Normal": ("Denoising Normal.X", "Denoising Normal.Y", "Denoising Normal.Z"),
}
SECONDS: dict[str, float] = {}


def timed(name, work):
    began = time.monotonic()
    work()
    SECONDS[name] = time.monotonic() - began


def still(path, kind):
    scene = bpy.context.scene
    scene.render.filepath = path
    kind(scene.render.image_settings)
    bpy.ops.render.render(write_still=True)


def png(image):
    image.file_format, image.color_mode, image.color_depth = "PNG", "RGB", "8"


def main():
    bpy.ops.wm.open_mainfile(filepath=blend, use_scripts=False)
    scene = bpy.context.scene
    render, cycles, layer = scene.render, scene.cycles, scene.view_layers[0]
    render.resolution_x, render.resolution_y, render.resolution_percentage = int(width), int(height), 100
    render.dither_intensity, render.use_compositing = 0.0, False
    cycles.samples, cycles.use_auto_tile = int(samples), False
    layer.cycles.denoising_store_passes = True
    cycles.use_denoising, cycles.denoiser = True, "OPENIMAGEDENOISE"
    cycles.denoising_input_passes = "RGB_ALBEDO_NORMAL"
    cycles.denoising_prefilter, cycles.denoising_quality = "ACCURATE", "HIGH"
    timed("own", lambda: still(os.path.join(folder, "own.png"), png))
    cycles.use_denoising = False
    path = os.path.join(folder, "passes.exr")
    timed("noisy", lambda: still(path, canonical.set_passes_file))
    start = layer.name + "."
    found = {name.removeprefix(start): values for name, values in exr.read(path).items()}
    scene.use_nodes = True
    tree = scene.node_tree
    for depth in ("float", "half"):
        tree.nodes.clear()
        tree.nodes.new("CompositorNodeComposite")
        given = {}
        for name, channels in NAMES.items():
            values = [found[each] for each in channels]
            if depth == "half":
                values = [numpy.clip(each, -exr.MOST, exr.MOST).astype("<f2") for each in values]
            numpy.save(os.path.join(folder, f"{depth}-{name}.npy"), numpy.stack(values, axis=-1))
            image = bpy.data.images.new(
                depth + name, int(width), int(height), float_buffer=True, is_data=True
            )
            pixels = numpy.ones((int(height), int(width), 4), numpy.float32)
            pixels[..., :3] = numpy.stack(values, axis=-1)[::-1]
            image.pixels.foreach_set(pixels.ravel())
            image.update()
            given[name] = tree.nodes.new("CompositorNodeImage")
            given[name].image = image
        tree.links.new(finishing.denoised(tree, given), finishing.output(tree).inputs["Image"])
        render.use_compositing = True
        render.compositor_device, render.compositor_precision = "CPU", "FULL"
        timed(depth, lambda depth=depth: still(os.path.join(folder, depth + ".png"), png))
    sys.stdout.flush()
    os.write(1, ("\n" + json.dumps(SECONDS) + "\n").encode())
    os._exit(0)


main()
