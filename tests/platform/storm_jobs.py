"""Try-ons for the storm, no two alike: who wears what, how large, how it is asked for and where the result goes."""

from __future__ import annotations

import base64
import io
import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from PIL import Image
from urllib3.filepost import encode_multipart_formdata

from model.samples.samples import SAMPLES, SampleTryOn
from model.synthetic.datasets.sample_pictures import sample_pictures
from tests.conftest import Bucket, encode

PHOTO = (192, 256)
INLINE_PHOTO = (96, 128)  # three of these and their base64 fit the 128,000 bytes of an inline body
SIZES = ((96, 128), (64, 96), (80, 112), (128, 160))
FORMS = ("json", "links", "parts", "omoib")  # pictures in the JSON, in S3, beside it; an earlier container's fields

Json = dict[str, Any]


@dataclass(frozen=True)
class StormJob:
    """One request as an asynchronous endpoint is asked. `stored`: its results go to S3, not into the answer."""

    id: str
    body: bytes
    content_type: str
    accept: str
    stored: bool


@dataclass(frozen=True)
class Wardrobe:
    """Pictures of every sample, rendered once: PNG files by size, sample and field, and where S3 has them."""

    files: Mapping[tuple[tuple[int, int], str, str], bytes]
    links: Mapping[tuple[str, str], str]


def wardrobe(bucket: Bucket) -> Wardrobe:
    files, links = {}, {}
    for sample in SAMPLES:
        for field, picture in sample_pictures(sample, PHOTO).items():
            files[PHOTO, sample.person, field] = encode(picture)
            shrunk = picture.resize(INLINE_PHOTO, Image.Resampling.NEAREST if field == "mask" else None)
            files[INLINE_PHOTO, sample.person, field] = encode(shrunk)
            key = f"wardrobe/{sample.person}_{field}.png"
            links[sample.person, field] = bucket.put(key, files[PHOTO, sample.person, field])
    return Wardrobe(files, links)


def storm_jobs(count: int, seed: int, clothes: Wardrobe, prefix: str) -> list[StormJob]:
    """The same `count` try-ons for the same seed.

    Args:
        prefix: `s3://bucket/folder/` of the results that are stored.
    """
    generator = random.Random(seed)  # noqa: S311 - reproducible
    return [storm_job(f"storm-{i:03}", generator, clothes, prefix) for i in range(count)]


def storm_job(job_id: str, chance: random.Random, clothes: Wardrobe, prefix: str) -> StormJob:
    person = chance.choice(SAMPLES)
    garment = chance.choice([sample for sample in SAMPLES if sample.place == person.place])
    form = chance.choice(FORMS)
    stored = form == "omoib" or chance.random() < 0.5
    fields = how(person, chance) | {"id": job_id, "output": {"prefix": prefix} if stored else {"inline": True}}
    shown = {"person": (person.person, "person")}
    if not fields.get("mask_only"):
        shown["garment"] = (garment.person, "garment")
        if chance.random() < 0.6:
            shown["mask"] = (person.person, "mask")
    accept = "image/png" if form != "omoib" and chance.random() < 0.25 else "application/json"
    if accept == "image/png":
        fields.pop("return_mask", None)
    return StormJob(job_id, *body_of(form, fields, shown, clothes, chance), accept, stored)


def how(person: SampleTryOn, chance: random.Random) -> Json:
    """Everything about a try-on but its pictures."""
    width, height = chance.choice(SIZES)
    fields: Json = {
        "type": "tryon",
        "category": person.category,
        "width": width,
        "height": height,
        "steps": chance.randint(3, 8),
        "guidance": chance.choice((1.0, 2.5, 4.0)),
        "eta": chance.choice((0.0, 1.0)),
        "seed": chance.randrange(2**32),
        "repaint": chance.random() < 0.7,
    }
    special: Json = chance.choice(({"samples": 2}, {"return_mask": True}, {"mask_only": True}, {}, {}, {}))
    return fields | special


def body_of(
    form: str, fields: Json, shown: Mapping[str, tuple[str, str]], clothes: Wardrobe, chance: random.Random
) -> tuple[bytes, str]:
    """The body and its type, with its pictures in the way `form` has them."""
    size = chance.choice((PHOTO, INLINE_PHOTO))
    files = {field: clothes.files[size, *whose] for field, whose in shown.items()}
    if form == "parts":
        parts = {field: (f"{field}.png", content, "image/png") for field, content in files.items()}
        return encode_multipart_formdata({**parts, "request": json.dumps(fields)}, boundary=fields["id"])
    if form == "links":
        pictures = {field: clothes.links[whose] for field, whose in shown.items()}
    else:
        pictures = {field: base64.b64encode(content).decode() for field, content in files.items()}
    if form == "omoib":
        fields = fields | {"userId": "omar", "timestamp": fields["id"], "cloth_type": fields.pop("category")}
    return json.dumps(fields | pictures).encode(), "application/json"


def pictures_in(content: bytes, content_type: str, bucket: Bucket) -> dict[str, Image.Image]:
    """The pictures of an output object: itself, or those its JSON carries or names."""
    if content_type.startswith("image/"):
        return {"result": Image.open(io.BytesIO(content))}
    outputs: Sequence[Json] = json.loads(content)["outputs"]
    return {
        output["name"]: Image.open(
            io.BytesIO(base64.b64decode(output["data"]) if "data" in output else bucket.read(output["uri"]))
        )
        for output in outputs
    }
