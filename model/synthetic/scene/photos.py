"""Photos of people who do not exist, and of their clothes lying flat, with everything that is true about them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from PIL import Image

from model.body.smplx import Posed
from model.clothes.arrays import Floats
from model.clothes.buffers import LAYERS, Buffers
from model.clothes.cut import GarmentPlace
from model.clothes.poses import JointTurns, axis_angles, flat_pose
from model.clothes.rendering import render
from model.clothes.surface import SkinnedSurface
from model.clothes.wearing import dressed, worn
from model.synthetic.fabrics.garments import Garment
from model.synthetic.people.body import body_model, wardrobe
from model.synthetic.people.keypoints import keypoints, with_visibility
from model.synthetic.scene.composition import flat_picture, paint
from model.synthetic.scene.labels import atr_labels, densepose_labels, halved, lip_labels
from model.synthetic.scene.person import Person
from model.synthetic.scene.picture import Picture
from model.synthetic.scene.shots import Pinhole, aim, fit

_OVERSAMPLING = 2  # pixels each way of which one is the mean, for smooth outlines
LONG_SLEEVE = 0.5  # |x| beyond which sleeves lie closer to the body


def photograph(person: Person, width: int, height: int) -> Picture:
    """The photo and all that is true about it."""
    flats = {place: lay_flat(garment, width, height) for place, garment in person.garments.items()}
    return Scene(person, width, height).photo(person, flats)


def lay_flat(garment: Garment, width: int, height: int) -> Image.Image:
    """A garment alone on white, as a shop shows it."""
    return Flat(garment, width, height).photo(garment)


class Scene:
    """Somebody's geometry before a camera, rendered once. Painted as often as one likes."""

    def __init__(self, person: Person, width: int, height: int) -> None:
        self.width, self.height = width, height
        posed = _posed(person.betas, person.pose)
        vertices = posed.vertices.numpy()
        crown = float(vertices[body_model().template[:, 1].argmax(), 1])
        self.joints: Floats = posed.joints.numpy()
        self.camera = aim(person.shot, float(vertices[:, 1].min()), crown, self.joints[0, [0, 2]], width / height)
        self.surfaces = dressed(
            wardrobe(), person.betas, list(person.garments.values()), long_hair=person.look.long_hair
        )
        self.posed = posed
        self.buffers = rendered(self.surfaces, posed, self.camera, width, height)

    def photo(self, person: Person, flats: Mapping[GarmentPlace, Image.Image]) -> Picture:
        """Painted in the colours of somebody of the same shape, pose and cut of clothes. flats: of these clothes."""
        garments = person.garments
        photo, alpha = paint(self.buffers, person.look, garments.values(), person.room, person.light)
        seen, lower = halved(self.buffers), garments.get("lower")
        points = keypoints(self.joints)
        pixels = self.camera.pixels(points, self.height, self.width)
        return Picture(
            photo=Image.fromarray(photo),
            alpha=Image.fromarray(alpha),
            lip=lip_labels(seen, lower),
            atr=atr_labels(seen, lower),
            densepose=densepose_labels(seen),
            keypoints=with_visibility(pixels, self.camera.depths(points), seen.depths),
            normals=seen.normals,
            depths=seen.depths,
            garments=flats,
            regions={place: seen.layers == LAYERS[place] for place in garments},
        )


class Flat:
    """A garment's geometry on the table, rendered once. Painted as often as one likes.

    Args:
        pose: how sleeves and legs lie, if not as usual.
    """

    def __init__(self, garment: Garment, width: int, height: int, pose: JointTurns | None = None) -> None:
        average = np.zeros(len(body_model().shape_directions[0, 0]), np.float32)
        self.surfaces = worn(wardrobe(), garment, average)
        self.posed = _posed(average, pose or flat_pose(long_sleeves=garment.sleeve > LONG_SLEEVE))
        corners = np.concatenate([surface.posed(self.posed.transforms.numpy()) for surface in self.surfaces])
        self.camera = fit(corners, width / height)
        self.buffers = rendered(self.surfaces, self.posed, self.camera, width, height)

    def photo(self, garment: Garment) -> Image.Image:
        """Painted in the fabric of a garment of the same cut."""
        return Image.fromarray(flat_picture(self.buffers, garment))


def rendered(surfaces: Sequence[SkinnedSurface], posed: Posed, camera: Pinhole, width: int, height: int) -> Buffers:
    """Of twice the size, as everything is painted."""
    size = height * _OVERSAMPLING, width * _OVERSAMPLING
    return render(surfaces, posed.transforms.numpy(), camera, *size)


def _posed(betas: Floats, pose: JointTurns) -> Posed:
    return body_model().posed(torch.from_numpy(betas), torch.from_numpy(axis_angles(pose)))
