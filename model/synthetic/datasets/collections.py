"""Photo collections with the truth about the person in them, in the layout avatar engines are trained on.

FOLDER/000007/a_pose/                       the person of seed 7
    source/front_top_00.png ...             RGBA, 6 to 10 loose photos in furnished rooms, the true outline in alpha;
                                            named by the side that is seen, and whether the head is
    target_mesh_rgb/000.png ...             RGBA, in A pose, from azimuths 0, 45, 90, 180, 270 and 315
    target_mesh_normal/000.png ...          RGBA, the surface's normals there, of the world's axes
    target_smplx_normal/000.png ...         the bare body's, on grey, as the engine shows them to its networks
    smplx/smplx_params.json                 seed; betas; joints in A pose, metres, by name; centre, metres, of what the
                                            views show, and their half_pictures_per_metre
FOLDER/up2you.json                          all paths, by person

As the published training data of UP2You (arXiv 2509.24817) lie, but that the bodies there are pickles.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from model.avatar.pose_images import pose_images
from model.body.joints import JOINTS
from model.mesh.cameras import AZIMUTHS
from model.mesh.rasterise_torch import Torch
from model.synthetic.datasets.a_pose_views import APose, a_pose_views
from model.synthetic.datasets.loose_photos import loose_photos, moment, somebody
from model.synthetic.people.body import body_model
from model.synthetic.scene.person import Person
from model.synthetic.scene.shots import Shot

CASE = "a_pose"
INDEX = "up2you.json"
TARGETS = ("target_mesh_rgb", "target_mesh_normal", "target_smplx_normal")
_LEAST, _MOST = 6, 10  # photos
_WITH_HEAD = 0.95  # of the height: a photo that reaches beyond shows the head


def write_collections(folder: Path, count: int, seed: int, size: tuple[int, int]) -> Iterator[Path]:
    """Write people `seed` to `seed + count - 1`, each when it is asked for; yields their folders. The index comes last.

    Args:
        size: width and height of the photos; the views are square and as high.
    """
    people = []
    for number in range(seed, seed + count):
        yield write_collection(folder / f"{number:06d}", number, size)
        people.append(_indexed(folder, f"{number:06d}"))
    (folder / INDEX).write_text(json.dumps(people, indent=1) + "\n")


def write_collection(folder: Path, seed: int, size: tuple[int, int]) -> Path:
    """One person. Files that are already there are replaced."""
    case, person = folder / CASE, somebody(seed)
    count = int(np.random.default_rng([seed, 2]).integers(_LEAST, _MOST + 1))
    photos = loose_photos(seed, count, *size, furnished=True)
    _save(case / "source", [f"{_side(moment(seed, i).shot)}_{i:02d}" for i in range(count)], photos)
    truth = a_pose_views(person, size[1])
    bare = pose_images(body_model(), torch.from_numpy(person.betas), size[1], Torch())
    levels = bare.permute(0, 2, 3, 1).mul(255).round().byte().numpy()
    views = truth.colours, truth.normals, [Image.fromarray(view) for view in levels]
    for name, pictures in zip(TARGETS, views, strict=True):
        _save(case / name, [f"{azimuth:03d}" for azimuth in AZIMUTHS], pictures)
    (case / "smplx").mkdir(exist_ok=True)
    (case / "smplx" / "smplx_params.json").write_text(json.dumps(_body(seed, person, truth), indent=1) + "\n")
    return folder


def _side(shot: Shot) -> str:
    """What a photo shows: "left_bottom" is the person's left, without the head."""
    azimuth = (shot.azimuth + 180) % 360 - 180
    if abs(azimuth) < 45:
        side = "front"
    elif abs(azimuth) > 135:
        side = "back"
    else:
        side = "left" if azimuth > 0 else "right"
    return f"{side}_{'top' if shot.top > _WITH_HEAD else 'bottom'}"


def _save(folder: Path, names: Sequence[str], pictures: Sequence[Image.Image]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, picture in zip(names, pictures, strict=True):
        picture.save(folder / f"{name}.png")


def _body(seed: int, person: Person, truth: APose) -> dict[str, object]:
    camera = truth.cameras[0]
    return {
        "seed": seed,
        "betas": person.betas.tolist(),
        "joints": dict(zip(JOINTS, truth.joints.tolist(), strict=True)),
        "centre": camera.centre.tolist(),
        "half_pictures_per_metre": camera.zoom,
    }


def _indexed(folder: Path, person: str) -> dict[str, object]:
    """Where the files of a person are, under `folder`."""
    case = folder / person / CASE

    def paths(part: str, pattern: str = "*.png") -> list[str]:
        return [file.relative_to(folder).as_posix() for file in sorted((case / part).glob(pattern))]

    kinds = [f"{side}_{end}" for side in ("front", "back", "left", "right") for end in ("top", "bottom")]
    targets: dict[str, object] = {f"{part}_paths": paths(part) for part in TARGETS}
    targets |= {"case_name": CASE, "target_smplx_params_path": paths("smplx", "*.json")[0]}
    sources = {kind: paths("source", f"{kind}_*.png") for kind in kinds}
    return {"id": person, "source_paths": sources, "cases_target_data": [targets]}
