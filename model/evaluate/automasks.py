"""How good automatic masks are, and the label maps they are made from."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from model.errors import InputError
from model.evaluate.dressing import OnDone
from model.evaluate.scores import Scores
from model.perception.files import LABEL_MAPS
from model.perception.label_maps import CachedLook, ThreeParsers, onnx_providers
from model.perception.overlap import LabelCounts, mask_iou
from model.pictures.reading import read_picture
from model.runtime.device import Device
from model.train.datasets import Example
from model.train.truth_files import MapKind, TruthFiles, read_labels, truth_files
from model.tryon.masker import found
from model.tryon.maskers.edits import Edits
from model.tryon.maskers.makers import PublishedMaker, Seen
from model.tryon.pictures import HALF_WHITE, Size

_KINDS: tuple[MapKind, ...] = ("densepose", "lip", "atr")
_CLASSES = dict(zip(_KINDS, LABEL_MAPS.values(), strict=True))


async def judge_automasks(
    weights: Path, device: Device, examples: Sequence[Example], scores: Scores, done: OnDone
) -> None:
    """Label every person of a test set and compare with what the data set says.

    Where none is found, the mask counts as empty.

    Raises:
        DataSetError, InputError: a picture cannot be read.
        WeightsError: a network cannot be.
    """
    maker = PublishedMaker(ThreeParsers(weights, onnx_providers(device)))
    look = CachedLook(maker.look, device)
    counts = {kind: LabelCounts(_CLASSES[kind]) for kind in _KINDS}
    compared = dict.fromkeys(_KINDS, 0)
    for example in examples:
        known = truth_files(example)
        photo = read_picture(example.person, str(example.person)).convert("RGB")
        seen = await look(photo)
        maps = seen.maps
        for kind, file in known.maps.items():
            if file.is_file():
                labels = getattr(maps, kind)
                counts[kind].add(labels, read_labels(file, (labels.shape[1], labels.shape[0])))
                compared[kind] += 1
        if known.mask.is_file():
            scores.add(example.name, "mask_iou", _mask_iou(maker, seen, known, photo.size))
        done()
    for kind in _KINDS:
        if compared[kind]:
            scores.set_whole(f"{kind}_iou", counts[kind].mean_iou(), compared[kind])


def _mask_iou(maker: PublishedMaker, seen: Seen, known: TruthFiles, size: Size) -> float:
    true = read_picture(known.mask, str(known.mask)).convert("L").resize(size)
    try:
        mask = found(maker, seen, known.category, size, Edits()).mask
    except InputError:  # nobody, or nothing to be painted
        mask = Image.new("L", size)
    return mask_iou(np.asarray(mask) >= HALF_WHITE, np.asarray(true) >= HALF_WHITE)
