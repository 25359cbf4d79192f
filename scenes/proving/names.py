"""The proving scenes by name. Needs no Blender, so that the benchmarks know them too."""

SCENES = (
    "caustics",
    "hair",
    "mist",
    "wheels",
    "bokeh",
    "bricks",
    "poster",
    "cellar",
    "meadow",
    "room",
    "candles",
)
"""By nature: glass and caustics, hair, volume, motion blur, depth of field, texture, flat graphic, dark with
fireflies, instanced foliage, soft interior, points of light."""
