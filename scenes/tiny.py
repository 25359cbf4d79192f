"""Makes the small scenes that tests render: one plain, the others with one thing more or wrong.

Run by a Python that has bpy, or by Blender:

    python scenes/tiny.py --out tiny.blend
    python scenes/tiny.py --out tiny.blend --variant depth_of_field
    python scenes/tiny.py --all folder            # every variant, as folder/NAME/NAME.blend
    blender --background --factory-startup --python scenes/tiny.py -- --out tiny.blend
"""

import argparse
import math
import os
import struct
import sys
import zlib

import bpy

VARIANTS = {}


def variant(change):
    """Registers a function that changes the plain scene; ``folder`` is where it will be saved."""
    VARIANTS[change.__name__] = change
    return change


def material(name, colour, roughness=0.5, metallic=0.0, transmission=0.0):
    made = bpy.data.materials.new(name)
    made.use_nodes = True
    shader = made.node_tree.nodes["Principled BSDF"]
    shader.inputs["Base Color"].default_value = (*colour, 1)
    shader.inputs["Roughness"].default_value = roughness
    shader.inputs["Metallic"].default_value = metallic
    shader.inputs["Transmission Weight"].default_value = transmission
    return made


def add(shape, what, **where):
    getattr(bpy.ops.mesh, "primitive_" + shape + "_add")(**where)
    thing = bpy.context.object
    thing.name = what.name
    thing.data.materials.append(what)
    return thing


def plain():
    bpy.ops.wm.read_factory_settings(use_empty=True)
    scene = bpy.context.scene
    world = scene.world = bpy.data.worlds.new("Sky")
    world.use_nodes = True
    world.node_tree.nodes["Background"].inputs["Color"].default_value = (0.35, 0.45, 0.6, 1)
    add("plane", material("Ground", (0.5, 0.45, 0.4)), size=12)
    cube = add("cube", material("Cube", (0.8, 0.2, 0.1)), size=1.2, location=(-0.9, 0, 0.6))
    add("uv_sphere", material("Ball", (1, 1, 1), 0.1, transmission=1), radius=0.7, location=(0.9, 0.2, 0.7))
    cube.keyframe_insert("rotation_euler", index=2, frame=1)
    cube.rotation_euler.z = math.pi / 2
    cube.keyframe_insert("rotation_euler", index=2, frame=10)
    light = bpy.data.objects.new("Lamp", bpy.data.lights.new("Lamp", "AREA"))
    light.data.energy, light.data.size = 250, 2
    light.location, light.rotation_euler = (2, -2, 4), (math.radians(35), 0, math.radians(45))
    scene.collection.objects.link(light)
    for name, place in (("Camera", (0, -5.2, 2.1)), ("Side", (4.6, -2.4, 2.1))):
        camera = bpy.data.objects.new(name, bpy.data.cameras.new(name))
        camera.location = place
        camera.rotation_euler = (math.radians(73), 0, math.atan2(place[0], -place[1]))
        scene.collection.objects.link(camera)
    scene.camera = bpy.data.objects["Camera"]
    scene.camera.keyframe_insert("location", frame=1)
    scene.camera.location.x += 0.5
    scene.camera.keyframe_insert("location", frame=10)
    scene.frame_start, scene.frame_end = 1, 10
    render, cycles = scene.render, scene.cycles
    render.engine = "CYCLES"
    render.resolution_x, render.resolution_y, render.resolution_percentage = 64, 36, 100
    cycles.samples, cycles.seed = 4, 7
    cycles.use_denoising = cycles.use_adaptive_sampling = False
    cycles.sampling_pattern = "TABULATED_SOBOL"
    cycles.max_bounces = 4
    return scene


@variant
def animated_seed(scene, folder):
    scene.cycles.use_animated_seed = True


@variant
def blue_noise(scene, folder):
    scene.cycles.sampling_pattern = "BLUE_NOISE"


@variant
def adaptive(scene, folder):
    scene.cycles.use_adaptive_sampling, scene.cycles.adaptive_threshold = True, 0.05
    scene.cycles.samples = 64


@variant
def motion_blur(scene, folder):
    scene.render.use_motion_blur, scene.render.motion_blur_shutter = True, 0.8


@variant
def depth_of_field(scene, folder):
    focus = scene.camera.data.dof
    focus.use_dof, focus.focus_distance, focus.aperture_fstop = True, 5, 0.3


