"""What every proving scene stands in: settings, camera, lights, materials and simple shapes.

Numbers are Blender units and metres; frames count from 1 to ``FRAMES``. Nothing here reads a file
or draws a number that is not seeded.
"""

import math

import bpy  # first: it brings the others

# isort: split
import bmesh
from mathutils import Vector

FRAMES = 8
WIDTH_PX, HEIGHT_PX, SAMPLES = 240, 135, 64


def start(view="AgX", look="AgX - Medium High Contrast", bounces=6):
    """An empty scene with the settings that all of them share; returns it."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    scene = bpy.context.scene
    scene.world = bpy.data.worlds.new("World")
    scene.world.use_nodes = True
    scene.frame_start, scene.frame_end = 1, FRAMES
    render, cycles = scene.render, scene.cycles
    render.engine = "CYCLES"
    render.resolution_x, render.resolution_y, render.resolution_percentage = WIDTH_PX, HEIGHT_PX, 100
    cycles.samples, cycles.seed = SAMPLES, 1
    cycles.use_denoising = cycles.use_adaptive_sampling = False
    cycles.sampling_pattern = "TABULATED_SOBOL"
    cycles.caustics_reflective = cycles.caustics_refractive = False
    cycles.max_bounces = bounces
    scene.view_settings.view_transform, scene.view_settings.look = view, look
    return scene


# --- movement ---


def animate(owner, path, values):
    """One key a frame, and one before and after so that motion blur sees where it comes from;
    ``values`` is a function of the share of the shot that has passed."""
    for frame in range(0, FRAMES + 2):
        setattr(owner, path, values((frame - 1) / (FRAMES - 1)))
        owner.keyframe_insert(path, frame=frame)
    for curve in curves_of(owner.id_data):
        for key in curve.keyframe_points:
            key.interpolation = "LINEAR"


def curves_of(data):
    return data.animation_data.action.layers[0].strips[0].channelbags[0].fcurves


def camera(eye, target, lens=50, aperture=None):
    """A camera whose place and aim are functions of the share of the shot; with an ``aperture``
    its focus is on the target."""
    scene = bpy.context.scene
    made = scene.camera = bpy.data.objects.new("Camera", bpy.data.cameras.new("Camera"))
    scene.collection.objects.link(made)
    made.data.lens = lens
    animate(made, "location", eye)
    animate(made, "rotation_euler", lambda at: aimed(eye(at), target(at)))
    if aperture is not None:
        made.data.dof.use_dof, made.data.dof.aperture_fstop = True, aperture
        animate(made.data.dof, "focus_distance", lambda at: (Vector(target(at)) - Vector(eye(at))).length)
    return made


def orbit(radius, height, start, end, centre=(0, 0)):
    """A place on an arc around ``centre``; angles in degrees, 0 in front, as seen from above."""

    def eye(at):
        angle = math.radians(start + (end - start) * at)
        return (centre[0] + radius * math.sin(angle), centre[1] - radius * math.cos(angle), height)

    return eye


def still(*place):
    return lambda at: place


def aimed(place, target):
    return (Vector(target) - Vector(place)).to_track_quat("-Z", "Y").to_euler()


# --- light ---


def lamp(kind, name, place, target, power, colour=(1, 1, 1), **values):
    """A light of Blender's ``kind``; ``values`` are its further properties."""
    made = bpy.data.objects.new(name, bpy.data.lights.new(name, kind))
    made.data.energy, made.data.color = power, colour
    for key, value in values.items():
        setattr(made.data, key, value)
    made.location, made.rotation_euler = place, aimed(place, target)
    bpy.context.scene.collection.objects.link(made)
    return made


def sky(low, high, strength=1.0):
    """A sky that changes from one colour at the horizon to another above."""
    tree = bpy.context.scene.world.node_tree
    place, split, ramp = (
        tree.nodes.new("ShaderNode" + kind) for kind in ("TexCoord", "SeparateXYZ", "ValToRGB")
    )
    ramp.color_ramp.elements[0].color, ramp.color_ramp.elements[1].color = (*low, 1), (*high, 1)
    ramp.color_ramp.elements[1].position = 0.6
    tree.links.new(place.outputs["Generated"], split.inputs[0])
    tree.links.new(split.outputs["Z"], ramp.inputs["Fac"])
    tree.links.new(ramp.outputs["Color"], tree.nodes["Background"].inputs["Color"])
    tree.nodes["Background"].inputs["Strength"].default_value = strength


