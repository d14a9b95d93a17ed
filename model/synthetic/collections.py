"""Photo collections with the truth about the person in them, as files: what an avatar engine is trained and judged on.

FOLDER/000007/                      the person of seed 7
    photos/00.png ...               RGBA, 6 to 10 loose photos in furnished rooms, the true outline in alpha
    views/rgb_000.png ...           RGBA, the person in A pose from azimuths 0, 45, 90, 180, 270 and 315
    views/normals_000.png ...       RGBA, the surface's normals there, of the world's axes
    body.json                       seed; betas; joints in A pose, metres, by name; centre, metres, of what the views
                                    show, and their half_pictures_per_metre

The layout is our own. Views are named by azimuth, as those of the published training data are; bodies are JSON where
those are pickles.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from model.body.cameras import AZIMUTHS
from model.synthetic.a_pose_views import APose, a_pose_views
from model.synthetic.joints import JOINTS
from model.synthetic.loose_photos import loose_photos, somebody
from model.synthetic.people import Person

_LEAST, _MOST = 6, 10  # photos


def write_collections(folder: Path, count: int, seed: int, size: tuple[int, int]) -> Iterator[Path]:
    """Write people `seed` to `seed + count - 1`, each when it is asked for; yields their folders.

    Args:
        size: width and height of the photos; the views are square and as high.
    """
    for number in range(seed, seed + count):
        yield write_collection(folder / f"{number:06d}", number, size)


def write_collection(folder: Path, seed: int, size: tuple[int, int]) -> Path:
    """One person. Files that are already there are replaced."""
    (folder / "photos").mkdir(parents=True, exist_ok=True)
    (folder / "views").mkdir(exist_ok=True)
    count = int(np.random.default_rng([seed, 2]).integers(_LEAST, _MOST + 1))
    for i, photo in enumerate(loose_photos(seed, count, *size, furnished=True)):
        photo.save(folder / "photos" / f"{i:02d}.png")
    person = somebody(seed)
    truth = a_pose_views(person, size[1])
    for azimuth, colours, normals in zip(AZIMUTHS, truth.colours, truth.normals, strict=True):
        colours.save(folder / "views" / f"rgb_{azimuth:03d}.png")
        normals.save(folder / "views" / f"normals_{azimuth:03d}.png")
    (folder / "body.json").write_text(json.dumps(_body(seed, person, truth), indent=1) + "\n")
    return folder


def _body(seed: int, person: Person, truth: APose) -> dict[str, object]:
    camera = truth.cameras[0]
    return {
        "seed": seed,
        "betas": person.betas.tolist(),
        "joints": dict(zip(JOINTS, truth.joints.tolist(), strict=True)),
        "centre": camera.centre.tolist(),
        "half_pictures_per_metre": camera.zoom,
    }
