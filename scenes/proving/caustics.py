"""Glass and caustics: a carafe, a goblet and coloured marbles throw light on a table."""

import math

from frame import animate, ball, box, camera, lamp, lathe, material, orbit, put, shader, sky, start, still

CARAFE = [
    (0.0, 0.02),
    (0.62, 0.0),
    (0.72, 0.12),
    (0.7, 0.5),
    (0.42, 0.95),
    (0.2, 1.25),
    (0.2, 1.6),
    (0.32, 1.78),
]
GOBLET = [
    (0.0, 0.02),
    (0.42, 0.0),
    (0.4, 0.05),
    (0.07, 0.12),
    (0.06, 0.55),
    (0.3, 0.72),
    (0.46, 1.0),
    (0.42, 1.35),
]


def hollow(outline, wall=0.05):
    """The outline up the outside and down the inside."""
    inner = [(max(0.0, radius - wall), height + wall * 0.6) for radius, height in reversed(outline)]
    return outline + inner


def build():
    scene = start(bounces=7)
    scene.cycles.caustics_reflective = scene.cycles.caustics_refractive = True
    scene.cycles.blur_glossy = 0.3
    sky((0.08, 0.05, 0.05), (0.02, 0.03, 0.06))
    put(
        "Table",
        box("Table", (9, 7, 0.2), 0.03),
        material("Oak", (0.32, 0.2, 0.12), Roughness=0.45),
        (0, 0, -0.1),
    )
    clear = shader("Clear", "BsdfGlass", Color=(0.98, 1, 0.99, 1), IOR=1.5)
    put("Carafe", lathe("Carafe", hollow(CARAFE)), clear, (-0.75, 0.35, 0.0))
    put("Goblet", lathe("Goblet", hollow(GOBLET)), clear, (0.75, 0.15, 0.0))
    colours = ((1.0, 0.35, 0.12), (0.12, 0.65, 0.75), (0.95, 0.75, 0.2), (0.5, 0.2, 0.75), (0.3, 0.8, 0.3))
    for number, colour in enumerate(colours):
        made = shader(f"Glass {number}", "BsdfGlass", Color=(*colour, 1), IOR=1.48)
        size = 0.15 + 0.03 * (number % 3)
        marble = put(f"Marble {number}", ball(f"Marble {number}", size), made)
        animate(marble, "location", rolling(number, size))
    put(
        "Ring",
        ring(),
        material("Brass", (0.9, 0.62, 0.25), Metallic=1.0, Roughness=0.12),
        (1.75, -0.35, 0.16),
    )
    lamp("AREA", "Sun", (3.2, 2.6, 3.6), (0, 0, 0.4), 420, (1, 0.9, 0.75), size=0.5)
    lamp("AREA", "Window", (-4, -1.5, 3), (0, 0, 0.5), 60, (0.6, 0.75, 1), size=3)
    camera(orbit(6.2, 2.7, -14, 10), still(0.1, 0, 0.66), lens=48)


def rolling(number, size):
    angle = number * 1.1

    def place(at):
        turn = angle + 0.5 * at
        return (0.15 + (1.0 + 0.3 * (number % 2)) * math.cos(turn), -0.75 + 0.45 * math.sin(turn * 1.7), size)

    return place


def ring():
    circle = [2 * math.pi * step / 24 for step in range(25)]
    return lathe("Ring", [(0.36 + 0.1 * math.cos(a), 0.16 * math.sin(a)) for a in circle], 72)
