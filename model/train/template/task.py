"""Training of the place network."""

from __future__ import annotations

import logging
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from safetensors.torch import save_file
from torch import Generator, Tensor, nn

from model.engines.template.files import PLACE_NETWORK
from model.engines.template.networks import place_network
from model.engines.template.place_network import LAYERS, PlaceMaps, PlaceNetwork, on_grey
from model.train.template.augmentation import varied
from model.train.template.kept_people import KeptPeople, LabelledPhotos
from model.train.template.labelled_people import PAINTINGS, PHOTOS
from model.train.template.losses import Errors, errors
from model.train.template.settings import TemplateTraining

_log = logging.getLogger(__name__)

_UNSEEN = 900_000  # seeds from here on are never learned from


class PlaceTask:
    """Every pixel's layer and place, from one photo."""

    module: nn.Module

    def __init__(self, settings: TemplateTraining, device: torch.device) -> None:
        self._settings = settings
        self._device = device
        network = PlaceNetwork()
        if settings.start is not None:
            network.load_state_dict(place_network(settings.start).load(torch.device("cpu"), torch.float32).state_dict())
        network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.module = network
        self.source = KeptPeople(settings.data, settings.people_seed, settings.people, settings.size, settings.labels)

    def loss(self, module: nn.Module, batch: LabelledPhotos, generator: Generator) -> Tensor:
        """Of a batch as somebody else might have taken it."""
        settings = self._settings
        photos = varied(batch.to(self._device), settings.zoom, settings.light, generator)
        return errors(module(_shown(photos), photos.parsed), photos).loss

    @torch.no_grad()
    def unseen_errors(self) -> Errors:
        """Of people never learned from, each photo in its first painting."""
        found = []
        for numbers in np.arange(len(self._unseen)).reshape(-1, PAINTINGS, PHOTOS)[:, 0]:
            photos = self._unseen.batch(numbers.tolist()).to(self._device)
            found.append(errors(self._labelling(photos), photos))
        return Errors(*(torch.stack([getattr(e, name) for e in found]).mean() for name in ("loss", "place", "layer")))

    @torch.no_grad()
    def sheet(self) -> Image.Image:
        """Photos of people never learned from, with the layers and places found and the true ones."""
        photos = self._unseen.batch(range(self._settings.pictures)).to(self._device)
        labelling = self._labelling(photos)
        mean = self.unseen_errors()
        _log.info(
            "unseen people: place off by %.2f cm, layer of %.1f %% right", 100 * mean.place, 100 * (1 - mean.layer)
        )
        return _sheet(photos, labelling)

    def write(self) -> None:
        file = self._settings.out / PLACE_NETWORK
        file.parent.mkdir(parents=True, exist_ok=True)
        state = self.module.state_dict()
        weights = {name: kept(value, torch.float16) for name, value in state.items()}
        save_file(weights, file)

    @cached_property
    def _unseen(self) -> KeptPeople:
        return KeptPeople(
            self._settings.data, _UNSEEN, self._settings.unseen, self._settings.size, self._settings.labels
        )

    def _labelling(self, photos: LabelledPhotos) -> PlaceMaps:
        was_training = self.module.training
        labelling: PlaceMaps = self.module.eval()(_shown(photos), photos.parsed)
        self.module.train(was_training)
        return labelling


def kept(value: Tensor, dtype: torch.dtype) -> Tensor:
    """A tensor of a network as it is written; counters, which nothing needs, start anew."""
    return value.to(dtype).contiguous() if value.is_floating_point() else torch.zeros_like(value)


def _shown(photos: LabelledPhotos) -> Tensor:
    return on_grey(photos.colours).contiguous(memory_format=torch.channels_last)


def _sheet(photos: LabelledPhotos, found: PlaceMaps) -> Image.Image:
    size = photos.layers.shape[1:]
    somebody = photos.layers > 0

    def of_places(places: Tensor) -> Tensor:
        finer = nn.functional.interpolate(places, size=size)
        return (finer / 2 + 0.5) * somebody[:, None]

    columns = [
        on_grey(photos.colours)[:, :3],
        _coloured(found.layers.argmax(1)),
        _coloured(photos.layers),
        of_places(found.places),
        of_places(photos.places),
    ]
    rows = torch.cat([torch.cat(list(column.cpu()), 1) for column in columns], 2)
    levels: NDArray[np.uint8] = (rows.clamp(0, 1) * 255 + 0.5).permute(1, 2, 0).byte().numpy()
    return Image.fromarray(levels)


def _coloured(layers: Tensor) -> Tensor:
    palette = torch.from_numpy(np.random.default_rng(1).uniform(0.1, 0.95, (LAYERS, 3))).float().to(layers.device)
    return palette[layers].permute(0, 3, 1, 2)
