"""Indirect light: a white room that one window lights, by many diffuse bounces."""

from frame import animate, ball, box, camera, lamp, material, put, start, still


def build():
    scene = start(bounces=8)
    scene.cycles.diffuse_bounces = 5
    scene.world.node_tree.nodes["Background"].inputs["Color"].default_value = (0.55, 0.7, 1.0, 1)
    white = material("White", (0.82, 0.8, 0.76), Roughness=0.9)
    red = material("Red", (0.62, 0.07, 0.05), Roughness=0.9)
    walls(white, red)
    wood = material("Wood", (0.35, 0.19, 0.09), Roughness=0.4)
    put("Top", box("Top", (1.8, 1.0, 0.08), 0.02), wood, (0.35, 0.5, 0.8))
    for x in (-0.8, 0.8):
        for y in (-0.4, 0.4):
            put("Leg", box("Leg", (0.08, 0.08, 0.78)), wood, (0.35 + x, 0.5 + y, 0.39))
    globe = put(
        "Globe", ball("Globe", 0.3), material("Blue", (0.06, 0.22, 0.45), Roughness=0.25), (0.1, 0.45, 1.14)
    )
    animate(globe, "location", lambda at: (-0.1 + 0.5 * at, 0.45, 1.14))
    cube = put(
        "Book", box("Book", (0.5, 0.36, 0.12), 0.01), material("Gold", (0.8, 0.5, 0.1)), (0.85, 0.5, 0.9)
    )
    animate(cube, "rotation_euler", lambda at: (0, 0, 0.3 + 0.8 * at))
    put("Stool", box("Stool", (0.5, 0.5, 0.5), 0.05), white, (-1.2, -0.3, 0.25), (0, 0, 0.5))
    sun = lamp("SUN", "Sun", (4, 1.5, 3.2), (0, 0.4, 0.5), 9, (1, 0.88, 0.7), angle=0.02)
    animate(sun, "rotation_euler", lambda at: (0.05, 0.95 + 0.1 * at, 0.2))
    lamp("AREA", "Window", (2.1, 0.4, 1.6), (0, 0.4, 1.2), 45, (0.7, 0.82, 1), size=1.4)
    camera(lambda at: (-0.4 + 0.4 * at, -3.3, 1.45), still(0.1, 0.6, 1.0), lens=26)


def walls(white, red):
    """A box without its front, with a window in the right wall."""
    put(
        "Floor",
        box("Floor", (4.4, 6, 0.1)),
        material("Boards", (0.45, 0.32, 0.2), Roughness=0.5),
        (0, -0.5, -0.05),
    )
    put("Ceiling", box("Ceiling", (4.4, 6, 0.1)), white, (0, -0.5, 2.85))
    put("Back", box("Back", (4.4, 0.1, 3)), white, (0, 2.2, 1.4))
    put("Front", box("Front", (4.4, 0.1, 3)), white, (0, -3.5, 1.4))
    put("Left", box("Left", (0.1, 6, 3)), red, (-2.2, -0.5, 1.4))
    put("Sill", box("Sill", (0.1, 6, 0.9)), white, (2.2, -0.5, 0.45))
    put("Lintel", box("Lintel", (0.1, 6, 0.7)), white, (2.2, -0.5, 2.5))
    put("Near", box("Near", (0.1, 3.0, 1.3)), white, (2.2, -2.0, 1.52))
    put("Far", box("Far", (0.1, 0.9, 1.3)), white, (2.2, 1.75, 1.52))
    for number in range(3):
        put("Bar", box("Bar", (0.06, 0.05, 1.3)), white, (2.2, -0.2 + 0.65 * number, 1.52))