# --- materials ---


def material(name, colour, **inputs):
    """A Principled material; ``inputs`` are its sockets' names with _ for spaces."""
    made = bpy.data.materials.new(name)
    made.use_nodes = True
    shader = made.node_tree.nodes["Principled BSDF"]
    shader.inputs["Base Color"].default_value = (*colour, 1)
    for socket, value in inputs.items():
        shader.inputs[socket.replace("_", " ")].default_value = value
    return made


def shader(name, kind, **inputs):
    """A material of one other shader node."""
    made, _ = shader_tree(name, kind, **inputs)
    return made


def shader_tree(name, kind, socket="Surface", **inputs):
    """A material of one other shader node, and that node."""
    made = bpy.data.materials.new(name)
    made.use_nodes = True
    tree = made.node_tree
    tree.nodes.remove(tree.nodes["Principled BSDF"])
    node = tree.nodes.new("ShaderNode" + kind)
    for key, value in inputs.items():
        node.inputs[key.replace("_", " ")].default_value = value
    tree.links.new(node.outputs[0], tree.nodes["Material Output"].inputs[socket])
    return made, node


def glow(name, colour, strength):
    return shader(name, "Emission", Color=(*colour, 1), Strength=strength)


# --- shapes ---


def put(name, mesh, what, location=(0, 0, 0), rotation=(0, 0, 0), scale=(1, 1, 1)):
    """An object of its own material on a mesh that may be shared."""
    thing = bpy.data.objects.new(name, mesh)
    if not mesh.materials:
        mesh.materials.append(None)
    bpy.context.scene.collection.objects.link(thing)
    thing.material_slots[0].link = "OBJECT"
    thing.material_slots[0].material = what
    thing.location, thing.rotation_euler, thing.scale = location, rotation, scale
    return thing


def built(name, build, smooth=True):
    """The mesh that ``build`` leaves in an empty bmesh."""
    mesh, shape = bpy.data.meshes.new(name), bmesh.new()
    build(shape)
    shape.to_mesh(mesh)
    shape.free()
    mesh.polygons.foreach_set("use_smooth", [smooth] * len(mesh.polygons))
    return mesh


def ball(name="Ball", radius=1.0, subdivisions=4):
    return built(
        name, lambda shape: bmesh.ops.create_icosphere(shape, subdivisions=subdivisions, radius=radius)
    )


def box(name, size, bevel=0.0):
    def build(shape):
        bmesh.ops.create_cube(shape, size=1.0)
        bmesh.ops.scale(shape, vec=Vector(size), verts=shape.verts)
        if bevel:
            bmesh.ops.bevel(shape, geom=shape.edges[:], offset=bevel, segments=3, affect="EDGES", profile=0.5)

    return built(name, build, smooth=False)


def plane(name, size):
    def build(shape):
        bmesh.ops.create_grid(shape, x_segments=1, y_segments=1, size=size / 2, calc_uvs=True)

    mesh = built(name, build, smooth=False)
    layer = mesh.uv_layers.new(name="UV") if not mesh.uv_layers else mesh.uv_layers[0]
    for loop in mesh.loops:
        x, y, _ = mesh.vertices[loop.vertex_index].co
        layer.data[loop.index].uv = (x / size + 0.5, y / size + 0.5)
    return mesh


def lathe(name, outline, segments=64):
    """A turned shape: ``outline`` is (radius, height) from one end to the other."""
    mesh = bpy.data.meshes.new(name)
    turns = [2 * math.pi * step / segments for step in range(segments)]
    points = [(r * math.cos(turn), r * math.sin(turn), z) for r, z in outline for turn in turns]
    faces = []
    for ring in range(len(outline) - 1):
        for step in range(segments):
            beside = (step + 1) % segments
            low, high = ring * segments, (ring + 1) * segments
            faces.append((low + step, low + beside, high + beside, high + step))
    mesh.from_pydata(points, [], faces)
    mesh.polygons.foreach_set("use_smooth", [True] * len(faces))
    return mesh
