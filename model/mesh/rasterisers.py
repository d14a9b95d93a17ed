"""Which rasterisers this machine has, and the one to use.

The device decides, not what happens to be installed: pytorch3d (BSD) on GPUs, ours on CPUs, where it is many times as
fast. nvdiffrast, which may not be used commercially, only when it is asked for.
"""

from __future__ import annotations

from importlib.util import find_spec

import torch

from model.mesh.rasterise_nvdiffrast import Nvdiffrast
from model.mesh.rasterise_pytorch3d import Pytorch3d
from model.mesh.rasterise_torch import Torch
from model.mesh.rasteriser import Rasteriser

NAMES = (Nvdiffrast.name, Pytorch3d.name, Torch.name)


def available(torch_device: torch.device) -> list[str]:
    """Names of those that are installed and run on the device."""
    usable = {
        Nvdiffrast.name: torch_device.type == "cuda" and find_spec("nvdiffrast") is not None,
        Pytorch3d.name: torch_device.type in ("cuda", "cpu") and find_spec("pytorch3d") is not None,
        Torch.name: True,
    }
    return [name for name in NAMES if usable[name]]


def open_rasteriser(torch_device: torch.device, name: str = "auto") -> Rasteriser:
    """The rasteriser called `name`; "auto": pytorch3d on a GPU if it is installed, else ours.

    Raises:
        ValueError: there is none of that name, or it is not installed or does not run on the device.
    """
    names = available(torch_device)
    if name != "auto" and name not in names:
        known = "is not available here" if name in NAMES else f"is none of {', '.join(NAMES)}"
        raise ValueError(f"rasteriser {name!r} {known}; on {torch_device} there are {', '.join(names)}")
    if name == Nvdiffrast.name:
        return Nvdiffrast(torch_device)
    chosen = preferred(torch_device) if name == "auto" else name
    return Pytorch3d() if chosen == Pytorch3d.name else Torch()


def preferred(torch_device: torch.device) -> str:
    """The name of the one that suits a device."""
    on_gpu = torch_device.type == "cuda" and Pytorch3d.name in available(torch_device)
    return Pytorch3d.name if on_gpu else Torch.name
