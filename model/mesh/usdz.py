"""USDZ: the same avatar for Apple's viewers (Universal Scene Description of Pixar, in an archive that is not packed).

Metres, Y up, the person faces +Z, bound to its skeleton as in the GLB.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from pxr import Gf, Sdf, Usd, UsdGeom, UsdShade, UsdSkel, UsdUtils, Vt
from torch import Tensor

from model.mesh.skeleton import INFLUENCES, Skeleton
from model.mesh.surface import Surface

_ROUGHNESS = 0.9  # nearly matt, like cloth and skin; the GLB's value
_ROOT = "/avatar"
_PICTURE = "base_colour.png"


def write_usdz(
    file: Path,
    surface: Surface,
    skeleton: Skeleton | None = None,
    notice: str | None = None,
    parts: Mapping[str, Tensor] | None = None,
) -> None:
    """Write a surface, with a skeleton if there is one; the arguments are those of `write_glb`.

    Each part is a mesh of its own.
    """
    named = {"avatar": torch.ones(len(surface.faces), dtype=torch.bool)} if parts is None else parts
    with TemporaryDirectory() as folder:
        layer = Path(folder) / "avatar.usdc"
        stage = Usd.Stage.CreateNew(str(layer))
        UsdGeom.SetStageUpAxis(stage, UsdGeom.Tokens.y)
        UsdGeom.SetStageMetersPerUnit(stage, 1.0)
        kind = UsdGeom.Xform if skeleton is None else UsdSkel.Root
        root = kind.Define(stage, _ROOT)
        stage.SetDefaultPrim(root.GetPrim())
        if notice is not None:
            root.GetPrim().SetMetadata("documentation", notice)
        material = _material(stage, surface, Path(folder))
        bones = None if skeleton is None else _skeleton(stage, skeleton)
        for name, which in named.items():
            part, kept = surface.only(which.to(surface.faces.device))
            mesh = _mesh(stage, f"{_ROOT}/{name}_mesh", part, open_=parts is not None)
            UsdShade.MaterialBindingAPI.Apply(mesh.GetPrim()).Bind(material)
            if skeleton is not None:
                _bind(mesh, bones, skeleton.at(kept.cpu()))
        stage.GetRootLayer().Save()
        del stage
        if not UsdUtils.CreateNewUsdzPackage(Sdf.AssetPath(str(layer)), str(file)):
            raise OSError(f"{file.name} could not be written")


def _mesh(stage: Usd.Stage, path: str, surface: Surface, *, open_: bool) -> UsdGeom.Mesh:
    mesh = UsdGeom.Mesh.Define(stage, path)
    positions = _floats(surface.positions)
    mesh.CreatePointsAttr(Vt.Vec3fArray.FromNumpy(positions))
    mesh.CreateExtentAttr(Vt.Vec3fArray.FromNumpy(np.stack([positions.min(0), positions.max(0)])))
    mesh.CreateFaceVertexCountsAttr(Vt.IntArray.FromNumpy(np.full(len(surface.faces), 3, np.int32)))
    mesh.CreateFaceVertexIndicesAttr(Vt.IntArray.FromNumpy(_ints(surface.faces)))
    mesh.CreateNormalsAttr(Vt.Vec3fArray.FromNumpy(_floats(surface.normals)))
    mesh.SetNormalsInterpolation(UsdGeom.Tokens.vertex)
    mesh.CreateSubdivisionSchemeAttr(UsdGeom.Tokens.none)
    mesh.CreateDoubleSidedAttr(open_)
    values = UsdGeom.PrimvarsAPI(mesh)
    if surface.uv is not None and surface.texture is not None:
        uv = _floats(surface.uv) * np.array([1, -1], np.float32) + np.array(
            [0, 1], np.float32
        )  # it counts v from the bottom
        st = values.CreatePrimvar("st", Sdf.ValueTypeNames.TexCoord2fArray, UsdGeom.Tokens.vertex)
        st.Set(Vt.Vec2fArray.FromNumpy(np.ascontiguousarray(uv)))
    elif surface.colours is not None:
        colours = values.CreatePrimvar("displayColor", Sdf.ValueTypeNames.Color3fArray, UsdGeom.Tokens.vertex)
        colours.Set(Vt.Vec3fArray.FromNumpy(_linear(_floats(surface.colours))))
    return mesh


def _material(stage: Usd.Stage, surface: Surface, folder: Path) -> UsdShade.Material:
    material = UsdShade.Material.Define(stage, f"{_ROOT}/material")
    shader = UsdShade.Shader.Define(stage, f"{_ROOT}/material/surface")
    shader.CreateIdAttr("UsdPreviewSurface")
    shader.CreateInput("roughness", Sdf.ValueTypeNames.Float).Set(_ROUGHNESS)
    shader.CreateInput("metallic", Sdf.ValueTypeNames.Float).Set(0.0)
    material.CreateSurfaceOutput().ConnectToSource(shader.ConnectableAPI(), "surface")
    reader = UsdShade.Shader.Define(stage, f"{_ROOT}/material/reader")
    colour = shader.CreateInput("diffuseColor", Sdf.ValueTypeNames.Color3f)
    varname = reader.CreateInput("varname", Sdf.ValueTypeNames.String)
    if surface.texture is None:
        reader.CreateIdAttr("UsdPrimvarReader_float3")
        varname.Set("displayColor")
        reader.CreateOutput("result", Sdf.ValueTypeNames.Float3)
        colour.ConnectToSource(reader.ConnectableAPI(), "result")
        return material
    surface.texture.convert("RGB").save(folder / _PICTURE)
    reader.CreateIdAttr("UsdPrimvarReader_float2")
    varname.Set("st")
    reader.CreateOutput("result", Sdf.ValueTypeNames.Float2)
    picture = UsdShade.Shader.Define(stage, f"{_ROOT}/material/picture")
    picture.CreateIdAttr("UsdUVTexture")
    picture.CreateInput("file", Sdf.ValueTypeNames.Asset).Set(f"./{_PICTURE}")
    picture.CreateInput("sourceColorSpace", Sdf.ValueTypeNames.Token).Set("sRGB")
    picture.CreateInput("st", Sdf.ValueTypeNames.Float2).ConnectToSource(reader.ConnectableAPI(), "result")
    for axis in ("wrapS", "wrapT"):
        picture.CreateInput(axis, Sdf.ValueTypeNames.Token).Set("clamp")
    picture.CreateOutput("rgb", Sdf.ValueTypeNames.Float3)
    colour.ConnectToSource(picture.ConnectableAPI(), "rgb")
    return material


def _skeleton(stage: Usd.Stage, skeleton: Skeleton) -> UsdSkel.Skeleton:
    bones = UsdSkel.Skeleton.Define(stage, f"{_ROOT}/skeleton")
    places = _floats(skeleton.positions).astype(float)
    paths: list[str] = []
    resting = []
    for name, parent, place in zip(skeleton.names, skeleton.parents, places, strict=True):
        paths.append(name if parent < 0 else f"{paths[parent]}/{name}")
        local = place if parent < 0 else place - places[parent]
        resting.append(Gf.Matrix4d().SetTranslate(Gf.Vec3d(*local)))
    bones.CreateJointsAttr(paths)
    bones.CreateJointNamesAttr(skeleton.names)
    bones.CreateBindTransformsAttr(Vt.Matrix4dArray([Gf.Matrix4d().SetTranslate(Gf.Vec3d(*place)) for place in places]))
    bones.CreateRestTransformsAttr(Vt.Matrix4dArray(resting))
    return bones


def _bind(mesh: UsdGeom.Mesh, bones: UsdSkel.Skeleton, skeleton: Skeleton) -> None:
    binding = UsdSkel.BindingAPI.Apply(mesh.GetPrim())
    binding.CreateSkeletonRel().SetTargets([bones.GetPath()])
    binding.CreateJointIndicesPrimvar(constant=False, elementSize=INFLUENCES).Set(
        Vt.IntArray.FromNumpy(_ints(skeleton.skin.joints))
    )
    binding.CreateJointWeightsPrimvar(constant=False, elementSize=INFLUENCES).Set(
        Vt.FloatArray.FromNumpy(_floats(skeleton.skin.weights).ravel())
    )
    binding.CreateGeomBindTransformAttr(Gf.Matrix4d(1))


def _floats(tensor: Tensor) -> np.ndarray:
    return np.ascontiguousarray(tensor.numpy(force=True), dtype=np.float32)


def _ints(tensor: Tensor) -> np.ndarray:
    return np.ascontiguousarray(tensor.numpy(force=True).ravel(), dtype=np.int32)


def _linear(colours: np.ndarray) -> np.ndarray:
    light = np.where(colours <= 0.04045, colours / 12.92, ((colours + 0.055) / 1.055) ** 2.4)
    return np.ascontiguousarray(light, dtype=np.float32)
