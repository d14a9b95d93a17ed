"""What the networks should say of made-up people."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from model.clothes.buffers import BodyLayer
from model.engines.template.labels import LabelledPixels
from model.engines.template.outfit import Outfit
from model.synthetic.datasets.loose_photos import somebody
from model.train.template.labelled_people import LabelledPerson, labelled_person


@dataclass(frozen=True)
class Truth:
    """pixels: of all photos at half size. outfit: the true one. person: where both are from."""

    pixels: LabelledPixels
    outfit: Outfit
    person: LabelledPerson


def truth(seed: int, size: int = 128) -> Truth:
    made, person = labelled_person(seed, size, paintings=1), somebody(seed)
    alphas = (made.coarse_layers > 0).astype(np.float32)
    pixels = LabelledPixels(
        colours=made.even[0].astype(np.float32) / 255,
        alphas=alphas,
        shares=np.eye(len(BodyLayer), dtype=np.float32)[made.coarse_layers],
        places=made.places.astype(np.float32),
        errors=np.full(alphas.shape, 0.02, np.float32),
        azimuths=made.azimuths,
    )
    return Truth(pixels, Outfit(tuple(person.garments.values()), person.look.long_hair, person.betas), made)
