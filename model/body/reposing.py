"""A skinned mesh brought back from the pose it was reconstructed in to the pose at rest: SMPL-X's T pose."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from model.mesh.mesh import Mesh
from model.mesh.skeleton import Skin


def at_rest(mesh: Mesh, skin: Skin, transforms: Tensor) -> Mesh:
    """Linear blend skinning undone.

    Args:
        mesh: V vertices, metres, where the body model places them.
        skin: of these vertices.
        transforms: (J, 4, 4), what each joint of the pose does to a point at rest.
    """
    of_joints = transforms.to(mesh.vertices)[skin.joints.to(mesh.vertices.device)]  # (V, 4, 4, 4)
    blended = torch.einsum("vk,vkij->vij", skin.weights.to(mesh.vertices), of_joints)  # from rest to the pose
    turned, moved = blended[:, :3, :3], blended[:, :3, 3]
    return replace(mesh, vertices=torch.linalg.solve(turned, mesh.vertices - moved))
