"""Runs inside Blender: the canonical settings, applied to the scene that is open.

Set is everything that decides a pixel and may differ between machines or between a tile and
its frame, and everything that would write outside the job's folder.
"""

from opening import Refused


def apply(scene, wanted, threads):
    """``wanted`` holds the fields of RenderSettings.

    Raises Refused ``scene.no_camera``, ``scene.unreadable`` (no such view layer, or a value that
    this Blender does not know).
    """
    choose_view(scene, wanted)
    try:
        set_render(scene, wanted, threads)
        set_sampling(scene, wanted)
        set_passes(scene.view_layers[wanted["view_layer"]], wanted)
        scene.view_settings.view_transform = wanted["view_transform"]
    except TypeError as error:  # what Blender raises for an unknown choice
        raise Refused("scene.unreadable", "the settings do not fit this Blender: " + str(error)) from error


def choose_view(scene, wanted):
    camera = scene.objects.get(wanted["camera"])
    if camera is None or camera.type != "CAMERA":
        raise Refused("scene.no_camera", "the scene has no camera named " + wanted["camera"])
    if wanted["view_layer"] not in scene.view_layers:
        raise Refused("scene.unreadable", "the scene has no view layer named " + wanted["view_layer"])
    for marker in scene.timeline_markers:
        marker.camera = None
    scene.camera = camera
    for layer in scene.view_layers:
        layer.use = layer.name == wanted["view_layer"]


def set_render(scene, wanted, threads):
    render = scene.render
    render.engine = wanted["engine"]
    render.resolution_x, render.resolution_y = wanted["width_px"], wanted["height_px"]
    render.resolution_percentage = 100
    render.threads_mode, render.threads = "FIXED", threads
    render.use_persistent_data = True
    render.use_single_layer = False
    render.use_compositing = render.use_sequencer = False
    render.use_multiview = render.use_freestyle = False
    render.use_render_cache = False
    render.use_overwrite, render.use_placeholder = True, False
    render.use_file_extension = False
    render.dither_intensity = 0.0
    render.film_transparent = wanted["transparent"]
    render.compositor_device, render.compositor_precision = "CPU", "FULL"
    for name in dir(render):
        if name.startswith("use_stamp"):
            setattr(render, name, False)


def set_sampling(scene, wanted):
    if wanted["engine"] == "CYCLES":
        set_cycles(scene.cycles, wanted)
    else:
        scene.eevee.taa_render_samples = wanted["samples_per_pixel"]


def set_cycles(cycles, wanted):
    cycles.device = "CPU"
    cycles.shading_system = False
    cycles.samples = wanted["samples_per_pixel"]
    cycles.use_layer_samples = "IGNORE"
    cycles.use_sample_subset, cycles.sample_offset = False, 0
    cycles.time_limit = 0.0
    cycles.seed = wanted["noise_seed"]
    cycles.use_animated_seed = wanted["animated_seed"]
    cycles.sampling_pattern = wanted["sampling_pattern"]
    cycles.scrambling_distance, cycles.auto_scrambling_distance = 1.0, False
    cycles.use_adaptive_sampling = wanted["adaptive_sampling"]
    cycles.adaptive_threshold = wanted["adaptive_threshold"]
    # Adaptive sampling sees the edges of Cycles' own tiles, which a crop has elsewhere.
    cycles.use_auto_tile = False
    cycles.use_denoising = False
    cycles.use_guiding = False


def set_passes(layer, wanted):
    """Of the passes that a file can hold only those that frames are finished from."""
    for name in dir(layer):
        if name.startswith("use_pass_"):
            setattr(layer, name, name == "use_pass_combined")
    layer.cycles.denoising_store_passes = wanted["denoise"]


def choose_media(image, kind):
    """From Blender 5.0 on, what kinds of files may be chosen depends on it."""
    if hasattr(image, "media_type"):
        image.media_type = kind


def set_passes_file(image):
    """Floats as they are: what of them is kept is decided by our own code, not by a setting."""
    choose_media(image, "MULTI_LAYER_IMAGE")
    image.file_format = "OPEN_EXR_MULTILAYER"
    image.color_depth, image.exr_codec = "32", "NONE"


def set_picture(image, wanted):
    choose_media(image, "IMAGE")
    image.file_format = wanted["container"]
    image.color_mode = "RGBA" if wanted["channels"] == 4 else "RGB"
    image.color_depth = str(wanted["depth"])
    image.compression = 15
    image.color_management = "FOLLOW_SCENE"
