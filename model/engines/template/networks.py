"""The networks that the stages ask, and what every avatar engine has beside them."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

import torch
from torch import nn

from model.avatar.resources import Resources
from model.clothes.wardrobe import read_wardrobe
from model.engines.template.files import (
    BODY,
    ERRORS,
    HAND_IDS,
    LANDMARK_IDS,
    MATTING,
    OUTFIT_NETWORK,
    PLACE_NETWORK,
    parsers_are_there,
)
from model.engines.template.labels import PhotoLabels
from model.engines.template.outfit import OutfitNetwork
from model.engines.template.parsed import Parsers
from model.engines.template.place_network import PlaceNetwork
from model.perception.label_maps import onnx_providers
from model.runtime.device import Device
from model.weights.loading import Checkpoint, UnloadedNetwork, read_tensors

M = TypeVar("M", bound=nn.Module)


def place_network(weights: Path) -> UnloadedNetwork[PlaceNetwork]:
    """The network that says what a photo's pixels show."""
    with torch.device("meta"):
        network = PlaceNetwork()
    return _of_file(network.eval().requires_grad_(False), weights / PLACE_NETWORK)


def outfit_network(weights: Path) -> UnloadedNetwork[OutfitNetwork]:
    """The network that says who wears what."""
    with torch.device("meta"):
        network = OutfitNetwork()
    return _of_file(network.eval().requires_grad_(False), weights / OUTFIT_NETWORK)


def _of_file(network: M, file: Path) -> UnloadedNetwork[M]:
    shapes = {name: tensor.shape for name, tensor in network.state_dict().items()}
    tensors, problems = read_tensors(file)
    return UnloadedNetwork(network, [Checkpoint(file, shapes, tensors, problems=problems)])


class TemplateNetworks:
    """Loaded once per worker, shared by all jobs."""

    def __init__(self, weights: Path, device: Device) -> None:
        self.labels = device.batched(PhotoLabels(place_network(weights).load(device.weights_device, device.dtype)))
        self.parsers = Parsers(weights, onnx_providers(device)) if parsers_are_there(weights) else None
        self.outfit = outfit_network(weights).load(torch.device("cpu"), torch.float32)
        self.resources = Resources.read(
            weights,
            device,
            shape=OUTFIT_NETWORK,
            body=BODY,
            matting=MATTING,
            hand_ids=HAND_IDS,
            landmark_ids=LANDMARK_IDS,
            errors=ERRORS,
        )
        self.wardrobe = read_wardrobe(self.resources.body)