@variant
def volume(scene, folder):
    fog = bpy.data.materials.new("Fog")
    fog.use_nodes = True
    tree = fog.node_tree
    tree.nodes.remove(tree.nodes["Principled BSDF"])
    scatter = tree.nodes.new("ShaderNodeVolumePrincipled")
    scatter.inputs["Density"].default_value = 0.3
    tree.links.new(scatter.outputs[0], tree.nodes["Material Output"].inputs["Volume"])
    add("cube", fog, size=4, location=(0, 0, 1.9))


@variant
def dithered(scene, folder):
    scene.render.dither_intensity = 2.0


@variant
def layer_samples(scene, folder):
    """The view layer asks for a number of samples of its own."""
    scene.view_layers[0].samples = 1


@variant
def transparent(scene, folder):
    scene.render.film_transparent = True


@variant
def small_tiles(scene, folder):
    """Cycles' own tiles, with the adaptive sampling that sees their edges."""
    adaptive(scene, folder)
    scene.cycles.use_auto_tile, scene.cycles.tile_size = True, 16


def textured(scene, folder, name="texture.png", present=True):
    path = os.path.join(folder, name)
    if present:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        write_checks(path)
        image = bpy.data.images.load(path)
    else:
        image = bpy.data.images.new("gone", 8, 8)
        image.source = "FILE"
    image.filepath = "//" + name
    tree = bpy.data.materials["Ground"].node_tree
    node = tree.nodes.new("ShaderNodeTexImage")
    node.image = image
    tree.links.new(node.outputs["Color"], tree.nodes["Principled BSDF"].inputs["Base Color"])
    return image


@variant
def texture(scene, folder):
    textured(scene, folder, "textures/checks.png")


@variant
def texture_outside(scene, folder):
    """Linked from beside the scene's folder, as in projects with one folder of assets."""
    textured(scene, folder, "../assets/checks.png")


@variant
def missing_texture(scene, folder):
    textured(scene, folder, "textures/gone.png", present=False)


@variant
def foreign_path(scene, folder):
    """Names a file of the machine that it will be rendered on."""
    textured(scene, folder, "texture.png").filepath = "/etc/hostname"


@variant
def library(scene, folder):
    """The ball comes from another .blend."""
    path = os.path.join(folder, "parts", "ball.blend")
    os.makedirs(os.path.dirname(path), exist_ok=True)
    ball = bpy.data.objects["Ball"]
    bpy.data.libraries.write(path, {ball}, fake_user=True)
    bpy.data.objects.remove(ball)
    with bpy.data.libraries.load(path, link=True) as (_, loaded):
        loaded.objects = ["Ball"]
    scene.collection.objects.link(loaded.objects[0])
    bpy.data.libraries[0].filepath = "//parts/ball.blend"


@variant
def no_camera(scene, folder):
    for thing in [each for each in scene.objects if each.type == "CAMERA"]:
        bpy.data.objects.remove(thing)


@variant
def denoising(scene, folder):
    scene.cycles.use_denoising = True


@variant
def compositing(scene, folder):
    """Nodes that need a pass which nobody stores."""
    scene.use_nodes = True
    tree = scene.node_tree
    layers, end = tree.nodes["Render Layers"], tree.nodes["Composite"]
    layer = scene.view_layers[0]
    layer.use_pass_z = True
    fog = tree.nodes.new("CompositorNodeMixRGB")
    tree.links.new(layers.outputs["Depth"], fog.inputs[0])
    tree.links.new(layers.outputs["Image"], fog.inputs[1])
    tree.links.new(fog.outputs["Image"], end.inputs["Image"])
    writer = tree.nodes.new("CompositorNodeOutputFile")
    writer.base_path = "//stray"
    tree.links.new(layers.outputs["Image"], writer.inputs[0])


@variant
def replayable_nodes(scene, folder):
    """Nodes that live on the stored passes, some of which look far beyond a tile."""
    scene.use_nodes, scene.cycles.use_denoising = True, True
    tree = scene.node_tree
    layers, end = tree.nodes["Render Layers"], tree.nodes["Composite"]
    blur, mix = tree.nodes.new("CompositorNodeBlur"), tree.nodes.new("CompositorNodeMixRGB")
    blur.size_x = blur.size_y = 12
    tree.links.new(layers.outputs["Image"], blur.inputs["Image"])
    tree.links.new(layers.outputs["Image"], mix.inputs[1])
    tree.links.new(blur.outputs["Image"], mix.inputs[2])
    tree.links.new(mix.outputs["Image"], end.inputs["Image"])
    writer = tree.nodes.new("CompositorNodeOutputFile")
    writer.base_path = "//stray"
    tree.links.new(mix.outputs["Image"], writer.inputs[0])


