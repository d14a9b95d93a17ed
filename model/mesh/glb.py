"""GLB: a mesh, its paint and its skeleton in one file that any viewer opens (glTF 2.0 of the Khronos Group).

Metres, Y up, the person faces +Z. The bind pose is the pose the mesh has: the joints stand at their places in it,
none of them turned, so the inverse bind matrices only translate.
"""

from __future__ import annotations

from collections.abc import Mapping
from io import BytesIO
from pathlib import Path

import numpy as np
import pygltflib as gltf
import torch
from PIL import Image
from torch import Tensor

from model.mesh.skeleton import Skeleton
from model.mesh.surface import Surface

_ROUGHNESS = 0.9  # cloth and skin under the photos' own light: hardly any shine of the viewer's
_COMPONENTS = {
    np.dtype(np.uint8): gltf.UNSIGNED_BYTE,
    np.dtype(np.uint16): gltf.UNSIGNED_SHORT,
    np.dtype(np.uint32): gltf.UNSIGNED_INT,
    np.dtype(np.float32): gltf.FLOAT,
}
_SHAPES = {(): gltf.SCALAR, (2,): gltf.VEC2, (3,): gltf.VEC3, (4,): gltf.VEC4, (4, 4): gltf.MAT4}


def write_glb(
    file: Path,
    surface: Surface,
    skeleton: Skeleton | None = None,
    notice: str | None = None,
    parts: Mapping[str, Tensor] | None = None,
) -> None:
    """Write a surface, with a skeleton if there is one.

    Args:
        file: where to.
        surface: in the pose of the skeleton.
        skeleton: the nodes keep its joints' names and say in `extras` what standards call them.
        notice: of whose model data the file holds, written as its copyright.
        parts: triangles, (F,) bool, that become a mesh and a material of this name; without them all are one.
    """
    named = {"avatar": torch.ones(len(surface.faces), dtype=torch.bool)} if parts is None else parts
    document = gltf.GLTF2(
        asset=gltf.Asset(version="2.0", generator="Atelier", copyright=notice),
        scene=0,
        scenes=[gltf.Scene(nodes=list(range(len(named))))],
        nodes=[gltf.Node(name=name, mesh=i) for i, name in enumerate(named)],
        materials=[_material(name, textured=surface.texture is not None, open_=parts is not None) for name in named],
    )
    buffer = _Buffer(document)
    attributes = {
        "POSITION": buffer.add(_float32(surface.positions), gltf.ARRAY_BUFFER, bounds=True),
        "NORMAL": buffer.add(_float32(surface.normals), gltf.ARRAY_BUFFER),
    }
    if surface.texture is not None and surface.uv is not None:
        attributes["TEXCOORD_0"] = buffer.add(_float32(surface.uv), gltf.ARRAY_BUFFER)
        buffer.add_texture(surface.texture)
    elif surface.colours is not None:
        attributes["COLOR_0"] = buffer.add(_linear(_float32(surface.colours)), gltf.ARRAY_BUFFER, normalised=True)
    if skeleton is not None:
        joints = skeleton.skin.joints.numpy(force=True)
        narrow = np.uint8 if len(skeleton.names) <= 256 else np.uint16
        attributes["JOINTS_0"] = buffer.add(joints.astype(narrow), gltf.ARRAY_BUFFER)
        attributes["WEIGHTS_0"] = buffer.add(_float32(skeleton.skin.weights), gltf.ARRAY_BUFFER)
        _add_skeleton(document, buffer, skeleton)
    for i, (name, which) in enumerate(named.items()):
        indices = buffer.add(_indices(surface, which), gltf.ELEMENT_ARRAY_BUFFER)
        primitive = gltf.Primitive(attributes=gltf.Attributes(**attributes), indices=indices, material=i)
        document.meshes.append(gltf.Mesh(name=name, primitives=[primitive]))
    file.write_bytes(buffer.close())


def _material(name: str, *, textured: bool, open_: bool) -> gltf.Material:
    texture = gltf.TextureInfo(index=0) if textured else None
    shading = gltf.PbrMetallicRoughness(metallicFactor=0.0, roughnessFactor=_ROUGHNESS, baseColorTexture=texture)
    return gltf.Material(name=name, pbrMetallicRoughness=shading, alphaCutoff=None, doubleSided=open_ or None)


def _add_skeleton(document: gltf.GLTF2, buffer: _Buffer, skeleton: Skeleton) -> None:
    """One node a joint. The skinned mesh stays beside them at the root, where glTF wants it."""
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


class _Buffer:
    """The one binary buffer of a document, and the views and accessors into it."""

    def __init__(self, document: gltf.GLTF2) -> None:
        self._document = document
        self._content = bytearray()

    def add(
        self, values: np.ndarray, target: int | None = None, *, bounds: bool = False, normalised: bool = False
    ) -> int:
        """Append an array; the index of its accessor."""
        accessor = gltf.Accessor(
            bufferView=self._add_view(values.tobytes(), target),
            componentType=_COMPONENTS[values.dtype],
            type=_SHAPES[values.shape[1:]],
            count=len(values),
            normalized=normalised,
            min=values.min(0).tolist() if bounds else None,
            max=values.max(0).tolist() if bounds else None,
        )
        self._document.accessors.append(accessor)
        return len(self._document.accessors) - 1

    def add_texture(self, picture: Image.Image) -> None:
        """Append a picture as texture 0, losslessly and without metadata."""
        encoded = BytesIO()
        Image.fromarray(np.asarray(picture.convert("RGB"))).save(encoded, "PNG")
        view = self._add_view(encoded.getvalue(), None)
        self._document.images = [gltf.Image(name="base_colour", mimeType="image/png", bufferView=view)]
        self._document.samplers = [
            gltf.Sampler(
                magFilter=gltf.LINEAR,
                minFilter=gltf.LINEAR_MIPMAP_LINEAR,
                wrapS=gltf.CLAMP_TO_EDGE,
                wrapT=gltf.CLAMP_TO_EDGE,
            )
        ]
        self._document.textures = [gltf.Texture(source=0, sampler=0)]

    def close(self) -> bytes:
        """The finished file."""
        self._document.buffers = [gltf.Buffer(byteLength=len(self._content))]
        self._document.set_binary_blob(bytes(self._content))
        return b"".join(self._document.save_to_bytes())

    def _add_view(self, content: bytes, target: int | None) -> int:
        view = gltf.BufferView(buffer=0, byteOffset=len(self._content), byteLength=len(content), target=target)
        self._content += content + bytes(-len(content) % 4)  # everything begins at a multiple of four
        self._document.bufferViews.append(view)
        return len(self._document.bufferViews) - 1


def _float32(tensor: Tensor) -> np.ndarray:
    return np.ascontiguousarray(tensor.numpy(force=True), dtype=np.float32)


def _indices(surface: Surface, which: Tensor) -> np.ndarray:
    narrow = np.uint16 if len(surface.positions) < 2**16 else np.uint32  # the highest index means something else
    return surface.faces[which.to(surface.faces.device)].numpy(force=True).astype(narrow).ravel()


def _linear(colours: np.ndarray) -> np.ndarray:
    """sRGB (V, 3) as the linear light glTF wants of vertices, with an alpha: (V, 4) uint16, which keeps dark tones."""
    light = np.where(colours <= 0.04045, colours / 12.92, ((colours + 0.055) / 1.055) ** 2.4)
    opaque = np.ones((len(light), 1), dtype=light.dtype)
    steps: np.ndarray = np.rint(np.concatenate([light, opaque], axis=1).clip(0, 1) * 65535)
    return steps.astype(np.uint16)
