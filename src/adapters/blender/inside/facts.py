"""Runs inside Blender: says what a .blend holds, for ``SceneFacts``.

Usage: facts.py BLEND READ_FD WRITE_FD
"""

import json
import os
import sys

import bpy

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import finishing
import opening
import simulation

EEVEE = "BLENDER_EEVEE_NEXT"


def unauditable(scene):
    """Features that the exact lane cannot judge yet, by name."""
    render = scene.render
    found = engine_trouble(scene)
    if finishing.composites(scene) and (render.engine == EEVEE or finishing.trouble(scene, denoises(scene))):
        found.append("compositing")
    if render.use_sequencer and scene.sequence_editor and len(scene.sequence_editor.strips_all):
        found.append("sequencer")
    if render.use_freestyle:
        found.append("freestyle")
    if render.use_multiview:
        found.append("stereo")
    if any(marker.camera is not None for marker in scene.timeline_markers):
        found.append("camera_markers")
    if simulation.unbaked(scene):
        found.append("unbaked_simulation")
    if bpy.app.autoexec_fail:
        found.append("scripts")
    return found


def engine_trouble(scene):
    engine, cycles = scene.render.engine, scene.cycles
    if engine == EEVEE:
        return ["eevee"]
    if engine != "CYCLES":
        return ["engine"]
    trouble = {
        "path_guiding": cycles.use_guiding,
        "time_limit": cycles.time_limit > 0,
        "scrambling_distance": cycles.auto_scrambling_distance or cycles.scrambling_distance != 1.0,
        "sample_subset": cycles.use_sample_subset,
        "open_shading_language": cycles.shading_system,
        "adaptive_subdivision": cycles.feature_set == "EXPERIMENTAL"
        and any(
            getattr(thing.cycles, "use_adaptive_subdivision", False) for thing in simulation.objects_of(scene)
        ),
    }
    return [name for name, found in trouble.items() if found]


def denoises(scene):
    return (
        scene.render.engine == "CYCLES"
        and scene.cycles.use_denoising
        and any(layer.cycles.use_denoising for layer in scene.view_layers if layer.use)
    )


def has_volumes(scene):
    if any(thing.type == "VOLUME" for thing in simulation.objects_of(scene)):
        return True
    trees = [(made.node_tree, "OUTPUT_MATERIAL") for made in bpy.data.materials]
    trees += [(world.node_tree, "OUTPUT_WORLD") for world in bpy.data.worlds]
    for tree, kind in trees:
        for node in tree.nodes if tree is not None else ():
            if node.type == kind and node.inputs["Volume"].is_linked:
                return True
    return False


def facts():
    scene = bpy.context.scene
    render, cycles = scene.render, scene.cycles
    samples = scene.eevee.taa_render_samples if render.engine == EEVEE else cycles.samples
    bpy.context.view_layer.update()  # runs the drivers, whose scripts are refused and counted
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
        "samples_per_pixel": samples,
        "noise_seed": cycles.seed,
        "animated_seed": cycles.use_animated_seed,
        "adaptive_sampling": cycles.use_adaptive_sampling,
        "adaptive_threshold": cycles.adaptive_threshold,
        "sampling_pattern": cycles.sampling_pattern,
        "view_transform": scene.view_settings.view_transform,
        "transparent": render.film_transparent,
        "denoise": denoises(scene),
        "composite": finishing.composites(scene),
        "unauditable": unauditable(scene),
        "external_files": opening.external_files(),
        "has_volumes": has_volumes(scene),
    }


def main():
    blend, write_fd = sys.argv[-3], int(sys.argv[-1])
    try:
        opening.open_blend(blend)
        answer = {"ok": facts()}
    except opening.Refused as error:
        answer = {"error": {"code": error.code, "message": str(error)}}
    with open(write_fd, "w", encoding="utf-8") as answers:
        answers.write(json.dumps(answer) + "\n")
    os._exit(0)


main()
