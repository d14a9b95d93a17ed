"""Prints what Blender makes of files: PYTHON blender_reads.py FILE..., by a Python that has `bpy` (pip install bpy)."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import bpy


def read(file: Path) -> dict[str, Any]:
    """Box of the avatar at rest, triangles, bones, and pictures; Z up, as Blender has it, the person facing -Y."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    reader = bpy.ops.wm.usd_import if file.suffix == ".usdz" else bpy.ops.import_scene.gltf
    reader(filepath=str(file))
    skeletons = [thing for thing in bpy.data.objects if thing.type == "ARMATURE"]
    for skeleton in skeletons:
        skeleton.data.pose_position = "REST"
    bpy.context.view_layer.update()
    meshes = [thing for thing in bpy.data.objects if thing.type == "MESH" and thing.vertex_groups]
    graph = bpy.context.evaluated_depsgraph_get()
    points = [tuple(one.matrix_world @ v.co) for one in meshes for v in one.evaluated_get(graph).data.vertices]
    bones = {bone.name: tuple(one.matrix_world @ bone.head_local) for one in skeletons for bone in one.data.bones}
    return {
        "low": [min(axis) for axis in zip(*points, strict=True)],
        "high": [max(axis) for axis in zip(*points, strict=True)],
        "triangles": sum(len(one.data.polygons) for one in meshes),
        "bones": bones,
        "pictures": [tuple(picture.size) for picture in bpy.data.images if picture.size[0]],
        "clips": sorted(action.name for action in bpy.data.actions),
    }


if __name__ == "__main__":
    print("READ " + json.dumps({name: read(Path(name)) for name in sys.argv[1:]}))  # noqa: T201
