"""Motion blur: a windmill turns, balls leap and the camera drives past."""

import math

from frame import animate, ball, box, camera, lamp, lathe, material, plane, put, sky, start

COLOURS = ((0.85, 0.16, 0.1), (0.95, 0.6, 0.1), (0.1, 0.45, 0.6), (0.9, 0.85, 0.75))


def build():
    scene = start(bounces=3)
    scene.render.use_motion_blur, scene.render.motion_blur_shutter = True, 0.6
    sky((0.75, 0.8, 0.85), (0.15, 0.34, 0.75), 0.45)
    put("Ground", plane("Ground", 60), material("Ground", (0.42, 0.5, 0.24), Roughness=0.95))
    paint = [material(f"Paint {n}", colour, Roughness=0.4) for n, colour in enumerate(COLOURS)]
    stripes(paint[3])
    tower = [(0.6, 0), (0.34, 2.2), (0.42, 2.25), (0.05, 2.75)]
    put(
        "Tower",
        lathe("Tower", tower, 24),
        material("Plaster", (0.8, 0.76, 0.7), Roughness=0.8),
        (-1.2, 1.0, 0),
    )
    mill((-1.2, 0.45, 2.1), paint)
    for number in range(3):
        leaping(number, paint[number])
    wagon(paint)
    lamp("SUN", "Sun", (4, -5, 6), (0, 0, 0), 2.6, (1, 0.93, 0.82), angle=0.03)
    drive = lambda at: (-0.5 + 1.1 * at, -6.2, 1.5)  # noqa: E731
    camera(drive, lambda at: (0.1 + 0.5 * at, 0, 1.05), lens=36)


def mill(place, paint):
    hub = put("Hub", ball("Hub", 0.16), paint[0], place)
    blade = box("Blade", (0.3, 0.04, 1.35))
    for number in range(4):
        turn = number * math.pi / 2
        where = (0.78 * math.sin(turn), -0.05, 0.78 * math.cos(turn))
        put(f"Blade {number}", blade, paint[number], where, (0, turn, 0)).parent = hub
    animate(hub, "rotation_euler", lambda at: (0, 2.9 * at, 0))


def leaping(number, what):
    thing = put(f"Leaper {number}", ball("Leaper", 0.2), what)

    def place(at):
        swing = abs(math.sin(2.4 * at + number * 0.9))
        return (0.3 + number * 0.75 + 0.5 * at, -1.2 + 0.3 * number, 0.2 + 1.1 * swing)

    animate(thing, "location", place)


def wagon(paint):
    body = put("Wagon", box("Wagon", (1.3, 0.6, 0.5), 0.05), paint[2])
    animate(body, "location", lambda at: (2.9 - 2.2 * at, 0.5, 0.55))
    wheel = lathe("Wheel", [(0.0, -0.06), (0.28, -0.06), (0.28, 0.06), (0.0, 0.06)], 24)
    spoke = box("Spoke", (0.5, 0.08, 0.15))
    for number, x in enumerate((-0.42, 0.42)):
        rim = put(f"Wheel {number}", wheel, paint[0])
        rim.parent, rim.location = body, (x, -0.36, -0.27)
        animate(rim, "rotation_euler", lambda at: (math.pi / 2, -7.8 * at, 0))
        put(f"Spoke {number}", spoke, paint[3]).parent = rim


def stripes(what):
    bar = box("Bar", (0.5, 3.0, 0.02))
    for number in range(-7, 8):
        put(f"Bar {number}", bar, what, (number * 1.2, -2.2, 0.0), (0, 0, 0.25))
