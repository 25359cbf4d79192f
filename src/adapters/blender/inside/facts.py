"""Runs inside Blender: says what a .blend holds, for ``SceneFacts``. Usage: facts.py BLEND READ_FD WRITE_FD"""

import json
import os
import sys

import bpy

SIMULATIONS = {"CLOTH", "SOFT_BODY", "FLUID", "DYNAMIC_PAINT", "PARTICLE_SYSTEM"}


def external_files():
    """Files outside the .blend that it uses: as written, and as an absolute path."""
    used = set()
    groups = (bpy.data.images, bpy.data.libraries, bpy.data.fonts, bpy.data.sounds)
    groups += (bpy.data.movieclips, bpy.data.cache_files, bpy.data.volumes)
    for group in groups:
        for block in group:
            path = getattr(block, "filepath", "")
            if not path or path == "<builtin>" or getattr(block, "packed_file", None):
                continue
            if getattr(block, "source", "") in {"GENERATED", "VIEWER", "SEQUENCE", "TILED"}:
                continue  # none, or many files behind one pattern: the packer names what it cannot find
            library = getattr(block, "library", None)
            used.add((path, os.path.normpath(bpy.path.abspath(path, library=library))))
    return sorted(used)


def unbaked(scene):
    """Whether anything in the scene is simulated frame by frame without a baked cache."""
    world = scene.rigidbody_world
    if world is not None and world.enabled and not world.point_cache.is_baked:
        return True
    for thing in scene.objects:
        for modifier in thing.modifiers:
            if not modifier.show_render:
                continue
            if modifier.type in SIMULATIONS and not baked(modifier):
                return True
            if modifier.type == "NODES" and modifier.node_group and has_simulation(modifier.node_group):
                return True
    return False


def baked(modifier):
    if modifier.type == "PARTICLE_SYSTEM":
        system = modifier.particle_system
        if system.settings.type == "HAIR" and not system.use_hair_dynamics:
            return True
        return system.point_cache.is_baked
    if modifier.type == "FLUID":
        domain = modifier.domain_settings if modifier.fluid_type == "DOMAIN" else None
        return domain is None or domain.has_cache_baked_any
    if modifier.type == "DYNAMIC_PAINT":
        return modifier.canvas_settings is None
    return modifier.point_cache.is_baked


def has_simulation(tree, seen=None):
    seen = seen if seen is not None else set()
    if tree.name in seen:
        return False
    seen.add(tree.name)
    for node in tree.nodes:
        if node.bl_idname == "GeometryNodeSimulationOutput":
            return True
        group = getattr(node, "node_tree", None)
        if group is not None and has_simulation(group, seen):
            return True
    return False


def unauditable(scene):
    """Features that the exact lane cannot judge yet, by name."""
    render, found = scene.render, []
    if render.engine == "BLENDER_EEVEE_NEXT" or render.engine.startswith("BLENDER_EEVEE"):
        found.append("eevee")
    elif render.engine != "CYCLES":
        found.append("engine")
    else:
        cycles = scene.cycles
        if cycles.use_denoising:
            found.append("denoising")
        if cycles.use_guiding:
            found.append("path_guiding")
        if cycles.time_limit > 0:
            found.append("time_limit")
        if cycles.auto_scrambling_distance or cycles.scrambling_distance != 1.0:
            found.append("scrambling_distance")
        if getattr(cycles, "shading_system", False):
            found.append("open_shading_language")
    if scene.use_nodes and render.use_compositing:
        found.append("compositing")
    if render.use_sequencer and scene.sequence_editor and len(scene.sequence_editor.strips_all):
        found.append("sequencer")
    if render.use_freestyle:
        found.append("freestyle")
    if render.use_multiview:
        found.append("stereo")
    if any(marker.camera is not None for marker in scene.timeline_markers):
        found.append("camera_markers")
    if unbaked(scene):
        found.append("unbaked_simulation")
    return found


def has_volumes(scene):
    if any(thing.type == "VOLUME" for thing in scene.objects):
        return True
    for material in bpy.data.materials:
        tree = material.node_tree
        if tree is not None:
            for node in tree.nodes:
                socket = node.inputs.get("Volume") if node.type == "OUTPUT_MATERIAL" else None
                if socket is not None and socket.is_linked:
                    return True
    return False


def facts():
    scene = bpy.context.scene
    render, cycles = scene.render, scene.cycles
    return {
        "blender_file_version": ".".join(str(part) for part in bpy.data.version),
        "engine": render.engine,
        "cameras": sorted(thing.name for thing in scene.objects if thing.type == "CAMERA"),
        "active_camera": scene.camera.name if scene.camera else None,
        "view_layers": [layer.name for layer in scene.view_layers if layer.use],
        "frame_start": scene.frame_start,
        "frame_end": scene.frame_end,
        "frame_step": scene.frame_step,
        "width_px": render.resolution_x,
        "height_px": render.resolution_y,
        "resolution_percentage": render.resolution_percentage,
        "samples_per_pixel": cycles.samples,
        "noise_seed": cycles.seed,
        "animated_seed": cycles.use_animated_seed,
        "adaptive_sampling": cycles.use_adaptive_sampling,
        "adaptive_threshold": cycles.adaptive_threshold,
        "sampling_pattern": cycles.sampling_pattern,
        "view_transform": scene.view_settings.view_transform,
        "transparent": render.film_transparent,
        "unauditable": unauditable(scene),
        "external_files": external_files(),
        "has_volumes": has_volumes(scene),
    }


def main():
    blend, write_fd = sys.argv[-3], int(sys.argv[-1])
    bpy.context.preferences.filepaths.use_scripts_auto_execute = False
    try:
        bpy.ops.wm.open_mainfile(filepath=blend, load_ui=False, use_scripts=False)
        answer = {"ok": facts()}
    except RuntimeError as error:
        answer = {"error": {"code": "scene.unreadable", "message": str(error).strip()}}
    with open(write_fd, "w", encoding="utf-8") as answers:
        answers.write(json.dumps(answer) + "\n")
    os._exit(0)


main()
