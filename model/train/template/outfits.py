"""Training of the network that finds body and clothes in labelled photos."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from safetensors.torch import save_file
from torch import Generator, Tensor, nn
from tqdm import tqdm

from model.engines.template.body_features import PhotoCounts, counts, pooled
from model.engines.template.files import BODY, OUTFIT_NETWORK, PLACE_NETWORK
from model.engines.template.labels import LabelledPixels, PhotoLabels
from model.engines.template.networks import place_network
from model.engines.template.outfit import CHOICES, OutfitNetwork, encoded
from model.engines.up2you.files import BODY as BUILT_IN_BODY
from model.synthetic.datasets.loose_photos import somebody
from model.train.errors import SettingsError
from model.train.template.kept_people import KeptPeople
from model.train.template.labelled_people import PAINTINGS, PHOTOS
from model.train.template.settings import TemplateTraining
from model.train.template.task import kept
from model.weights.pack import DEMO

_SETS = 4  # of photos that are chosen of each painting of a person
_FEWEST = 3  # photos of a set


@dataclass(frozen=True)
class OutfitBatch:
    """features: (B, COUNT). values, counting: (B, OUTPUTS), see `outfit.encoded`."""

    features: Tensor
    values: Tensor
    counting: Tensor


class LabelledOutfits:
    """Features of made-up people as the place network labels them. A sample is a few photos of one painting."""

    def __init__(self, people: KeptPeople, labels: PhotoLabels, device: torch.device) -> None:
        features, values, counting = [], [], []
        for person in tqdm(range(len(people) // (PAINTINGS * PHOTOS)), desc="labels", disable=None):
            somebody_ = somebody(people.first + person)
            target = encoded(list(somebody_.garments.values()), somebody_.betas, long_hair=somebody_.look.long_hair)
            rng = np.random.default_rng([people.first + person, 3])
            for painting in range(PAINTINGS):
                start = (person * PAINTINGS + painting) * PHOTOS
                seen = photo_counts(people, range(start, start + PHOTOS), labels, device)
                for _ in range(_SETS):
                    chosen = rng.choice(PHOTOS, rng.integers(_FEWEST, PHOTOS + 1), replace=False)
                    features.append(pooled([seen[photo] for photo in chosen]))
                    values.append(target[0])
                    counting.append(target[1])
        self._all = OutfitBatch(*(torch.from_numpy(np.stack(rows)) for rows in (features, values, counting)))

    def __len__(self) -> int:
        return len(self._all.features)

    def batch(self, numbers: Sequence[int]) -> OutfitBatch:
        """These samples together, on the host."""
        rows = list(numbers)
        return OutfitBatch(self._all.features[rows], self._all.values[rows], self._all.counting[rows])


@torch.no_grad()
def photo_counts(
    people: KeptPeople, numbers: Sequence[int], labels: PhotoLabels, device: torch.device
) -> list[PhotoCounts]:
    """What the place network says of each of these photos."""
    batch = people.batch(numbers).to(device)
    photos = batch.colours.contiguous(memory_format=torch.channels_last)
    pixels = LabelledPixels.of(labels(photos, batch.parsed).permute(0, 2, 3, 1))
    return [counts(*photo) for photo in pixels.each()]


class OutfitTask:
    """Who wears what, from all photos of a person."""

    module: nn.Module

    def __init__(self, settings: TemplateTraining, device: torch.device) -> None:
        if not (settings.out / PLACE_NETWORK).is_file():
            raise SettingsError(f"out is {settings.out}, where no place network is: train 'places' first")
        self._settings = settings
        self._device = device
        self.module = OutfitNetwork()
        labels = PhotoLabels(place_network(settings.out).load(device, torch.float32))
        people = KeptPeople(settings.data, settings.people_seed, settings.people, settings.size, settings.labels)
        self.source = LabelledOutfits(people, labels, device)

    def loss(self, module: nn.Module, batch: OutfitBatch, generator: Generator) -> Tensor:
        """Cross-entropy of choices, squared deviations of lengths and shape."""
        features, values, counting = (part.to(self._device) for part in (batch.features, batch.values, batch.counting))
        answer = module(features)
        choices = len(CHOICES)
        wrong = F.binary_cross_entropy_with_logits(answer[:, :choices], values[:, :choices])
        off = (answer - values)[:, choices:].square() * counting[:, choices:]
        loss: Tensor = wrong + off.mean()
        return loss

    @torch.no_grad()
    def sheet(self) -> Image.Image:
        """Found (red) against true (green) values of the first samples, as bars."""
        batch = self.source.batch(range(min(self._settings.pictures, len(self.source))))
        was_training = self.module.training
        answer = self.module.eval()(batch.features.to(self._device)).cpu()
        self.module.train(was_training)
        answer[:, : len(CHOICES)] = answer[:, : len(CHOICES)].sigmoid()
        bars = torch.stack([answer, batch.values, torch.zeros_like(answer)], -1).clamp(-2, 2) / 4 + 0.5
        levels = (bars * 255).byte().numpy()
        return Image.fromarray(levels).resize((levels.shape[1] * 16, levels.shape[0] * 16), Image.Resampling.NEAREST)

    def write(self) -> None:
        file = self._settings.out / OUTFIT_NETWORK
        file.parent.mkdir(parents=True, exist_ok=True)
        state = self.module.state_dict()
        save_file({name: kept(value, torch.float32) for name, value in state.items()}, file)
        shutil.copyfile(DEMO / BUILT_IN_BODY, self._settings.out / BODY)
