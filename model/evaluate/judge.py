"""All that is measured on one result."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageFilter
from PIL.Image import Resampling

from model.evaluate.lpips import Lpips
from model.evaluate.retrieval import GROUP, Description, description, found_among_groups, garment_pixels
from model.evaluate.scores import Column, Scores
from model.measures.exact_pair import Levels, Region, colour_error, filled, psnr
from model.measures.similarity import ssim
from model.tryon.pictures import Size, black_and_white, crop_box, crop_resize
from model.tryon.repaint import seam_radius

_PATTERN_LEVELS, _PATTERN_SHARE = 40, 0.1  # cloth is patterned if so many pixels are so many levels off its median


@dataclass(frozen=True)
class JudgedAreas:
    """What is known of a photo's pixels, (H, W) bool at the result's size.

    mask: where there was to paint. beyond: where not even the soft seam of the mask reaches. garment: where a garment
    of this kind is truly seen, within the mask.
    """

    mask: Region
    beyond: Region
    garment: Region


class Judge:
    """Collects scores.

    Args:
        lpips: None leaves it out.
    """

    def __init__(self, scores: Scores, lpips: Lpips | None = None) -> None:
        self.scores = scores
        self._lpips = lpips
        self._looks: dict[Column, list[Description]] = {}
        self._flat_looks: list[Description] = []
        self._garments: list[str] = []

    def protocol(self, name: str, result: Image.Image, truth: Image.Image) -> None:
        """The published measures of a pair, RGB pictures of one size.

        Raises:
            InputError: they differ in size.
        """
        self.scores.add(name, "ssim", ssim(result, truth))
        self.scores.add(name, "psnr", psnr(np.asarray(result), np.asarray(truth)))
        if self._lpips is not None:
            self.scores.add(name, "lpips", self._lpips(result, truth))

    def surroundings(self, name: str, result: Levels, photo: Levels, areas: JudgedAreas) -> None:
        """What has become of what was to stay, whatever the garment.

        Raises:
            InputError: they differ in size.
        """
        if not areas.mask.all():
            self.scores.add(name, "psnr_outside", psnr(result, photo, ~areas.mask))
        if areas.beyond.any():
            changed = (result != photo).any(2)[areas.beyond]
            self.scores.add(name, "changed_outside", 100 * float(changed.mean()))

    def exact(
        self, name: str, pictures: Mapping[Column, Levels], truth: Levels, areas: JudgedAreas, flat: Levels
    ) -> None:
        """How near a result, and the baselines beside it, are to the exact truth.

        Args:
            flat: the garment's flat picture, of any size.

        Raises:
            InputError: the others differ in size.
        """
        kinds = ["psnr_garment", "psnr_garment_patterned"] if is_patterned(flat) else ["psnr_garment"]
        for column, picture in pictures.items():
            if areas.mask.any():
                self.scores.add(name, "psnr_mask", psnr(picture, truth, areas.mask), column)
            if areas.garment.any():
                for kind in kinds:
                    self.scores.add(name, kind, psnr(picture, truth, areas.garment), column)
                self.scores.add(name, "colour_error", colour_error(picture, truth, areas.garment), column)

    def look(self, pictures: Mapping[Column, Levels], garment: Region, flat: Levels, label: str) -> None:
        """Remember how a garment looks worn and flat, for `found`. Equal labels are one garment."""
        whole = garment_pixels(flat)
        if not (garment.any() and whole.any()):
            return
        for column, picture in pictures.items():
            self._looks.setdefault(column, []).append(description(picture, garment))
        self._flat_looks.append(description(flat, whole))
        self._garments.append(label)

    def found(self) -> None:
        """Score how many garments were found among twelve, if there are twelve."""
        if len(self._garments) < GROUP:
            self.scores.leave_out("retrieval", f"{len(self._garments)} garments, {GROUP} make a group")
            return
        for column, looks in self._looks.items():
            found = found_among_groups(looks, self._flat_looks, self._garments)
            self.scores.set_whole("retrieval", 100 * float(found.mean()), len(found), column)


def with_baselines(result: Levels, truth: Levels, areas: JudgedAreas) -> dict[Column, Levels]:
    """The result beside the truth with its mask, and with the garment's silhouette, in the garment's mean colour."""
    pictures: dict[Column, Levels] = {"result": result}
    if areas.garment.any():
        pictures["mask filled"] = filled(truth, areas.mask, areas.garment)
        pictures["silhouette filled"] = filled(truth, areas.garment, areas.garment)
    return pictures


def is_patterned(flat: Levels) -> bool:
    """Whether more than a tenth of a flat picture's garment is over 40 levels off its median colour in some channel.

    Folds, seams and collars are not; the smallest prints are.
    """
    pixels = flat[garment_pixels(flat)].astype(np.float64)
    if not len(pixels):
        return False
    median = np.percentile(pixels, 50, axis=0, method="lower")  # of two colours in equal parts: one, not the middle
    off = np.abs(pixels - median).max(1) > _PATTERN_LEVELS
    return float(off.mean()) > _PATTERN_SHARE


def areas_of(mask: Image.Image, garment: Region, size: Size) -> JudgedAreas:
    """The areas at a result's size.

    Args:
        mask: white where to paint, at the photo's size.
        garment: (H, W) at `size`.
        size: width, height of the result.
    """
    crisp = black_and_white(mask.convert("L"))
    soft = crisp.filter(ImageFilter.GaussianBlur(seam_radius(crisp.height)))
    painted = np.asarray(_at(crisp, size)) >= 128
    return JudgedAreas(painted, np.asarray(_at(soft, size)) == 0, garment & painted)


def like(truth: Image.Image, size: Size) -> Image.Image:
    """The truth at a result's size: resized by LANCZOS as published, cut first if the result was."""
    return truth if truth.size == size else crop_resize(truth, size)


def _at(mask: Image.Image, size: Size) -> Image.Image:
    return mask if mask.size == size else mask.crop(crop_box(mask.size, size)).resize(size, Resampling.BILINEAR)
