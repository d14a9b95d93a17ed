"""GLB: a mesh, its paint, its skeleton and how that moves, in one file that any viewer opens (glTF 2.0 of the Khronos
Group); as VRM 1.0 of the VRM Consortium with the licence and the names of bones that it asks for.

Metres, Y up, the person faces +Z. The bind pose is the pose the mesh has: the joints stand at their places in it,
none of them turned, so the inverse bind matrices only translate.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pygltflib as gltf
import torch
from torch import Tensor

from model.mesh import draco
from model.mesh.glb_buffer import Buffer, TextureFormat
from model.mesh.skeleton import Clip, Skeleton
from model.mesh.surface import Surface

_ROUGHNESS = 0.9  # cloth and skin under the photos' own light: hardly any shine of the viewer's
_VRM = "VRMC_vrm"


@dataclass(frozen=True)
class GlbForm:
    """How a GLB is written.

    texture: `png`, or `webp` with a JPEG for those that do not read it. draco: triangles are compressed
    (KHR_draco_mesh_compression); vertices then move by less than 0.1 mm. clips: animations of the skeleton.
    vrm: the `meta` of a VRM 1.0, which the file becomes; it needs a skeleton whose aliases have `vrm`.
    """

    texture: TextureFormat = "png"
    draco: bool = False
    clips: tuple[Clip, ...] = ()
    vrm: Mapping[str, object] | None = None


PLAIN = GlbForm()


def write_glb(
    file: Path,
    surface: Surface,
    skeleton: Skeleton | None = None,
    notice: str | None = None,
    parts: Mapping[str, Tensor] | None = None,
    form: GlbForm = PLAIN,
) -> None:
    """Write a surface, with a skeleton if there is one.

    Args:
        file: where to.
        surface: in the pose of the skeleton.
        skeleton: the nodes keep its joints' names and say in `extras` what standards call them.
        notice: of whose model data the file holds, written as its copyright.
        parts: triangles, (F,) bool, that become a mesh and a material of this name; without them all are one.
        form: pictures, compression, clips.
    """
    named = {"avatar": torch.ones(len(surface.faces), dtype=torch.bool)} if parts is None else parts
    document = gltf.GLTF2(
        asset=gltf.Asset(version="2.0", generator="Atelier", copyright=notice),
        scene=0,
        scenes=[gltf.Scene(nodes=list(range(len(named))))],
        nodes=[gltf.Node(name=name, mesh=i) for i, name in enumerate(named)],
        materials=[_material(name, textured=surface.texture is not None, open_=parts is not None) for name in named],
    )
    buffer = Buffer(document)
    if form.draco:
        _add_compressed(document, buffer, surface, skeleton, named)
    else:
        _add_meshes(document, buffer, surface, skeleton, named)
    if surface.texture is not None:
        buffer.add_texture(surface.texture, form.texture)
    if skeleton is not None:
        joints = _add_skeleton(document, buffer, skeleton)
        for clip in form.clips:
            _add_clip(document, buffer, clip, skeleton, joints)
        if form.vrm is not None:
            bones = {bone: {"node": joints[joint]} for joint, bone in skeleton.aliases["vrm"].items()}
            document.extensions[_VRM] = {"specVersion": "1.0", "meta": form.vrm, "humanoid": {"humanBones": bones}}
            document.extensionsUsed.append(_VRM)
    file.write_bytes(buffer.close())


def _material(name: str, *, textured: bool, open_: bool) -> gltf.Material:
    texture = gltf.TextureInfo(index=0) if textured else None
    shading = gltf.PbrMetallicRoughness(metallicFactor=0.0, roughnessFactor=_ROUGHNESS, baseColorTexture=texture)
    return gltf.Material(name=name, pbrMetallicRoughness=shading, alphaCutoff=None, doubleSided=open_ or None)


def _attributes(surface: Surface, skeleton: Skeleton | None) -> dict[str, np.ndarray]:
    """What each vertex has, by glTF's names, in the order in which it is written."""
    found = {"POSITION": _float32(surface.positions), "NORMAL": _float32(surface.normals)}
    if surface.texture is not None and surface.uv is not None:
        found["TEXCOORD_0"] = _float32(surface.uv)
    elif surface.colours is not None:
        found["COLOR_0"] = _linear(_float32(surface.colours))
    if skeleton is not None:
        narrow = np.uint8 if len(skeleton.names) <= 256 else np.uint16
        found["JOINTS_0"] = skeleton.skin.joints.numpy(force=True).astype(narrow)
        found["WEIGHTS_0"] = _float32(skeleton.skin.weights)
    return found


def _add_meshes(
    document: gltf.GLTF2, buffer: Buffer, surface: Surface, skeleton: Skeleton | None, parts: Mapping[str, Tensor]
) -> None:
    """A mesh a part; all have the same vertices."""
    attributes = {
        name: buffer.add(values, gltf.ARRAY_BUFFER, bounds=name == "POSITION", normalised=name == "COLOR_0")
        for name, values in _attributes(surface, skeleton).items()
    }
    for name, which in parts.items():
        faces = surface.faces[which.to(surface.faces.device)].numpy(force=True)
        indices = buffer.add(_indices(faces, len(surface.positions)), gltf.ELEMENT_ARRAY_BUFFER)
        _add_primitive(document, name, attributes, indices)


