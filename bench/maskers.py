"""How near the masks of each maker are to the published masker's, from the truth and from networks that look for it."""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from PIL import Image

from bench.known_people import known_makers
from bench.report import Report, Row, Target
from model.engines.pack import EnginePack
from model.errors import InputError
from model.perception.overlap import LabelCounts, mask_iou
from model.perception.parsing import Parsing
from model.perception.pose import open_pose
from model.train.parsing.labelled import labelled_photos
from model.train.parsing.people import MAPS, ParsedPeople, make_people
from model.train.pose.framing import box_of
from model.tryon.masker import found
from model.tryon.maskers.edits import Edits
from model.tryon.maskers.makers import Maker, MakerName
from model.tryon.maskers.opening import open_makers
from model.tryon.request import Category

SIZE = 192, 256
SEED, UNSEEN = 77, 1_000_077
CATEGORIES: tuple[Category, ...] = ("upper", "lower", "overall")  # as `make_people` takes turns
LEAST_PARSER, MOST_LOSS = 0.80, 0.08
LEAST_SURE, NEAR = 0.3, 0.05  # of a joint; share of the longer side of the person's box

Scores = dict[str, list[float]]


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench.maskers", description=__doc__)
    parser.add_argument("--people", type=int, default=200)
    parser.add_argument("--model-dir", nargs="+", default=["demo"], help="packs whose networks look")
    options = parser.parse_args()
    report = Report(
        name="maskers",
        title="Mask makers",
        how=f"{options.people} made-up people of {SIZE[0]} x {SIZE[1]}, each with the category of the clothes that the "
        "photo is taken for. IoU of each maker's mask with that of the published masker from true labels: told the "
        "true labels and joints, and with the networks of a pack. A photo in which nothing was found counts 0. Below: "
        "the networks themselves on as many photos of people from all sides, empty rooms and clothes alone.",
    )
    people = make_people(options.people, SEED, *SIZE)
    packs = {name: EnginePack(name).folder for name in options.model_dir}
    truth, looked = overlaps(
        people, {name: open_makers(folder, ["CPUExecutionProvider"]) for name, folder in packs.items()}
    )
    for maker, scores in truth.items():
        row: Row = {"maker": maker, "true labels and joints": float(np.mean(scores))}
        report.rows.append(row | {name: mean_or_none(looked[name].get(maker, [])) for name in packs})
    report.more["The networks"] = [network_scores(name, folder, options.people) for name, folder in packs.items()]
    last = looked[options.model_dir[-1]]
    report.targets.append(Target("parser, told the truth", float(np.mean(truth["parser"])), LEAST_PARSER, "", True))
    for maker, scores in last.items():
        loss = float(np.mean(truth[maker]) - np.mean(scores))
        report.targets.append(Target(f"{maker}, lost by looking", loss, MOST_LOSS, ""))
    report.publish()


def mean_or_none(scores: list[float]) -> str | float:
    return float(np.mean(scores)) if scores else "no file"


def overlaps(people: ParsedPeople, makers: Mapping[str, Mapping[MakerName, Maker]]) -> tuple[Scores, dict[str, Scores]]:
    """IoU with the published mask from true labels: of makers told the truth, and of those of each pack."""
    truth: Scores = defaultdict(list)
    looked: dict[str, Scores] = {name: defaultdict(list) for name in makers}
    for i in range(len(people)):
        category, photo = CATEGORIES[i % len(CATEGORIES)], Image.fromarray(people.photos[i])
        known = known_makers(people, i)
        wanted = mask_of(known["published"], photo, category)
        if wanted is None:
            continue
        for name, maker in known.items():
            truth[name].append(overlap(maker, photo, category, wanted))
        for pack, there in makers.items():
            for name, maker in there.items():
                looked[pack][name].append(overlap(maker, photo, category, wanted))
    return truth, looked


def overlap(maker: Maker, photo: Image.Image, category: Category, wanted: np.ndarray) -> float:
    mask = mask_of(maker, photo, category)
    return 0.0 if mask is None else mask_iou(mask, wanted)


def mask_of(maker: Maker, photo: Image.Image, category: Category) -> np.ndarray | None:
    """(H, W) bool; None where nothing was found."""
    try:
        return np.asarray(found(maker, maker.look(photo), category, photo.size, Edits()).mask) > 0
    except InputError:
        return None


def network_scores(name: str, folder: Path, count: int) -> Row:
    """Of the networks of one pack."""
    photos = [labelled_photos(UNSEEN, number, *SIZE)[0] for number in range(count)]
    row: Row = {"networks": name}
    for i, (kind, classes) in enumerate(MAPS.items()):
        network = Parsing(folder / f"perception/{'' if kind == 'densepose' else 'parsing_'}{kind}.onnx", classes)
        counts, nobody = LabelCounts(classes), []
        for photo, labels, _ in photos:
            seen = network.labels(Image.fromarray(photo))
            counts.add(seen, labels[i])
            if not labels.any():
                nobody.append(float((seen > 0).mean()))
        row |= {f"{kind}, mean IoU": counts.mean_iou(), f"{kind}, % seen in empty rooms": 100 * float(np.mean(nobody))}
    pose = open_pose(folder)
    if pose is not None:
        near = []
        for photo, labels, joints in photos:
            box = box_of(labels)
            seen_pose = pose.pose(Image.fromarray(photo), box)
            reach = NEAR * max(box[2] - box[0], box[3] - box[1])
            for joint, (x, y, sure) in enumerate(joints):
                if sure == 1:
                    near.append(seen_pose is not None and is_near(seen_pose.coco_18[joint], x, y, reach))
        row["joints in sight found"] = float(np.mean(near))
    return row


def is_near(joint: np.ndarray, x: float, y: float, reach: float) -> bool:
    return bool(joint[2] >= LEAST_SURE and np.hypot(joint[0] + 0.5 - x, joint[1] + 0.5 - y) <= reach)


if __name__ == "__main__":
    main()
