"""Dark with fireflies: tiny bright lamps seen in mirrors and polished metal, caustics on, no clamp."""

import math

from frame import animate, ball, box, camera, glow, lamp, lathe, material, put, start, still


def build():
    scene = start(bounces=3)
    scene.cycles.caustics_reflective = True
    scene.cycles.blur_glossy = 0.0
    scene.cycles.sample_clamp_direct = scene.cycles.sample_clamp_indirect = 0.0
    scene.world.node_tree.nodes["Background"].inputs["Color"].default_value = (0.001, 0.001, 0.002, 1)
    stone = material("Stone", (0.28, 0.24, 0.22), Roughness=0.8)
    put("Floor", box("Floor", (7, 9, 0.2)), material("Slate", (0.1, 0.1, 0.12), Roughness=0.3), (0, 1, -0.1))
    put("Back", box("Back", (7, 0.2, 4)), stone, (0, 3.4, 1.9))
    put("Left", box("Left", (0.2, 9, 4)), stone, (-3, 1, 1.9))
    put("Right", box("Right", (0.2, 9, 4)), stone, (3, 1, 1.9))
    put("Ceiling", box("Ceiling", (7, 9, 0.2)), stone, (0, 1, 3.6))
    steel = material("Steel", (0.8, 0.82, 0.85), Metallic=1.0, Roughness=0.04)
    copper = material("Copper", (0.9, 0.45, 0.25), Metallic=1.0, Roughness=0.1)
    kettle = [(0.0, 0.0), (0.55, 0.02), (0.7, 0.35), (0.55, 0.75), (0.25, 0.95), (0.3, 1.05), (0.0, 1.1)]
    put("Kettle", lathe("Kettle", kettle), copper, (-1.1, 0.9, 0))
    put("Sphere", ball("Sphere", 0.6), steel, (0.55, 1.5, 0.6))
    mirror = put("Mirror", box("Mirror", (1.6, 0.05, 2.2)), steel, (2.0, 2.5, 1.3))
    animate(mirror, "rotation_euler", lambda at: (0, 0, -0.7 + 0.25 * at))
    spark = ball("Spark", 0.025, 1)
    for number in range(5):
        fly = put(f"Spark {number}", spark, glow(f"Spark {number}", (1, 0.62 + 0.05 * number, 0.25), 900))
        animate(fly, "location", wandering(number))
    lamp("POINT", "Ember", (-2.2, 2.6, 0.4), (0, 0, 0), 6, (1, 0.35, 0.1), shadow_soft_size=0.02)
    camera(lambda at: (-0.5 + 0.6 * at, -3.6, 1.4), still(0.2, 1.4, 0.95), lens=34)


def wandering(number):
    def place(at):
        turn = number * 1.3 + 1.1 * at
        return (1.5 * math.cos(turn), 1.3 + 0.9 * math.sin(1.4 * turn), 1.2 + 0.5 * math.sin(turn * 2))

    return place