def _add_compressed(
    document: gltf.GLTF2, buffer: Buffer, surface: Surface, skeleton: Skeleton | None, parts: Mapping[str, Tensor]
) -> None:
    """The same with each part's vertices and triangles in a Draco buffer of their own."""
    for name, which in parts.items():
        part, kept = surface.only(which.to(surface.faces.device))
        skin = None if skeleton is None else skeleton.at(kept.cpu())
        packed = draco.packed(_attributes(part, skin), part.faces.numpy(force=True))
        attributes = {
            attribute: buffer.describe(values, bounds=attribute == "POSITION", normalised=attribute in draco.NORMALISED)
            for attribute, values in packed.attributes.items()
        }
        indices = buffer.describe(_indices(packed.faces, len(packed.attributes["POSITION"])))
        primitive = _add_primitive(document, name, attributes, indices)
        primitive.extensions = {
            draco.EXTENSION: {"bufferView": buffer.add_view(packed.content), "attributes": packed.numbers}
        }
    document.extensionsUsed.append(draco.EXTENSION)
    document.extensionsRequired.append(draco.EXTENSION)


def _add_primitive(document: gltf.GLTF2, name: str, attributes: Mapping[str, int], indices: int) -> gltf.Primitive:
    material = len(document.meshes)
    primitive = gltf.Primitive(attributes=gltf.Attributes(**attributes), indices=indices, material=material)
    document.meshes.append(gltf.Mesh(name=name, primitives=[primitive]))
    return primitive


def _add_skeleton(document: gltf.GLTF2, buffer: Buffer, skeleton: Skeleton) -> dict[str, int]:
    """One node a joint, and which; the skinned mesh stays beside them at the root, where glTF wants it."""
    meshes, first = list(document.nodes), len(document.nodes)
    positions = _float32(skeleton.positions)
    for joint, (name, parent) in enumerate(zip(skeleton.names, skeleton.parents, strict=True)):
        local = positions[joint] - (positions[parent] if parent >= 0 else 0)
        called = {standard: bones[name] for standard, bones in skeleton.aliases.items() if name in bones}
        document.nodes.append(gltf.Node(name=name, translation=local.tolist(), extras=called))
        if parent >= 0:
            document.nodes[first + parent].children.append(first + joint)
        else:
            document.scenes[0].nodes.append(first + joint)
    inverse_bind = np.tile(np.eye(4, dtype=np.float32), (len(positions), 1, 1))
    inverse_bind[:, 3, :3] = -positions  # stored column by column, so this is the last column
    skin = gltf.Skin(
        name="skeleton",
        joints=list(range(first, first + len(positions))),
        skeleton=first + skeleton.parents.index(-1),
        inverseBindMatrices=buffer.add(inverse_bind),
    )
    document.skins = [skin]
    for node in meshes:
        node.skin = 0
    return {name: first + joint for joint, name in enumerate(skeleton.names)}


def _add_clip(document: gltf.GLTF2, buffer: Buffer, clip: Clip, skeleton: Skeleton, nodes: Mapping[str, int]) -> None:
    """An animation whose keys are joined by straight lines."""
    animation = gltf.Animation(name=clip.name)
    times = buffer.add(_float32(clip.times), bounds=True)
    root = skeleton.names[skeleton.parents.index(-1)]
    moved = {(root, "translation"): clip.root, **{(joint, "rotation"): turn for joint, turn in clip.turns.items()}}
    for (joint, path), values in moved.items():
        animation.samplers.append(gltf.AnimationSampler(input=times, output=buffer.add(_float32(values))))
        target = gltf.AnimationChannelTarget(node=nodes[joint], path=path)
        animation.channels.append(gltf.AnimationChannel(sampler=len(animation.samplers) - 1, target=target))
    document.animations.append(animation)


def _float32(tensor: Tensor) -> np.ndarray:
    return np.ascontiguousarray(tensor.numpy(force=True), dtype=np.float32)


def _indices(faces: np.ndarray, vertices: int) -> np.ndarray:
    narrow = np.uint16 if vertices < 2**16 else np.uint32  # the highest index means something else
    return faces.astype(narrow).ravel()


def _linear(colours: np.ndarray) -> np.ndarray:
    """sRGB (V, 3) as the linear light glTF wants of vertices, with an alpha: (V, 4) uint16, which keeps dark tones."""
    light = np.where(colours <= 0.04045, colours / 12.92, ((colours + 0.055) / 1.055) ** 2.4)
    opaque = np.ones((len(light), 1), dtype=light.dtype)
    steps: np.ndarray = np.rint(np.concatenate([light, opaque], axis=1).clip(0, 1) * 65535)
    return steps.astype(np.uint16)
