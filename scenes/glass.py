"""Makes the demo's scene: glass, brushed brass and a floor of tiles, under soft lights.

Four frames in which the camera moves along an arc. Cycles, 400x225, 24 samples: about 6 s a frame
on one thread. Made for Tileproof and, like all of it, under the Apache License 2.0. Nothing that
an exact audit cannot judge. Run by a Python that has bpy, or by Blender:

    python scenes/glass.py --out glass.blend
    blender --background --factory-startup --python scenes/glass.py -- --out glass.blend
"""

import argparse
import math
import os
import random
import sys

import bpy  # first: it brings the others

# isort: split
import bmesh
from mathutils import Vector

FRAMES = 4
TILE, GAP = 1.0, 0.035  # Blender units
INK, TEAL, CORAL, BONE = (0.012, 0.022, 0.05), (0.01, 0.11, 0.13), (0.78, 0.09, 0.05), (0.72, 0.64, 0.52)
BRASS, STEEL = (0.86, 0.56, 0.22), (0.62, 0.66, 0.72)
FOCUS = (0.0, 0.05, 0.9)


def material(name, colour, **inputs):
    """A Principled material; ``inputs`` are its sockets' names with _ for spaces."""
    made = bpy.data.materials.new(name)
    made.use_nodes = True
    shader = made.node_tree.nodes["Principled BSDF"]
    shader.inputs["Base Color"].default_value = (*colour, 1)
    for socket, value in inputs.items():
        shader.inputs[socket.replace("_", " ")].default_value = value
    return made


def brushed(name, colour, roughness, turns=0.0):
    made = material(
        name, colour, Metallic=1.0, Roughness=roughness, Anisotropic=0.75, Anisotropic_Rotation=turns
    )
    tree = made.node_tree
    tangent = tree.nodes.new("ShaderNodeTangent")
    tangent.direction_type, tangent.axis = "RADIAL", "Z"
    tree.links.new(tangent.outputs[0], tree.nodes["Principled BSDF"].inputs["Tangent"])
    return made


def glass(name, colour, roughness=0.0, ior=1.5, shade=(0.9, 0.95, 0.96)):
    """Glass whose shadow is a tinted veil: with caustics off it would be as dark as a stone's."""
    made = bpy.data.materials.new(name)
    made.use_nodes = True
    tree = made.node_tree
    tree.nodes.remove(tree.nodes["Principled BSDF"])
    bsdf = tree.nodes.new("ShaderNodeBsdfGlass")
    bsdf.inputs["Color"].default_value = (*colour, 1)
    bsdf.inputs["Roughness"].default_value = roughness
    bsdf.inputs["IOR"].default_value = ior
    veil = tree.nodes.new("ShaderNodeBsdfTransparent")
    veil.inputs["Color"].default_value = (*shade, 1)
    path, mix = tree.nodes.new("ShaderNodeLightPath"), tree.nodes.new("ShaderNodeMixShader")
    either = tree.nodes.new("ShaderNodeMath")
    either.operation = "MAXIMUM"
    tree.links.new(path.outputs["Is Shadow Ray"], either.inputs[0])
    tree.links.new(path.outputs["Is Diffuse Ray"], either.inputs[1])
    tree.links.new(either.outputs[0], mix.inputs["Fac"])
    tree.links.new(bsdf.outputs[0], mix.inputs[1])
    tree.links.new(veil.outputs[0], mix.inputs[2])
    tree.links.new(mix.outputs[0], tree.nodes["Material Output"].inputs["Surface"])
    return made


def rounded_box(name, size, radius, segments=3):
    """A box mesh with rounded edges, its middle at the origin."""
    mesh, build = bpy.data.meshes.new(name), bmesh.new()
    bmesh.ops.create_cube(build, size=1.0)
    bmesh.ops.scale(build, vec=Vector(size), verts=build.verts)
    bmesh.ops.bevel(build, geom=build.edges[:], offset=radius, segments=segments, affect="EDGES", profile=0.5)
    build.to_mesh(mesh)
    build.free()
    return mesh


def sphere(name, radius):
    mesh, build = bpy.data.meshes.new(name), bmesh.new()
    bmesh.ops.create_icosphere(build, subdivisions=5, radius=radius)
    build.to_mesh(mesh)
    build.free()
    return mesh


def put(name, mesh, what, location, rotation=(0, 0, 0)):
    """An object of its own material on a mesh that may be shared."""
    thing = bpy.data.objects.new(name, mesh)
    if not mesh.materials:
        mesh.materials.append(None)
        mesh.polygons.foreach_set("use_smooth", [True] * len(mesh.polygons))
    bpy.context.scene.collection.objects.link(thing)
    thing.material_slots[0].link = "OBJECT"
    thing.material_slots[0].material = what
    thing.location, thing.rotation_euler = location, rotation
    return thing


