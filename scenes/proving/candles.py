"""Light under the skin, on nothing: wax, jade and velvet before a transparent background."""

import math

from frame import animate, ball, box, camera, glow, lamp, lathe, material, orbit, put, sky, start, still


def build():
    scene = start(bounces=3)
    scene.render.film_transparent = True
    sky((0.2, 0.16, 0.15), (0.08, 0.1, 0.16), 0.6)
    wax = material("Wax", (0.85, 0.72, 0.5), Roughness=0.45, Subsurface_Weight=1.0, Subsurface_Scale=0.25)
    jade = material("Jade", (0.12, 0.5, 0.28), Roughness=0.2, Subsurface_Weight=1.0, Subsurface_Scale=0.2)
    for skin in (wax, jade):  # the cheaper way: a diffusion profile, no walk inside
        skin.node_tree.nodes["Principled BSDF"].subsurface_method = "BURLEY"
    velvet = material("Velvet", (0.25, 0.02, 0.06), Roughness=0.9, Sheen_Weight=1.0)
    put(
        "Tray",
        lathe("Tray", [(0, 0), (1.9, 0), (2.0, 0.12), (1.9, 0.1), (0, 0.04)], 96),
        velvet,
        (0, 0, -0.1),
    )
    candle = [(0.0, 0.0), (0.34, 0.0), (0.33, 0.9), (0.28, 0.97), (0.1, 0.9), (0.0, 0.88)]
    flame = lathe("Flame", [(0.0, 0.0), (0.06, 0.08), (0.05, 0.16), (0.0, 0.32)], 24)
    for number, (x, y, tall) in enumerate(((-0.85, 0.35, 1.35), (0.15, 0.6, 1.0), (0.95, 0.2, 0.7))):
        put(f"Candle {number}", lathe(f"Candle {number}", [(r, z * tall) for r, z in candle]), wax, (x, y, 0))
        fire = put(f"Flame {number}", flame, glow("Flame", (1, 0.5, 0.14), 40), (x, y, 0.93 * tall))
        animate(fire, "rotation_euler", flicker(number))
        light = lamp("POINT", f"Light {number}", (x, y, 0.2 + tall), (x, y, 0), 9, (1, 0.55, 0.2))
        light.data.shadow_soft_size = 0.05
        animate(light.data, "energy", lambda at, n=number: 9 + 2 * math.sin(9 * at + 2 * n))
    bust = put(
        "Drop",
        lathe("Drop", [(0, 0), (0.3, 0.05), (0.38, 0.3), (0.25, 0.62), (0, 1.0)], 64),
        jade,
        (-0.15, -0.6, 0),
    )
    animate(bust, "rotation_euler", lambda at: (0.12 * math.sin(3 * at), 0, at))
    put("Bead", ball("Bead", 0.22), jade, (0.75, -0.7, 0.22))
    put("Block", box("Block", (0.34, 0.34, 0.34), 0.05), wax, (-1.0, -0.6, 0.17), (0, 0, 0.5))
    lamp("AREA", "Back", (1.5, 3.2, 2.5), (0, 0, 0.5), 160, (0.7, 0.8, 1), size=1.5)
    camera(orbit(5.0, 1.9, -12, 12), still(0, 0, 0.5), lens=50)


def flicker(number):
    return lambda at: (0.15 * math.sin(8 * at + number), 0.12 * math.cos(7 * at + number), 0)