@variant
def path_guiding(scene, folder):
    scene.cycles.use_guiding = True


@variant
def time_limit(scene, folder):
    scene.cycles.time_limit = 5


@variant
def eevee(scene, folder):
    scene.render.engine = "BLENDER_EEVEE_NEXT"


@variant
def unbaked_simulation(scene, folder):
    cloth = add("grid", material("Cloth", (0.2, 0.3, 0.8)), size=2, location=(0, 0, 2))
    cloth.modifiers.new("Cloth", "CLOTH")


@variant
def instanced_simulation(scene, folder):
    """A simulation that only an instanced collection holds."""
    hidden = bpy.data.collections.new("Parts")
    unbaked_simulation(scene, folder)
    cloth = bpy.data.objects["Cloth"]
    scene.collection.objects.unlink(cloth)
    hidden.objects.link(cloth)
    empty = bpy.data.objects.new("Instance", None)
    empty.instance_type, empty.instance_collection = "COLLECTION", hidden
    scene.collection.objects.link(empty)


@variant
def simulation_nodes(scene, folder):
    group = bpy.data.node_groups.new("Drift", "GeometryNodeTree")
    group.interface.new_socket("Geometry", in_out="INPUT", socket_type="NodeSocketGeometry")
    group.interface.new_socket("Geometry", in_out="OUTPUT", socket_type="NodeSocketGeometry")
    group.nodes.new("NodeGroupOutput")
    start, end = (group.nodes.new("GeometryNodeSimulation" + side) for side in ("Input", "Output"))
    start.pair_with_output(end)
    bpy.data.objects["Cube"].modifiers.new("Drift", "NODES").node_group = group


@variant
def scripts(scene, folder):
    """A text and a driver that only run where the scripts of scenes do."""
    text = bpy.data.texts.new("start.py")
    text.write("open('text-ran', 'w').close()")
    text.use_module = True
    driver = bpy.data.objects["Ball"].driver_add("location", 2).driver
    driver.type = "SCRIPTED"
    driver.expression = "open('driver-ran', 'w').close() or 1"


@variant
def camera_markers(scene, folder):
    scene.timeline_markers.new("cut", frame=5).camera = bpy.data.objects["Side"]


@variant
def stereo(scene, folder):
    scene.render.use_multiview = True


def write_checks(path):
    """An 8x8 PNG of two colours."""
    rows = [
        b"\0" + b"".join(bytes((230, 220, 60) if (x + y) % 2 else (20, 60, 90)) for x in range(8))
        for y in range(8)
    ]

    def chunk(name, body):
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 8, 8, 8, 2, 0, 0, 0))
    with open(path, "wb") as file:
        file.write(
            b"\x89PNG\r\n\x1a\n"
            + header
            + chunk(b"IDAT", zlib.compress(b"".join(rows)))
            + chunk(b"IEND", b"")
        )


def make(out, name=None, compress=False):
    out = os.path.abspath(out)
    os.makedirs(os.path.dirname(out), exist_ok=True)
    scene = plain()
    if name is not None:
        VARIANTS[name](scene, os.path.dirname(out))
    bpy.context.preferences.filepaths.save_version = 0
    bpy.ops.wm.save_as_mainfile(filepath=out, compress=compress, relative_remap=False)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--out", help="the .blend to write")
    what.add_argument("--all", metavar="FOLDER", help="write the plain scene and every variant")
    parser.add_argument("--variant", choices=sorted(VARIANTS))
    parser.add_argument("--compress", action="store_true", help="write a compressed .blend")
    given = parser.parse_args(sys.argv[sys.argv.index("--") + 1 :] if "--" in sys.argv else None)
    if given.out:
        make(given.out, given.variant, given.compress)
        return
    for name in (None, *VARIANTS):
        stem = name or "plain"
        make(os.path.join(given.all, stem, stem + ".blend"), name, given.compress)


main()
sys.stdout.flush()
os._exit(0)  # bpy can hang at exit
