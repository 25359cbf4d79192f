"""Volume: shafts of light through the mist between columns, with a drifting bank of cloud."""

import math

import bpy
from frame import (
    animate,
    ball,
    box,
    camera,
    lamp,
    lathe,
    material,
    orbit,
    plane,
    put,
    shader_tree,
    sky,
    start,
    still,
)


def build():
    scene = start(bounces=2)
    scene.cycles.volume_bounces, scene.cycles.volume_step_rate = 0, 8.0
    scene.cycles.volume_max_steps = 16
    sky((0.02, 0.03, 0.06), (0.01, 0.015, 0.03))
    stone = material("Stone", (0.34, 0.3, 0.28), Roughness=0.85)
    put("Floor", plane("Floor", 30), material("Floor", (0.16, 0.14, 0.14), Roughness=0.35))
    shaft = [(0.42, 0.0), (0.42, 0.16), (0.3, 0.24), (0.27, 2.6), (0.36, 2.72), (0.42, 2.9), (0.42, 3.1)]
    column = lathe("Column", shaft, 40)
    for row in range(4):
        for side in (-1, 1):
            put(f"Column {row} {side}", column, stone, (side * 1.45, row * 1.9 - 1.4, 0))
    put("Beam", box("Beam", (8, 9, 0.3), 0.02), stone, (0, 1.6, 3.25))
    put(
        "Orb",
        ball("Orb", 0.42),
        material("Gold", (0.9, 0.6, 0.2), Metallic=1.0, Roughness=0.18),
        (0.1, 0.3, 0.42),
    )
    haze, _ = shader_tree("Haze", "VolumePrincipled", socket="Volume", Density=0.11, Anisotropy=0.45)
    put("Air", box("Air", (9, 10, 3.1)), haze, (0, 1.5, 1.56))
    cloud()
    shaft_of = {"spot_size": 0.75, "spot_blend": 0.2}
    light = lamp("SPOT", "Shaft", (3.9, 1.6, 2.9), (-0.6, 0.2, 0.3), 6500, (1, 0.82, 0.6), **shaft_of)
    light.data.shadow_soft_size = 0.1
    lamp(
        "SPOT", "Far", (-3.6, 6.2, 2.6), (0.2, 0.5, 0.6), 4200, (0.45, 0.65, 1), spot_size=0.6, spot_blend=0.3
    )
    lamp("AREA", "Fill", (0, -5, 3.5), (0, 0, 1), 220, (0.7, 0.8, 1), size=3)
    camera(orbit(6.0, 1.25, -7, 7, (0, 0.6)), still(0, 0.6, 1.2), lens=34)


def cloud():
    """Denser by a noise that drifts along the floor."""
    made, scatter = shader_tree("Cloud", "VolumePrincipled", socket="Volume", Anisotropy=0.2)
    tree = made.node_tree
    place, shift, noise, ramp = (
        tree.nodes.new("ShaderNode" + kind) for kind in ("TexCoord", "Mapping", "TexNoise", "MapRange")
    )
    noise.inputs["Scale"].default_value, noise.inputs["Detail"].default_value = 1.1, 2.0
    ramp.inputs["From Min"].default_value, ramp.inputs["From Max"].default_value = 0.5, 0.75
    ramp.inputs["To Max"].default_value = 1.3
    tree.links.new(place.outputs["Object"], shift.inputs["Vector"])
    tree.links.new(shift.outputs["Vector"], noise.inputs["Vector"])
    tree.links.new(noise.outputs[0], ramp.inputs["Value"])
    tree.links.new(ramp.outputs["Result"], scatter.inputs["Density"])
    animate(shift.inputs["Location"], "default_value", lambda at: (0.9 * at, 0.3 * math.sin(at), 0.2 * at))
    put("Cloud", box("Cloud bank", (5.2, 5, 0.9)), made, (0, 1.6, 0.47))
    bpy.context.view_layer.update()
