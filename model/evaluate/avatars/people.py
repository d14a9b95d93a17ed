"""Made-up people as they are photographed, and all that is true about them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from model.avatar.pose_images import HALF_HEIGHT
from model.clothes.a_pose import APoseBuffers, a_pose_buffers
from model.clothes.arrays import Floats
from model.clothes.buffers import Buffers
from model.clothes.wearing import dressed
from model.evaluate.avatars.views import Layers
from model.synthetic.datasets.a_pose_views import EVEN_LIGHT
from model.synthetic.datasets.loose_photos import moment, somebody
from model.synthetic.fabrics.garments import Garment, random_garment
from model.synthetic.people.body import body_model, wardrobe
from model.synthetic.scene.composition import paint_person
from model.synthetic.scene.person import Person
from model.synthetic.scene.photos import Scene

UNSEEN = 900_000  # seeds from here on are never learned from
ALIKE = 12  # people who differ in their patterns alone
_KINDS_OF_PHOTO = 16  # moments of somebody that photos are drawn from, see `loose_photos.moment`
_PHOTO_SIZE = 288, 384  # as the demo's
_OVERSAMPLING = 2  # pixels each way of which one is the mean


@dataclass(frozen=True)
class TakenPhoto:
    """picture: RGBA, the true outline in alpha. buffers: what each of its pixels shows, at twice its size."""

    picture: Image.Image
    buffers: Buffers


class JudgedPerson:
    """Somebody made up.

    Args:
        seed: who it is.
        photos: how many, of the sixteen kinds that there are.
        size: of the six true views.
    """

    def __init__(self, seed: int, photos: int, size: int) -> None:
        self.seed, self._photos, self._size = seed, photos, size
        self.person = somebody(seed)

    @cached_property
    def photos(self) -> list[TakenPhoto]:
        """From sides that follow from the seed."""
        chosen = np.random.default_rng([self.seed, 2]).choice(_KINDS_OF_PHOTO, self._photos, replace=False)
        return [_taken(moment(self.seed, int(number))) for number in sorted(chosen)]

    @cached_property
    def a_pose(self) -> APoseBuffers:
        """What the true views show, at twice their size."""
        cuts = list(self.person.garments.values())
        surfaces = dressed(wardrobe(), self.person.betas, cuts, long_hair=self.person.look.long_hair)
        return a_pose_buffers(body_model(), self.person.betas, surfaces, _OVERSAMPLING * self._size, HALF_HEIGHT)

    @property
    def layers(self) -> Layers:
        """(6, size, size), of the true views."""
        return np.stack([view.layers[::_OVERSAMPLING, ::_OVERSAMPLING] for view in self.a_pose.views])

    @cached_property
    def views(self) -> Floats:
        """The true views, evenly lit, as `model.evaluate.avatars.views` has them."""
        return self._painted(self.person)

    def alike(self) -> list[Floats]:
        """The true views and those of eleven others of the same shape and cut in the same colours, with other
        patterns."""
        rng = np.random.default_rng([self.seed, 4])
        return [self.views, *(self._painted(_repatterned(self.person, rng)) for _ in range(ALIKE - 1))]

    @property
    def surface(self) -> NDArray[np.float32]:
        """(V, 3) metres: points of the dressed person in A pose, as the engine places the body."""
        transforms = self.a_pose.posed.transforms.numpy()
        cuts = list(self.person.garments.values())
        surfaces = dressed(wardrobe(), self.person.betas, cuts, long_hair=self.person.look.long_hair)
        return np.concatenate([surface.posed(transforms) for surface in surfaces]).astype(np.float32)

    def _painted(self, person: Person) -> Floats:
        garments = list(person.garments.values())
        return np.stack([paint_person(view, person.look, garments, EVEN_LIGHT) for view in self.a_pose.views])


def _taken(person: Person) -> TakenPhoto:
    buffers = Scene(person, *_PHOTO_SIZE).buffers
    painted = paint_person(buffers, person.look, person.garments.values(), person.light)
    levels = (painted.clip(0, 1) * 255 + 0.5).astype(np.uint8)
    return TakenPhoto(Image.fromarray(levels, "RGBa").convert("RGBA"), buffers)


def _repatterned(person: Person, rng: np.random.Generator) -> Person:
    return replace(person, garments={place: _another(garment, rng) for place, garment in person.garments.items()})


def _another(garment: Garment, rng: np.random.Generator) -> Garment:
    fabric = replace(random_garment(rng, garment.place).fabric, colours=garment.fabric.colours)
    return replace(garment, fabric=fabric)
