"""Depth of field: a row of pearls before a street of lights far out of focus."""

import math
import random

from frame import animate, ball, box, camera, glow, lamp, material, put, sky, start

LIGHTS = ((1, 0.55, 0.2), (1, 0.25, 0.12), (0.3, 0.65, 1), (1, 0.85, 0.6), (0.4, 1, 0.6), (1, 0.35, 0.7))


def build():
    start(bounces=3)
    sky((0.05, 0.03, 0.06), (0.008, 0.01, 0.025))
    wet = material("Wet ground", (0.02, 0.02, 0.025), Roughness=0.22)
    put("Ground", box("Ground", (30, 40, 0.1)), wet, (0, 12, -0.05))
    draw = random.Random(5)
    small = ball("Lamp", 0.07, 1)
    shades = [glow(f"Lamp {n}", colour, 26) for n, colour in enumerate(LIGHTS)]
    for number in range(70):
        place = (draw.uniform(-7, 7), draw.uniform(5, 17), draw.uniform(0.1, 4.2))
        put(f"Lamp {number}", small, draw.choice(shades), place)
    pearls()
    lamp("AREA", "Key", (-2.6, -2.4, 3), (0, 0.6, 0.3), 90, (1, 0.88, 0.75), size=1.4)
    eye = lambda at: (-0.45 + 0.7 * at, -3.4, 0.75)  # noqa: E731
    focus = lambda at: (-0.5 + 1.0 * at, 0.1 + 0.9 * at, 0.4)  # noqa: E731
    camera(eye, focus, lens=60, aperture=0.35)


def pearls():
    makes = [
        material("Pearl", (0.9, 0.86, 0.8), Roughness=0.15, Coat_Weight=1.0),
        material("Copper", (0.9, 0.45, 0.28), Metallic=1.0, Roughness=0.15),
        material("Jade", (0.1, 0.45, 0.3), Roughness=0.1),
    ]
    round_one = ball("Pearl", 0.3)
    for number in range(9):
        thing = put(f"Pearl {number}", round_one, makes[number % 3])
        x, y = -1.6 + number * 0.42, -0.9 + number * 0.62
        animate(thing, "location", swaying(x, y, number))


def swaying(x, y, number):
    return lambda at: (x, y, 0.34 + 0.1 * math.sin(3 * at + number))
