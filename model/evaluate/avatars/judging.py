"""One made-up person's avatar against what is true."""

from __future__ import annotations

from dataclasses import asdict

import numpy as np
import torch
from scipy.spatial import cKDTree
from torch import Tensor

from model.avatar.pipeline import AvatarPipeline
from model.avatar.subject import Subject
from model.body.a_pose import a_pose
from model.body.measurements import measure
from model.body.smplx import BodyModel
from model.clothes.arrays import Floats
from model.engines.template.labels import LabelledPixels
from model.engines.template.pipeline import SEEN_SIZE, TemplatePipeline
from model.evaluate.avatars import views
from model.evaluate.avatars.finished import FinishedViews, finished_scores
from model.evaluate.avatars.labels import layers_right, place_errors, true_labels
from model.evaluate.avatars.people import JudgedPerson
from model.evaluate.avatars.scores import Judged
from model.mesh.mesh import Mesh

SIZE = 96  # of the views that are compared
_POINTS = 20_000  # of a surface


def judged(person: JudgedPerson, pipeline: AvatarPipeline, finished: FinishedViews | None = None) -> Judged:
    """What is to be said of the avatar, as far as the stages of its pipeline have come. finished: it, seen again."""
    subject = pipeline.subject
    made, baseline = views.premultiplied(subject.rgb, SIZE), filled(person)
    values = _of_views(person, made) | _of_shape(person, subject, pipeline.resources.body)
    if isinstance(pipeline, TemplatePipeline):
        values |= _of_labels(person, pipeline)
    by_view = [views.psnr_in_union(made[i : i + 1], person.views[i : i + 1]) for i in range(len(made))]
    clothes = " and ".join(cut.kind.replace("_", " ") for cut in person.person.garments.values())
    plain = _of_views(person, baseline)
    if finished is not None:
        made_again, from_views = finished_scores(person, finished)
        values, plain = {**values, **made_again}, {**plain, **from_views}
    return Judged(str(person.seed), clothes, values, plain, by_view)


def filled(person: JudgedPerson) -> Floats:
    """The baseline: the true outlines, each part in its mean colour in the photos."""
    colours, layers = [], []
    for photo in person.photos:
        colours.append(np.asarray(photo.picture)[..., :3].reshape(-1, 3) / 255)
        layers.append(photo.buffers.layers[::2, ::2].reshape(-1))
    all_colours, all_layers = np.concatenate(colours), np.concatenate(layers)
    painted = np.zeros_like(person.views)
    there = _layers_of_all(person)
    for layer in np.unique(there):
        seen = all_layers == layer
        if layer and seen.any():
            painted[there == layer, :3] = all_colours[seen].mean(0)
    painted[..., :3] *= person.views[..., 3:]
    painted[..., 3] = person.views[..., 3]
    return painted


def _layers_of_all(person: JudgedPerson) -> views.Layers:
    """(6, size, size): of the true views, also where they show somebody in a part of a pixel."""
    fine = np.stack([view.layers for view in person.a_pose.views])
    count, size = fine.shape[0], fine.shape[1] // 2
    coarse: views.Layers = fine.reshape(count, size, 2, size, 2).max((2, 4))
    return coarse


def _of_views(person: JudgedPerson, made: Floats) -> dict[str, float]:
    return {
        "psnr": views.psnr_in_union(made, person.views),
        "psnr_garments": views.psnr_of_garments(made, person.views, person.layers),
        "iou": views.outline_iou(made, person.views),
        "colour": views.colour_error(made, person.views, person.layers),
        "gradient": 100 * views.gradient_kept(made, person.views, person.layers),
        "retrieval": 100.0 * (views.nearest_of(made, person.alike()) == 0),
    }


def _of_shape(person: JudgedPerson, subject: Subject, body: BodyModel) -> dict[str, float]:
    true, found = torch.from_numpy(person.person.betas), subject.betas.cpu()
    values = {"body": 1000 * _chamfer(a_pose(body, found).vertices, a_pose(body, true).vertices)}
    if hasattr(subject, "mesh"):
        values["surface"] = 1000 * _chamfer(subject.mesh.vertices, torch.from_numpy(person.surface))
    sizes, wanted = (_measured(body, betas) for betas in (found, true))
    return values | {name: 100 * abs(size - wanted[name]) for name, size in sizes.items() if name in wanted}


def _measured(body: BodyModel, betas: Tensor) -> dict[str, float]:
    resting = body.shaped(betas)
    sizes = asdict(measure(Mesh(resting, body.faces), body.joint_regressor @ resting))
    return {name: size for name, size in sizes.items() if size is not None}


def _chamfer(one: Tensor, other: Tensor) -> float:
    """The mean of both mean distances between points of two surfaces, (N, 3) each."""
    rng = np.random.default_rng(0)
    clouds = [points[rng.permutation(len(points))[:_POINTS]] for points in (one.numpy(force=True), other.numpy())]
    there, back = (cKDTree(b).query(a)[0].mean() for a, b in (clouds, clouds[::-1]))
    return float(there + back) / 2


def _of_labels(person: JudgedPerson, pipeline: TemplatePipeline) -> dict[str, float]:
    subject, outfit = pipeline.subject, pipeline.outfit()
    pixels = LabelledPixels.of(subject.features)
    true = true_labels(person.photos, subject.photos, SEEN_SIZE)
    errors = place_errors(pixels.places, true)
    cuts = person.person.garments
    top, low = cuts.get("upper") or cuts["dress"], cuts.get("lower")
    right = {
        "dress": outfit.dress == ("dress" in cuts),
        "skirt": any(cut.kind == "skirt" for cut in outfit.cuts) == (low is not None and low.kind == "skirt"),
        "long_hair": outfit.long_hair == person.person.look.long_hair,
        "sleeveless": outfit.cuts[0].sleeveless == top.sleeveless,
    }
    return {
        "place_median": 100 * float(np.median(errors)),
        "place_mean": 100 * float(errors.mean()),
        "layers": 100 * layers_right(pixels.decided(dress=outfit.dress), true),
        **{name: 100.0 * was for name, was in right.items()},
    }