def ring(name, what, major, minor, location, rotation):
    bpy.ops.mesh.primitive_torus_add(
        major_radius=major, minor_radius=minor, major_segments=160, minor_segments=32,
        location=location, rotation=rotation,
    )  # fmt: skip
    thing = bpy.context.object
    thing.name = name
    thing.data.materials.append(what)
    for polygon in thing.data.polygons:
        polygon.use_smooth = True


def floor():
    """Tiles: most dark and glazed, some of another colour, a few of brass, a few a little raised."""
    mesh = rounded_box("Tile", (TILE, TILE, 0.3), 0.045)
    choose = random.Random(11)
    glazes = [
        material(f"Glaze {n}", mix(INK, TEAL, share), Roughness=0.2)
        for n, share in enumerate((0.0, 0.12, 0.3, 0.55))
    ]
    special = {
        (-2, -1): material("Coral glaze", CORAL, Roughness=0.2),
        (2, 1): material("Bone glaze", BONE, Roughness=0.25),
        (-1, 2): material("Bone glaze 2", BONE, Roughness=0.25),
        (1, -2): brushed("Brass tile", BRASS, 0.28),
        (-3, 3): brushed("Brass tile 2", BRASS, 0.28),
        (3, -1): material("Coral glaze 2", CORAL, Roughness=0.2),
        (4, 5): material("Coral glaze 3", CORAL, Roughness=0.2),
        (1, 6): brushed("Brass tile 3", BRASS, 0.28),
    }
    ground = rounded_box("Ground", (17.4, 16.4, 0.1), 0.01, 1)
    put("Ground", ground, material("Grout", (0.006, 0.006, 0.008), Roughness=1.0), (0, 3.62, -0.32))
    pitch = TILE + GAP
    for row in range(-4, 12):
        for column in range(-8, 9):
            calm = row <= 1 and abs(column) <= 2  # where things stand
            lift = 0.0 if calm else choose.choice((0.0, 0.0, 0.0, 0.03, 0.07))
            what = special.get((column, row)) or choose.choice(glazes)
            put(f"Tile {column},{row}", mesh, what, (column * pitch, row * pitch, lift - 0.15))


def mix(one, other, share):
    return tuple(a + (b - a) * share for a, b in zip(one, other, strict=True))


def still_life():
    clear = glass("Clear glass", (0.985, 1.0, 0.995))
    put("Ball", sphere("Ball", 0.78), clear, (-0.18, 0.1, 0.78))
    ring("Ring", brushed("Brass", BRASS, 0.2), 1.08, 0.075, (-0.18, 0.1, 0.8), (math.radians(64), 0.16, 0.5))
    frosted = glass("Frosted glass", (0.55, 0.9, 0.92), 0.16, 1.45, shade=(0.6, 0.88, 0.9))
    put("Block", rounded_box("Block", (0.92, 0.92, 0.92), 0.08, 4), frosted, (1.62, 0.85, 0.46), (0, 0, 0.6))
    put(
        "Bead",
        sphere("Bead", 0.27),
        material("Coral", CORAL, Roughness=0.45, Sheen_Weight=0.3),
        (0.92, -0.72, 0.27),
    )
    put("Pearl", sphere("Pearl", 0.2), brushed("Steel", STEEL, 0.18), (-1.28, -0.82, 0.2))
    amber = glass("Amber glass", (1.0, 0.62, 0.2), 0.0, 1.48, shade=(1.0, 0.7, 0.35))
    put("Drop", sphere("Drop", 0.15), amber, (0.42, -1.12, 0.15))
    tower = rounded_box("Tower", (0.62, 0.62, 1.5), 0.06, 4)
    put(
        "Tower",
        tower,
        material("Dark brass", mix(BRASS, INK, 0.2), Metallic=1.0, Roughness=0.3),
        (-1.72, 1.3, 0.75),
        (0, 0, 0.35),
    )
    put("Moon", sphere("Moon", 0.36), material("Bone", BONE, Roughness=0.6), (-1.72, 1.3, 1.86))


def light(name, place, target, size, power, colour):
    made = bpy.data.objects.new(name, bpy.data.lights.new(name, "AREA"))
    made.data.shape, made.data.size, made.data.size_y = "RECTANGLE", *size
    made.data.energy, made.data.color = power, colour
    made.location = place
    made.rotation_euler = (Vector(target) - Vector(place)).to_track_quat("-Z", "Y").to_euler()
    bpy.context.scene.collection.objects.link(made)


