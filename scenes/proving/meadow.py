"""Instanced foliage: a thousand plants of one collection each, leaves that let light through."""

import math
import random

import bpy
from frame import animate, camera, lamp, lathe, material, plane, put, sky, start

PLANTS, FLOWERS, TREES = 900, 90, 9


def build():
    start(bounces=4)
    sky((0.95, 0.8, 0.6), (0.22, 0.42, 0.78), 0.9)
    put("Ground", plane("Ground", 60), material("Soil", (0.12, 0.14, 0.05), Roughness=1.0))
    draw = random.Random(21)
    grass = kind("Grass", [blade(draw) for _ in range(14)], leaf("Green", (0.16, 0.34, 0.05)))
    herb = kind("Herb", [blade(draw, 0.16, 0.5) for _ in range(7)], leaf("Pale", (0.3, 0.42, 0.1)))
    for number in range(PLANTS):
        plant(f"Plant {number}", draw.choice((grass, grass, herb)), draw, 6.5, draw.uniform(0.6, 1.3))
    bloom = kind("Bloom", [petal(turn) for turn in range(6)], leaf("Petal", (0.85, 0.12, 0.08)))
    for number in range(FLOWERS):
        plant(f"Bloom {number}", bloom, draw, 5.0, draw.uniform(0.7, 1.1))
    forest(draw)
    sun = lamp("SUN", "Sun", (-5, 7, 4.5), (0, 0, 0), 4.2, (1, 0.85, 0.62), angle=0.02)
    animate(sun, "rotation_euler", lambda at: (-0.95, -0.35 + 0.05 * at, 0.4))
    camera(lambda at: (-0.8 + 1.2 * at, -5.4, 1.1), lambda at: (0.1 * at, 1.5, 0.75), lens=36)


def leaf(name, colour):
    """Half of the light goes through."""
    made = material(name, colour, Roughness=0.5)
    tree = made.node_tree
    through, mix = tree.nodes.new("ShaderNodeBsdfTranslucent"), tree.nodes.new("ShaderNodeMixShader")
    through.inputs["Color"].default_value = (*(min(1.0, part * 1.6) for part in colour), 1)
    mix.inputs["Fac"].default_value = 0.45
    tree.links.new(tree.nodes["Principled BSDF"].outputs[0], mix.inputs[1])
    tree.links.new(through.outputs[0], mix.inputs[2])
    tree.links.new(mix.outputs[0], tree.nodes["Material Output"].inputs["Surface"])
    return made


def kind(name, parts, what):
    """A collection that is only ever seen as instances of it."""
    points, faces = [], []
    for more_points, more_faces in parts:
        faces += [tuple(corner + len(points) for corner in face) for face in more_faces]
        points += more_points
    mesh = bpy.data.meshes.new(name)
    mesh.from_pydata(points, [], faces)
    mesh.materials.append(what)
    made = bpy.data.collections.new(name)
    made.objects.link(bpy.data.objects.new(name, mesh))
    return made


def blade(draw, width=0.045, height=0.75):
    """A strip that leans outwards."""
    turn, lean, tall = draw.uniform(0, 6.3), draw.uniform(0.15, 0.6), height * draw.uniform(0.5, 1.0)
    points, steps = [], 4
    for step in range(steps + 1):
        at = step / steps
        out, half = lean * tall * at**2, width * (1 - at**1.5) / 2
        for side in (-1, 1):
            x, y = out, side * half
            points.append(
                (x * math.cos(turn) - y * math.sin(turn), x * math.sin(turn) + y * math.cos(turn), tall * at)
            )
    faces = [(2 * n, 2 * n + 1, 2 * n + 3, 2 * n + 2) for n in range(steps)]
    return points, faces


def petal(number):
    turn = number * math.pi / 3
    across = [(0.0, 0.0), (0.06, 0.05), (0.15, 0.04), (0.19, 0.0), (0.15, -0.04), (0.06, -0.05)]
    points = [
        (x * math.cos(turn) - y * math.sin(turn), x * math.sin(turn) + y * math.cos(turn), 0.68 + 0.35 * x)
        for x, y in across
    ]
    return points, [tuple(range(6))]


def plant(name, what, draw, spread, size):
    made = bpy.data.objects.new(name, None)
    made.instance_type, made.instance_collection = "COLLECTION", what
    made.location = (draw.uniform(-spread, spread), draw.uniform(-3.6, spread), 0)
    made.rotation_euler, made.scale = (0, 0, draw.uniform(0, 6.3)), (size, size, size)
    bpy.context.scene.collection.objects.link(made)
    return made


def forest(draw):
    """Trees whose crowns are one instanced cloud of leaves."""
    parts = []
    for _ in range(420):
        turn, rise, far = draw.uniform(0, 6.3), draw.uniform(-1, 1), draw.uniform(0.5, 1.0)
        flat = math.sqrt(1 - rise * rise) * far
        x, y, z, size = flat * math.cos(turn), flat * math.sin(turn), rise * far, draw.uniform(0.1, 0.17)
        tilt = [draw.uniform(-size, size) for _ in range(6)]
        corners = [
            (x, y, z),
            (x + tilt[0], y + tilt[1], z + tilt[2]),
            (x + tilt[3], y + tilt[4], z + tilt[5]),
        ]
        parts.append((corners, [(0, 1, 2)]))
    crown = kind("Crown", parts, leaf("Crown", (0.2, 0.36, 0.07)))
    bark = material("Bark", (0.16, 0.1, 0.06), Roughness=0.9)
    trunk = lathe("Trunk", [(0.16, 0), (0.1, 0.8), (0.07, 1.7)], 12)
    for number in range(TREES):
        x, y, size = (
            -6.2 + number * 1.55 + draw.uniform(-0.4, 0.4),
            draw.uniform(3.2, 6.5),
            draw.uniform(0.9, 1.35),
        )
        put(f"Trunk {number}", trunk, bark, (x, y, 0), scale=(size, size, size))
        top = plant(f"Crown {number}", crown, draw, 1, size)
        top.location = (x, y, 2.0 * size)
        animate(top, "rotation_euler", swaying(number))


def swaying(number):
    return lambda at: (0.05 * math.sin(4 * at + number), 0.05 * math.cos(3 * at + number), number)
