"""The built-in demo pack: the published architectures at a hundredth of their size.

The try-ons, warping and by diffusion, the networks that label a person and find joints, and the template engine's were
trained, on people who do not exist. UP2You's were not: their weights are random, from a fixed seed, and its shape and
colours are made up; everything around them works as it does with published weights.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

from torch import Generator

from model.demo_pack.avatar import write_avatar_networks
from model.demo_pack.matting import write_matting
from model.demo_pack.outfitting import write_outfitting_networks
from model.demo_pack.tensors import write_json
from model.engines.catvton.files import FOLDERS, files
from model.engines.pointcloth.files import BODY_POINTS, CODES, DRAPING
from model.engines.template.files import BODY as TEMPLATE_BODY
from model.engines.template.files import ERRORS, OUTFIT_NETWORK, PLACE_NETWORK
from model.engines.up2you.files import BODY, MATTING
from model.engines.warp.files import WEIGHTS as WARP
from model.perception.files import LABEL_MAPS
from model.perception.pose import POSE_FILES
from model.synthetic.making.body_export import LICENCE as BODY_LICENCE
from model.weights.pack import DEMO, MANIFEST, FileFacts

SEED = 10  # of random weights: any does; it stays, so that the pack's files do
UNTRAINED = "MIT (untrained demo networks)"
TRAINED = "MIT (trained on made-up people)"
POSE = POSE_FILES[0]
TEMPLATE = (PLACE_NETWORK, OUTFIT_NETWORK, TEMPLATE_BODY, ERRORS)
OUTFITS = (DRAPING, BODY_POINTS, CODES)
DEFAULTS = {  # small and short: more pixels and steps of untrained networks show nothing better
    "catvton": {"width": 96, "height": 128, "steps": 2, "guidance": 1.2},
    "ootdiffusion": {"width": 96, "height": 128, "steps": 4},
    "up2you": {"size": 128, "steps": 4, "mesh_size": 256, "iterations": 4, "faces": 10_000},
}


def write_demo_pack(folder: Path, trained: Path = DEMO) -> None:
    """Write the pack's files under `folder`.

    Args:
        trained: a pack to take from what takes hours to make, or other packages: the try-ons, the label and pose
            networks, the template engine's, the draping network and the body.
    """
    own = [trained / name for name in (BODY, POSE, *TEMPLATE, *OUTFITS)]
    for file in [*files(trained), trained / WARP, *own]:
        _copy(file, folder / file.relative_to(trained))
    written = write_avatar_networks(folder, Generator().manual_seed(SEED))
    written += write_outfitting_networks(folder, Generator().manual_seed(SEED))
    write_matting(folder / MATTING)
    copied = [folder / file.relative_to(trained) for file in own]
    _write_manifest(folder, [*files(folder), folder / WARP, *written, folder / MATTING, *copied])


def _copy(file: Path, to: Path) -> None:
    if file != to:
        to.parent.mkdir(parents=True, exist_ok=True)
        to.write_bytes(file.read_bytes())


def _write_manifest(folder: Path, written: Sequence[Path]) -> None:
    facts = {}
    for file in written:
        name = file.relative_to(folder).as_posix()
        digest = hashlib.sha256(file.read_bytes()).hexdigest()
        licence, source = _origin(name)
        untrained = licence == UNTRAINED and name != MATTING
        facts[name] = FileFacts(sha256=digest, licence=licence, source=source, untrained=untrained)
    content = {name: fact.model_dump(exclude_defaults=True) for name, fact in facts.items()}
    write_json(folder / MANIFEST, {"files": content, "defaults": DEFAULTS, "demo": True})


def _origin(name: str) -> tuple[str, str]:
    """Licence and maker of a file."""
    if name in (BODY, TEMPLATE_BODY):
        return BODY_LICENCE, "python -m model.synthetic.making.body_export"
    if name in LABEL_MAPS:
        return TRAINED, "python -m model train --what parsing"
    if name == POSE:
        return TRAINED, "python -m model train --what pose"
    if name in TEMPLATE:
        return TRAINED, "python -m model train --engine template"
    if name in OUTFITS:
        return TRAINED, "python -m model train --engine pointcloth"
    if name == WARP:
        return TRAINED, "python -m model train --engine warp"
    if name.split("/")[0] in FOLDERS.values():
        return TRAINED, "python -m model.train.demo"
    return UNTRAINED, "python -m model demo-pack"
