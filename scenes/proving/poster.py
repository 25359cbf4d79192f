"""Flat graphic: shapes and letters of even colour, without a light or a shadow."""

import math

import bpy
from frame import animate, camera, glow, lathe, plane, put, start, still

PAPER, INK = (0.9, 0.84, 0.7), (0.02, 0.05, 0.12)
RED, BLUE, GOLD = (0.8, 0.09, 0.05), (0.03, 0.25, 0.45), (0.95, 0.55, 0.06)


def build():
    scene = start(view="Standard", look="None")
    scene.world.node_tree.nodes["Background"].inputs["Color"].default_value = (*PAPER, 1)
    disc = lathe("Disc", [(0.0, 0.0), (1.0, 0.0)], 128)
    ring = lathe("Ring", [(0.82, 0.0), (1.0, 0.0)], 128)
    square = plane("Square", 2)
    sun = put("Sun", disc, glow("Red", RED, 1), scale=(1.15, 1.15, 1))
    animate(sun, "location", lambda at: (-0.9 + 0.5 * at, 0.25 + 0.3 * math.sin(2 * at), 0))
    for number in range(5):
        size = 1.4 + 0.24 * number
        ink = glow(f"Hoop {number}", GOLD if number % 2 else INK, 1)
        hoop = put(f"Hoop {number}", ring, ink, (1.2, -0.2, 0.15 - 0.02 * number))
        animate(hoop, "scale", breathing(size * 0.55, number))
    for number in range(9):
        bar = put(f"Bar {number}", square, glow("Blue", BLUE, 1), scale=(0.06, 0.7, 1))
        animate(bar, "location", rising(number))
    title("TILE", 0.95, INK, lambda at: (-2.35 + 0.35 * at, -1.05, 0.2))
    title("proved to the last bit", 0.3, RED, lambda at: (-2.3, -1.42 + 0.05 * at, 0.2))
    eye = camera(still(0, 0, 5), still(0, 0, 0))
    eye.data.type, eye.data.ortho_scale = "ORTHO", 5.6
    animate(eye, "rotation_euler", lambda at: (0, 0, 0.05 - 0.1 * at))


def breathing(size, number):
    def scale(at):
        now = size * (1 + 0.1 * math.sin(3 * at + number))
        return (now, now, 1)

    return scale


def rising(number):
    return lambda at: (0.2 + number * 0.26, 0.75 + 0.2 * math.sin(1.3 * number + 2.5 * at), 0.3)


def title(words, size, colour, place):
    made = bpy.data.objects.new(words, bpy.data.curves.new(words, "FONT"))
    made.data.body, made.data.size = words, size
    made.data.materials.append(glow(words, colour, 1))
    bpy.context.scene.collection.objects.link(made)
    animate(made, "location", place)
