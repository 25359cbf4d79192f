"""Runs inside Blender: from one frame's stored passes to its picture.

Blender's own compositor does it, so that a picture is finished as Blender would: a Denoise node
with Cycles' own defaults, then the scene's own nodes, then the view transform. What the scene's
nodes would take from a render they take from the stored passes, to the last bit the same on
every machine of a device class.
"""

import os

import bpy
import exr

PASSES = {
    "Image": ("R", "G", "B", "A"),
    "Albedo": ("Albedo.R", "Albedo.G", "Albedo.B"),
    "Normal": ("Normal.X", "Normal.Y", "Normal.Z"),
}
"""The stored channels of each picture that a compositor is given."""

SOCKETS = {"Image", "Alpha", "Noisy Image", "Denoising Albedo", "Denoising Normal"}
"""What a node tree may take from a render: only that is stored."""

LEFT_OUT = ("OUTPUT_FILE", "VIEWER", "SPLITVIEWER")
"""Nodes that decide nothing of the picture, and may write files."""

FOREIGN = {
    "MOVIECLIP": "a movie clip",
    "MOVIEDISTORTION": "a movie clip",
    "STABILIZE2D": "a movie clip",
    "TRACKPOS": "a movie clip",
    "PLANETRACKDEFORM": "a movie clip",
    "KEYINGSCREEN": "a movie clip",
    "MASK": "a mask",
    "CRYPTOMATTE": "Cryptomatte",
    "CRYPTOMATTE_V2": "Cryptomatte",
}
"""Nodes that need what is neither in the passes nor in the scene's own files."""


def composites(scene):
    """Whether the scene's nodes make another picture than the render."""
    if not (scene.use_nodes and scene.node_tree and scene.render.use_compositing):
        return False
    end = output(scene.node_tree)
    if end is None or not end.inputs["Image"].is_linked:
        return False
    start = end.inputs["Image"].links[0]
    return not (start.from_node.type == "R_LAYERS" and start.from_socket.name == "Image")


def output(tree):
    ends = [node for node in tree.nodes if node.type == "COMPOSITE" and not node.mute]
    active = [node for node in ends if node == tree.nodes.active]
    return (active or ends or [None])[0]


def trouble(scene, denoises):
    """Why the scene's nodes cannot be replayed from the passes; None when they can."""
    for node in scene.node_tree.nodes:
        if node.type in FOREIGN:
            return FOREIGN[node.type]
        if node.type == "GROUP" and node.node_tree and foreign_inside(node.node_tree, set()):
            return "a node group with a render or a movie inside"
        if node.type != "R_LAYERS":
            continue
        if node.scene not in (None, scene):
            return "another scene's render"
        known = SOCKETS if denoises else {"Image", "Alpha"}
        taken = sorted(
            socket.name for socket in node.outputs if socket.is_linked and socket.name not in known
        )
        if taken:
            return "the " + taken[0] + " pass"
    return None


def foreign_inside(tree, seen):
    if tree.name_full in seen:
        return False
    seen.add(tree.name_full)
    return any(
        node.type in FOREIGN
        or node.type == "R_LAYERS"
        or (node.type == "GROUP" and node.node_tree and foreign_inside(node.node_tree, seen))
        for node in tree.nodes
    )


class Finisher:
    """The compositor of the open scene, fed from files; made once, used for every frame."""

    def __init__(self, scene, wanted, folder):
        self._scene, self._folder = scene, folder
        self._images = {}
        own = wanted["composite"]
        if not own:
            scene.use_nodes = True
            scene.node_tree.nodes.clear()
            scene.node_tree.nodes.new("CompositorNodeComposite")
        tree = scene.node_tree
        for node in [each for each in tree.nodes if each.type in LEFT_OUT]:
            tree.nodes.remove(node)
        names = ["Image", "Albedo", "Normal"] if wanted["denoise"] else ["Image"]
        given = {name: self._picture(tree, name) for name in names}
        noisy, alpha = given["Image"].outputs["Image"], given["Image"].outputs["Alpha"]
        finished = denoised(tree, given) if wanted["denoise"] else noisy
        if own:
            sources = {"Image": finished, "Alpha": alpha, "Noisy Image": noisy}
            if wanted["denoise"]:
                sources["Denoising Albedo"] = given["Albedo"].outputs["Image"]
                sources["Denoising Normal"] = given["Normal"].outputs["Image"]
            reconnect(tree, sources, wanted["view_layer"])
        else:
            tree.links.new(finished, output(tree).inputs["Image"])

    def finish(self, passes, frame, path):
        """Writes the picture of ``frame`` to ``path``, in the settings' format."""
        scene, render = self._scene, self._scene.render
        channels = exr.read(passes)
        for name, image in self._images.items():
            stored = {
                letter: channels[own]
                for letter, own in zip("RGBA", PASSES[name], strict=False)
                if own in channels
            }
            exr.write(image.filepath_raw, stored)
            image.reload()
        render.use_border = render.use_crop_to_border = False
        render.use_compositing = True
        scene.frame_set(frame, subframe=0.0)
        render.filepath = path
        try:
            bpy.ops.render.render(write_still=True)
        finally:
            render.use_compositing = False
            for image in self._images.values():
                os.unlink(image.filepath_raw)

    def _picture(self, tree, name):
        image = bpy.data.images.new("tileproof " + name, 1, 1, float_buffer=True)
        image.source = "FILE"
        image.filepath_raw = os.path.join(self._folder, "pass-" + name + ".exr")
        image.alpha_mode = "PREMUL"
        # The noisy picture is scene-linear as it is; guides are numbers and no colours.
        image.colorspace_settings.is_data = True
        node = tree.nodes.new("CompositorNodeImage")
        node.image = image
        self._images[name] = image
        return node


def denoised(tree, given):
    """What one Denoise node with Cycles' own defaults makes of the nodes of picture and guides."""
    node = tree.nodes.new("CompositorNodeDenoise")
    node.use_hdr, node.prefilter, node.quality = True, "ACCURATE", "HIGH"
    for name, picture in given.items():
        tree.links.new(picture.outputs["Image"], node.inputs[name])
    return node.outputs["Image"]


def reconnect(tree, sources, view_layer):
    """Whatever came from a render now comes from ``sources``."""
    for node in [each for each in tree.nodes if each.type == "R_LAYERS"]:
        if node.layer != view_layer:
            raise ValueError("the nodes use the view layer " + node.layer + ", the job " + view_layer)
        for socket in node.outputs:
            for link in list(socket.links):
                tree.links.new(sources[socket.name], link.to_socket)
        tree.nodes.remove(node)
