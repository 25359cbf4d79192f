"""Hair: three creatures of several thousand strands, combed by a turning wind."""

import math

import bpy
import numpy as np
from frame import animate, ball, camera, glow, lamp, material, orbit, plane, put, shader, sky, start, still

STRANDS, POINTS = 2600, 6


def build():
    start(bounces=2)
    sky((0.5, 0.38, 0.34), (0.16, 0.22, 0.34), 0.6)
    put("Ground", plane("Ground", 40), material("Ground", (0.28, 0.22, 0.24), Roughness=0.9))
    creature("Amber", (-1.25, 0.2, 0.78), 0.62, 0.55, 11, Melanin=0.35, Melanin_Redness=0.95)
    creature("Chestnut", (0.35, -0.05, 0.62), 0.5, 0.42, 12, Melanin=0.75, Melanin_Redness=0.6)
    creature("Snow", (1.6, 0.35, 0.5), 0.4, 0.36, 13, Melanin=0.06, Melanin_Redness=0.3)
    lamp("AREA", "Key", (3, -3, 4), (0, 0, 0.6), 320, (1, 0.9, 0.8), size=1.4)
    lamp("AREA", "Rim", (-3, 3.4, 2.6), (0, 0, 0.7), 300, (0.65, 0.8, 1), size=1.2)
    camera(orbit(6.0, 1.6, 10, -10), still(0.1, 0, 0.66), lens=52)


def creature(name, place, radius, length, seed, **shade):
    hair = shader(name + " hair", "BsdfHairPrincipled")
    node = hair.node_tree.nodes["Principled Hair BSDF"]
    node.parametrization = "MELANIN"
    for key, value in shade.items():
        node.inputs[key.replace("_", " ")].default_value = value
    body = put(name, ball(name, radius), material(name + " skin", (0.1, 0.06, 0.05), Roughness=0.8), place)
    coat = strands(name + " coat", radius, length, seed)
    coat.materials.append(hair)
    coat = bpy.data.objects.new(name + " coat", coat)
    bpy.context.scene.collection.objects.link(coat)
    coat.parent = body
    for number, side in enumerate((-1, 1)):
        eye = put(
            f"{name} eye {number}",
            ball("Eye", radius * 0.17),
            material("Eye", (0.01, 0.01, 0.012), Roughness=0.05),
        )
        eye.parent, eye.location = body, (side * radius * 0.42, -radius * 1.16, radius * 0.3)
        spark = put(f"{name} spark {number}", ball("Spark", radius * 0.03, 1), glow("Spark", (1, 1, 1), 4))
        spark.parent, spark.location = eye, (radius * 0.05, -radius * 0.16, radius * 0.07)
    animate(body, "rotation_euler", lambda at: (0.06 * math.sin(4 * at + seed), 0.0, 0.5 * at - 0.25 + seed))
    body.rotation_euler.z -= seed
    for curve in body.animation_data.action.layers[0].strips[0].channelbags[0].fcurves:
        if curve.array_index == 2:
            for key in curve.keyframe_points:
                key.co.y -= seed


def strands(name, radius, length, seed):
    """Curves from points spread evenly on a sphere, drooping and bent to one side."""
    random = np.random.default_rng(seed)
    index = np.arange(STRANDS) + 0.5
    polar, turn = np.arccos(1 - 2 * index / STRANDS), math.pi * (1 + 5**0.5) * index
    out = np.stack([np.sin(polar) * np.cos(turn), np.sin(polar) * np.sin(turn), np.cos(polar)], axis=1)
    out = out[out[:, 1] > -0.86]  # a face without hair
    lengths = length * random.uniform(0.55, 1.0, (len(out), 1))
    bend = random.normal(0, 0.22, (len(out), 3)) + np.array([0.3, 0.15, -0.75])
    along = np.linspace(0, 1, POINTS)
    points = [out * radius + lengths * (out * s * 0.9 + bend * s**2 * 0.6) for s in along]
    made = bpy.data.hair_curves.new(name)
    made.add_curves([POINTS] * len(out))
    made.attributes["position"].data.foreach_set(
        "vector", np.stack(points, axis=1).astype(np.float32).ravel()
    )
    widths = made.attributes.new("radius", "FLOAT", "POINT")
    widths.data.foreach_set("value", np.tile(0.0085 * (1 - 0.8 * along), len(out)).astype(np.float32))
    return made
