"""Runs inside Blender: renders scenes for ``benchmarks.agreement``, and finishes given passes.

    python agreement_blender.py render SAMPLES WIDTH OUT SCENE...
    python agreement_blender.py finish OUT PASSES...

Of each SCENE, a .blend, ``render`` leaves in the folder OUT, each named after the scene: the raw
picture (``.raw.png``, 8 bit), its floats (``.raw.exr``), those under another noise seed
(``.other_seed.png``), and with Cycles' own denoising the passes beside the picture
(``.passes.exr``, multilayer) and the picture (``.denoised.png``). ``finish`` leaves what one
Denoise node makes of such passes, as ``.finished.exr`` and ``.finished.png``. What is there
already is not made again.
"""

import os
import sys

import bpy


def canonical(scene: object, samples: int, width: int) -> None:
    render, cycles = scene.render, scene.cycles  # type: ignore[attr-defined]
    height = round(width * render.resolution_y / render.resolution_x)
    render.engine = "CYCLES"
    render.resolution_x, render.resolution_y, render.resolution_percentage = width, height, 100
    render.threads_mode, render.threads = "FIXED", 1
    render.use_compositing = render.use_sequencer = render.use_border = False
    render.dither_intensity = 0.0
    render.use_file_extension = False
    for name in dir(render):
        if name.startswith("use_stamp"):
            setattr(render, name, False)
    cycles.device = "CPU"
    cycles.samples, cycles.time_limit = samples, 0.0
    cycles.use_auto_tile = cycles.use_guiding = cycles.use_denoising = False


def save(container: str, depth: str, path: str) -> None:
    image = bpy.context.scene.render.image_settings
    image.file_format, image.color_depth = container, depth
    image.color_mode = "RGB" if container != "OPEN_EXR_MULTILAYER" else "RGBA"
    bpy.data.images["Render Result"].save_render(path)


def rendered(samples: int, width: int, out: str, blend: str) -> None:
    stem = os.path.join(out, os.path.splitext(os.path.basename(blend))[0])
    if os.path.exists(stem + ".denoised.png"):
        return
    bpy.ops.wm.open_mainfile(filepath=blend, load_ui=False, use_scripts=False)
    scene = bpy.context.scene
    canonical(scene, samples, width)
    bpy.ops.render.render()
    save("PNG", "8", stem + ".raw.png")
    save("OPEN_EXR", "32", stem + ".raw.exr")
    scene.cycles.seed += 1
    bpy.ops.render.render()
    save("PNG", "8", stem + ".other_seed.png")
    scene.cycles.seed -= 1
    scene.cycles.use_denoising, scene.cycles.denoiser = True, "OPENIMAGEDENOISE"
    for layer in scene.view_layers:
        layer.cycles.use_denoising = layer.cycles.denoising_store_passes = True
    bpy.ops.render.render()
    save("OPEN_EXR_MULTILAYER", "32", stem + ".passes.exr")
    save("PNG", "8", stem + ".denoised.png")


def finished(out: str, passes: str) -> None:
    stem = os.path.join(out, os.path.basename(passes).removesuffix(".passes.exr"))
    if os.path.exists(stem + ".finished.png"):
        return
    bpy.ops.wm.read_factory_settings(use_empty=True)
    scene = bpy.context.scene
    picture = bpy.data.images.load(passes)
    beside = bpy.data.images.load(passes.replace(".passes.exr", ".raw.png"))  # passes tell no size
    scene.render.resolution_x, scene.render.resolution_y = beside.size
    scene.render.resolution_percentage = 100
    scene.render.dither_intensity = 0.0
    scene.render.use_compositing, scene.use_nodes = True, True
    tree = scene.node_tree
    tree.nodes.clear()
    source, denoise = tree.nodes.new("CompositorNodeImage"), tree.nodes.new("CompositorNodeDenoise")
    end = tree.nodes.new("CompositorNodeComposite")
    source.image = picture
    denoise.use_hdr, denoise.prefilter, denoise.quality = True, "ACCURATE", "HIGH"
    tree.links.new(source.outputs["Noisy Image"], denoise.inputs["Image"])
    tree.links.new(source.outputs["Denoising Albedo"], denoise.inputs["Albedo"])
    tree.links.new(source.outputs["Denoising Normal"], denoise.inputs["Normal"])
    tree.links.new(denoise.outputs["Image"], end.inputs["Image"])
    bpy.ops.render.render()
    save("OPEN_EXR", "32", stem + ".finished.exr")
    save("PNG", "8", stem + ".finished.png")


def main() -> None:
    what, *given = sys.argv[1:]
    if what == "render":
        samples, width, out, *scenes = given
        for blend in scenes:
            rendered(int(samples), int(width), out, blend)
    else:
        out, *all_passes = given
        for passes in all_passes:
            finished(out, passes)
    sys.stdout.flush()
    os._exit(0)  # a bpy process was seen hanging at exit


main()
