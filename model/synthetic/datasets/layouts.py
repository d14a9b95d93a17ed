"""Made-up people in the layouts of the field's data sets, so that every tool of the field can read them.

What those data sets do not have lies in folders of its own beside theirs: the same person in another garment, masks for
all five categories, the region of the garment, both parsings, normals and depth.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from model.clothes.cut import GarmentPlace
from model.perception.label_maps import LabelMaps
from model.pictures.flow import encoded_flow
from model.synthetic.scene.correspondence import Correspondence
from model.synthetic.scene.labels import Labels
from model.synthetic.scene.picture import Picture
from model.tryon.automask import agnostic_mask
from model.tryon.request import Category

CATEGORIES: dict[GarmentPlace, Category] = {"upper": "upper", "lower": "lower", "dress": "overall"}
DRESSCODE_FOLDERS: dict[GarmentPlace, str] = {"upper": "upper_body", "lower": "lower_body", "dress": "dresses"}

_JPEG_QUALITY = 95  # high: what is learned from shall not be the codec's blocks
_DEPTH_UNITS = 1000  # per metre
_DENSEPOSE_PARTS = 24  # without the background


@dataclass(frozen=True)
class Record:
    """One example of a data set.

    stem: names it, as in "00891_00" (VITON-HD) or "013563" (DressCode).
    place: of the garment it is about, one of those worn in the picture.
    other: the same photo with another garment in that place.
    worn: where in its flat picture each pixel of the garment lies; bare: DensePose of the body without clothes. Both or
        neither.
    """

    stem: str
    picture: Picture
    place: GarmentPlace
    other: Image.Image
    worn: Correspondence | None = None
    bare: Labels | None = None


def write_vitonhd(folder: Path, split: Literal["train", "test"], records: Iterable[Record]) -> None:
    """VITON-HD (arXiv 2103.16874): `<split>/image` and its companions, `<split>_pairs.txt`.

    The test list pairs every person with the next one's garment; `test_pairs_unpaired.txt` is the same list under the
    name some tools look for.
    """
    part = folder / split
    names = [_write_vitonhd(part, record) for record in records]
    garments = names if split == "train" else names[1:] + names[:1]
    _write_pairs(folder / f"{split}_pairs.txt", names, garments)
    if split == "test":
        _write_pairs(folder / "test_pairs_unpaired.txt", names, garments)


def write_dresscode(folder: Path, split: Literal["train", "test"], records: Iterable[Record]) -> None:
    """DressCode (arXiv 2204.08532): a folder a kind of garment, each with its lists of pairs."""
    persons: dict[str, list[str]] = {}
    for record in records:
        part = folder / DRESSCODE_FOLDERS[record.place]
        _write_dresscode(part, record)
        persons.setdefault(part.name, []).append(record.stem)
    for kind, stems in persons.items():
        people, paired = [f"{stem}_0.jpg" for stem in stems], [f"{stem}_1.jpg" for stem in stems]
        if split == "train":
            _write_pairs(folder / kind / "train_pairs.txt", people, paired)
        else:
            _write_pairs(folder / kind / "test_pairs_paired.txt", people, paired)
            _write_pairs(folder / kind / "test_pairs_unpaired.txt", people, paired[1:] + paired[:1])


def _write_vitonhd(part: Path, record: Record) -> str:
    stem, picture, name = record.stem, record.picture, f"{record.stem}.jpg"
    _save_photo(picture.photo, part / "image" / name)
    _save_photo(picture.garments[record.place], part / "cloth" / name)
    _save_photo(record.other, part / "image-other" / name)
    _save_photo(_coloured(picture.densepose), part / "image-densepose" / name)
    _save_labels(picture.lip, part / "image-parse-v3" / f"{stem}.png")
    _save_keypoints(picture.keypoints, part / "openpose_json" / f"{stem}_keypoints.json")
    masks = _masks(picture)
    mask = _save(masks[CATEGORIES[record.place]].convert("RGB"), part / "agnostic-mask" / f"{stem}_mask.png")
    for category, other in masks.items():
        _save(other, mask.parent.with_name(f"agnostic-mask-{category}") / mask.name)
    _save_labels(picture.atr, part / "image-parse-atr" / f"{stem}.png")
    _save_labels(picture.densepose, part / "densepose-labels" / f"{stem}.png")
    _write_extras(part, stem, record)
    return name


def _write_dresscode(part: Path, record: Record) -> None:
    stem, picture = record.stem, record.picture
    _save_photo(picture.photo, part / "images" / f"{stem}_0.jpg")
    _save_photo(picture.garments[record.place], part / "images" / f"{stem}_1.jpg")
    _save_photo(record.other, part / "images_other" / f"{stem}_0.jpg")
    _save_labels(picture.atr, part / "label_maps" / f"{stem}_4.png")
    _save_labels(picture.densepose, part / "dense" / f"{stem}_5.png")
    _save_keypoints(picture.keypoints, part / "keypoints" / f"{stem}_2.json")
    masks = _masks(picture)
    _save(masks[CATEGORIES[record.place]], part / "agnostic_masks" / f"{stem}_0.png")
    for category, mask in masks.items():
        _save(mask, part / f"agnostic_masks_{category}" / f"{stem}_0.png")
    _save_labels(picture.lip, part / "label_maps_lip" / f"{stem}.png")
    _write_extras(part, stem, record)


def _write_extras(part: Path, stem: str, record: Record) -> None:
    """What neither data set has, under the same names in both."""
    picture = record.picture
    _save(picture.alpha, part / "alpha" / f"{stem}.png")
    _save(Image.fromarray(picture.regions[record.place].astype(np.uint8) * 255), part / "regions" / f"{stem}.png")
    _save_16_bit(encoded_normals(picture.normals), part / "normals" / f"{stem}.png")
    _save_16_bit(encoded_depths(picture.depths), part / "depths" / f"{stem}.png")
    if record.worn is not None and record.bare is not None:
        _save_16_bit(encoded_flow(record.worn.flow, record.worn.cover), part / "flow" / f"{stem}.png")
        shown = np.rint(record.worn.shown * 255).astype(np.uint8)
        _save(Image.fromarray(shown), part / "flow-shown" / f"{stem}.png")
        _save_labels(record.bare, part / "bare-densepose" / f"{stem}.png")


def encoded_normals(normals: NDArray[np.float32]) -> NDArray[np.uint16]:
    """(H, W, 3) unit vectors as 16-bit levels: -1..1 is 1..65535; (0, 0, 0) where nobody is."""
    levels = np.rint(normals * 32767 + 32768).astype(np.uint16)
    return np.where(normals.any(-1, keepdims=True), levels, 0).astype(np.uint16)


def encoded_depths(depths: NDArray[np.float32]) -> NDArray[np.uint16]:
    """(H, W) metres as whole millimetres."""
    return np.rint(depths * _DEPTH_UNITS).clip(0, 65535).astype(np.uint16)


def _masks(picture: Picture) -> dict[Category, Image.Image]:
    """White where a garment of each category is to be painted, from exact label maps."""
    maps = LabelMaps(densepose=picture.densepose, lip=picture.lip, atr=picture.atr)
    categories: Sequence[Category] = get_args(Category)
    return {category: Image.fromarray(agnostic_mask(maps, category) * np.uint8(255)) for category in categories}


def _write_pairs(file: Path, persons: Sequence[str], garments: Sequence[str]) -> None:
    file.write_text(
        "".join(f"{person} {garment}\n" for person, garment in zip(persons, garments, strict=True)), encoding="utf-8"
    )


def _save_photo(photo: Image.Image, file: Path) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    photo.save(file, quality=_JPEG_QUALITY, subsampling="4:4:4")  # patterns are mostly colour


def _save(picture: Image.Image, file: Path) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    picture.save(file)
    return file


def _save_labels(labels: NDArray[np.uint8], file: Path) -> None:
    """A palette picture whose indices are the labels."""
    picture = Image.fromarray(labels)
    picture.putpalette(_palette())
    _save(picture, file)


def _palette() -> list[int]:
    """The colours label maps are usually stored in: each bit triple of the label lights one bit of r, g and b."""
    labels = np.arange(256)
    colours = np.zeros((256, 3), int)
    for bit in range(8):
        for channel in range(3):
            colours[:, channel] |= (labels >> channel & 1) << (7 - bit)
        labels = labels >> 3
    return colours.ravel().tolist()


def _coloured(densepose: NDArray[np.uint8]) -> Image.Image:
    """Parts as colours, as in the pictures DensePose's own viewer makes."""
    levels = np.rint(densepose * (255 / _DENSEPOSE_PARTS)).astype(np.uint8)
    return Image.fromarray(np.asarray(cv2.applyColorMap(levels, cv2.COLORMAP_PARULA))[..., ::-1].copy())


def _save_keypoints(keypoints: NDArray[np.float32], file: Path) -> None:
    """OpenPose's JSON, of its COCO body: 18 times x, y and confidence."""
    person = {"person_id": [-1], "pose_keypoints_2d": [round(float(value), 3) for value in keypoints.ravel()]}
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps({"version": 1.3, "people": [person]}), encoding="utf-8")


def _save_16_bit(levels: NDArray[np.uint16], file: Path) -> None:
    """PNG with 16 bits a channel; Pillow writes no such RGB."""
    file.parent.mkdir(parents=True, exist_ok=True)
    picture = levels[..., ::-1] if levels.ndim == 3 else levels
    encoded, data = cv2.imencode(".png", np.ascontiguousarray(picture))
    if not encoded:
        raise OSError(f"{file}: could not be encoded")
    file.write_bytes(data.tobytes())
