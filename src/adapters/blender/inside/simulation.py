"""Runs inside Blender: whether a scene holds simulations that no cache has fixed.

Such a scene's picture depends on which frames were visited before, so no two machines need
agree on it.
"""

WATCHED = {"CLOTH", "SOFT_BODY", "FLUID", "DYNAMIC_PAINT", "PARTICLE_SYSTEM"}


def unbaked(scene):
    """Names of what is simulated frame by frame without a baked cache."""
    found = []
    world = scene.rigidbody_world
    has_bodies = world is not None and world.enabled and world.collection and world.collection.all_objects
    if has_bodies and not world.point_cache.is_baked:
        found.append("rigid bodies")
    for thing in objects_of(scene):
        for modifier in thing.modifiers:
            if not modifier.show_render:
                continue
            if modifier.type in WATCHED and not baked(modifier):
                found.append(thing.name + ": " + modifier.name)
            if modifier.type == "NODES" and modifier.node_group and has_simulation_zone(modifier.node_group):
                found.append(thing.name + ": " + modifier.name)
    return found


def objects_of(scene):
    """The scene's objects, those of collections it instances, and those of its background set."""
    found, todo = {}, list(scene.objects)
    if scene.background_set is not None:
        todo += list(scene.background_set.objects)
    while todo:
        thing = todo.pop()
        if thing.name_full in found:
            continue
        found[thing.name_full] = thing
        if thing.instance_type == "COLLECTION" and thing.instance_collection is not None:
            todo += list(thing.instance_collection.all_objects)
    return list(found.values())


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
        canvas = modifier.canvas_settings
        return canvas is None or all(surface.point_cache.is_baked for surface in canvas.canvas_surfaces)
    return modifier.point_cache.is_baked


def has_simulation_zone(tree, seen=None):
    """Baked or not: Blender does not say whether a zone's bake covers the frames."""
    seen = seen if seen is not None else set()
    if tree.name_full in seen:
        return False
    seen.add(tree.name_full)
    for node in tree.nodes:
        if node.bl_idname == "GeometryNodeSimulationOutput":
            return True
        group = getattr(node, "node_tree", None)
        if group is not None and has_simulation_zone(group, seen):
            return True
    return False