def lights():
    light("Key", (-4.6, -3.2, 5.0), FOCUS, (6.0, 6.0), 640, (1.0, 0.9, 0.78))
    light("Rim", (4.4, 4.0, 3.6), (0.2, 0.4, 0.6), (2.6, 5.0), 360, (0.6, 0.78, 1.0))
    sky()


def sky():
    """Dusk: a deep blue that warms towards the horizon, and a glow where the sun went down."""
    world = bpy.context.scene.world = bpy.data.worlds.new("Dusk")
    world.use_nodes = True
    tree = world.node_tree
    new, join = tree.nodes.new, tree.links.new
    place, split, ramp = (
        new("ShaderNodeTexCoord"),
        new("ShaderNodeSeparateXYZ"),
        new("ShaderNodeValToRGB"),
    )
    stops = ramp.color_ramp.elements
    stops[0].position, stops[0].color = 0.0, (0.3, 0.13, 0.12, 1)
    stops[1].position, stops[1].color = 0.6, (0.006, 0.014, 0.04, 1)
    for position, colour in ((0.1, (0.22, 0.09, 0.12, 1)), (0.26, (0.05, 0.04, 0.1, 1))):
        stops.new(position).color = colour
    towards, power, glow = (
        new("ShaderNodeVectorMath"),
        new("ShaderNodeMath"),
        new("ShaderNodeMix"),
    )
    towards.operation = "DOT_PRODUCT"
    towards.inputs[1].default_value = Vector((-0.22, 1.0, 0.06)).normalized()
    power.operation, power.inputs[1].default_value = "POWER", 14
    glow.data_type, glow.blend_type = "RGBA", "ADD"
    glow.inputs["B"].default_value = (1.5, 0.5, 0.2, 1)
    join(place.outputs["Generated"], split.inputs[0])
    join(split.outputs["Z"], ramp.inputs["Fac"])
    join(place.outputs["Generated"], towards.inputs[0])
    join(towards.outputs["Value"], power.inputs[0])
    join(power.outputs[0], glow.inputs["Factor"])
    join(ramp.outputs["Color"], glow.inputs["A"])
    join(glow.outputs["Result"], tree.nodes["Background"].inputs["Color"])
    tree.nodes["Background"].inputs["Strength"].default_value = 0.9


def camera():
    """Along an arc of 24 degrees, always looking at the ball, which is in focus."""
    scene = bpy.context.scene
    eye = scene.camera = bpy.data.objects.new("Camera", bpy.data.cameras.new("Camera"))
    scene.collection.objects.link(eye)
    eye.data.lens, eye.data.sensor_width = 52, 36
    eye.data.dof.use_dof, eye.data.dof.aperture_fstop = True, 1.1
    for frame in range(1, FRAMES + 1):
        angle = math.radians(-12 + 24 * (frame - 1) / (FRAMES - 1))
        eye.location = (7.6 * math.sin(angle), -7.6 * math.cos(angle), 1.75)
        eye.rotation_euler = (Vector(FOCUS) - eye.location).to_track_quat("-Z", "Y").to_euler()
        eye.data.dof.focus_distance = (Vector((-0.18, -0.3, 0.8)) - eye.location).length
        eye.keyframe_insert("location", frame=frame)
        eye.keyframe_insert("rotation_euler", frame=frame)
        eye.data.dof.keyframe_insert("focus_distance", frame=frame)


def rendering():
    scene = bpy.context.scene
    scene.frame_start, scene.frame_end = 1, FRAMES
    render, cycles = scene.render, scene.cycles
    render.engine = "CYCLES"
    render.resolution_x, render.resolution_y, render.resolution_percentage = 400, 225, 100
    cycles.samples, cycles.seed = 24, 1
    cycles.use_denoising = cycles.use_adaptive_sampling = False
    cycles.sampling_pattern = "BLUE_NOISE"
    cycles.caustics_reflective = cycles.caustics_refractive = False
    cycles.sample_clamp_direct, cycles.sample_clamp_indirect = 4, 0.6
    cycles.max_bounces = cycles.transmission_bounces = 7
    cycles.diffuse_bounces, cycles.glossy_bounces = 1, 3
    scene.view_settings.view_transform, scene.view_settings.look = "AgX", "AgX - Medium High Contrast"


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", required=True, help="the .blend to write")
    given = parser.parse_args(sys.argv[sys.argv.index("--") + 1 :] if "--" in sys.argv else None)
    bpy.ops.wm.read_factory_settings(use_empty=True)
    floor()
    still_life()
    lights()
    camera()
    rendering()
    out = os.path.abspath(given.out)
    os.makedirs(os.path.dirname(out), exist_ok=True)
    bpy.context.preferences.filepaths.save_version = 0
    bpy.ops.wm.save_as_mainfile(filepath=out, compress=True)


main()
sys.stdout.flush()
os._exit(0)  # bpy can hang at exit
