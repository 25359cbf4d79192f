"""Texture detail: a packed picture of fine tiles under a grazing view, bumps and a woven cloth."""

import math

import bpy
import numpy as np
from frame import animate, ball, camera, lamp, material, plane, put, sky, start

SIDE = 512


def build():
    start(bounces=3)
    sky((0.7, 0.72, 0.75), (0.35, 0.45, 0.6), 0.7)
    floor = textured("Floor", mosaic(), 9)
    put("Floor", plane("Floor", 24), floor)
    wall = put("Wall", plane("Wall", 9), textured("Wall", mosaic(), 3), (0, 3.4, 1.5), (math.pi / 2, 0, 0))
    wall.scale = (1.4, 1, 1)
    cloth = material("Weave", (0.7, 0.5, 0.2), Roughness=0.8, Sheen_Weight=0.4)
    woven(cloth, 70)
    stone = material("Rind", (0.5, 0.18, 0.1), Roughness=0.5)
    rough(stone, 24)
    for number, (what, x) in enumerate(((cloth, -1.0), (stone, 0.75))):
        thing = put(f"Fruit {number}", ball("Fruit", 0.75), what, (x, 0.4 - 0.3 * number, 0.75))
        animate(thing, "rotation_euler", turning(number))
    lamp("SUN", "Sun", (-4, -3, 4), (0, 0, 0), 3.0, (1, 0.92, 0.8), angle=0.01)
    eye = lambda at: (-0.7 + 1.4 * at, -4.6 + 0.4 * at, 1.15)  # noqa: E731
    camera(eye, lambda at: (0, 0.6, 0.72), lens=38)


def turning(number):
    return lambda at: (0.2 * at, 0.1, (1 - 2 * number) * 0.7 * at)


def mosaic():
    """Small stones of four colours with dark joints, worn by noise; made once, packed."""
    found = bpy.data.images.get("Mosaic")
    if found is not None:
        return found
    random = np.random.default_rng(3)
    y, x = np.mgrid[0:SIDE, 0:SIDE]
    cells, edge = 32, SIDE // 32
    colours = np.array([[0.72, 0.66, 0.55], [0.2, 0.3, 0.36], [0.62, 0.2, 0.12], [0.86, 0.8, 0.68]])
    kinds = np.add.outer(np.arange(cells), 2 * np.arange(cells)) % 5 % 4
    kinds = np.where(random.random(kinds.shape) < 0.12, random.integers(0, 4, kinds.shape), kinds)
    shade = random.uniform(0.8, 1.1, (cells, cells))
    picture = (colours[kinds] * shade[..., None])[y // edge, x // edge]
    joint = (np.minimum(x % edge, y % edge) < 2)[..., None]
    picture = np.where(joint, 0.09, picture) * random.uniform(0.86, 1.0, (SIDE, SIDE, 1))
    image = bpy.data.images.new("Mosaic", SIDE, SIDE)
    pixels = np.concatenate([picture, np.ones((SIDE, SIDE, 1))], axis=-1)
    image.pixels.foreach_set(np.clip(pixels, 0, 1).astype(np.float32).ravel())
    image.pack()
    return image


def textured(name, image, repeats):
    made = material(name, (1, 1, 1), Roughness=0.55)
    tree = made.node_tree
    place, shift, node = (tree.nodes.new("ShaderNode" + kind) for kind in ("UVMap", "Mapping", "TexImage"))
    node.image, shift.inputs["Scale"].default_value = image, (repeats, repeats, 1)
    tree.links.new(place.outputs[0], shift.inputs["Vector"])
    tree.links.new(shift.outputs[0], node.inputs["Vector"])
    tree.links.new(node.outputs["Color"], tree.nodes["Principled BSDF"].inputs["Base Color"])
    return made


def woven(made, scale):
    """Threads over and under one another, as colour and bump."""
    tree = made.node_tree
    place = tree.nodes.new("ShaderNodeTexCoord")
    waves = []
    for direction in ("X", "Z"):
        wave = tree.nodes.new("ShaderNodeTexWave")
        wave.bands_direction, wave.inputs["Scale"].default_value = direction, scale / 4
        tree.links.new(place.outputs["Object"], wave.inputs["Vector"])
        waves.append(wave)
    both, bump = tree.nodes.new("ShaderNodeMath"), tree.nodes.new("ShaderNodeBump")
    both.operation = "MULTIPLY"
    for number, wave in enumerate(waves):
        tree.links.new(wave.outputs["Fac"], both.inputs[number])
    tree.links.new(both.outputs[0], bump.inputs["Height"])
    tree.links.new(bump.outputs[0], tree.nodes["Principled BSDF"].inputs["Normal"])
    bump.inputs["Distance"].default_value = 0.05


def rough(made, scale):
    tree = made.node_tree
    cells, bump = tree.nodes.new("ShaderNodeTexVoronoi"), tree.nodes.new("ShaderNodeBump")
    place = tree.nodes.new("ShaderNodeTexCoord")
    cells.inputs["Scale"].default_value, bump.inputs["Distance"].default_value = scale, 0.06
    tree.links.new(place.outputs["Object"], cells.inputs["Vector"])
    tree.links.new(cells.outputs["Distance"], bump.inputs["Height"])
    tree.links.new(bump.outputs[0], tree.nodes["Principled BSDF"].inputs["Normal"])
