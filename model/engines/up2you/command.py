"""`python -m model avatar`: from a folder of photos, or on from what an earlier run left."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from model.avatar.request import STAGES
from model.codes import LocalCode
from model.command import DEFAULTS, add_device, add_fields, existing_folder, loaded_pack, run_engine
from model.engine import Job
from model.engines.up2you.request import Request
from model.errors import InputError

if TYPE_CHECKING:
    from model.engines.up2you.engine import UP2You

_SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".heic", ".heif", ".bmp", ".gif", ".tif", ".tiff")
_REQUEST_FIELDS = (
    *("size", "steps", "guidance", "seed", "mesh_size", "iterations", "faces", "texture", "texture_size"),
    *("formats", "stages", "body_only", "turntable", "reference"),
)


def add_arguments(parser: ArgumentParser) -> None:
    """The command's own arguments, named like the request's fields."""
    parser.add_argument(
        "--photos",
        type=existing_folder,
        metavar="DIR",
        help="a folder of pictures of one person; not with --from-stage",
    )
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="where avatar.glb goes")
    add_fields(parser, Request, _REQUEST_FIELDS)
    parser.add_argument("--no-rig", action="store_true", help="no skeleton and no weights in the GLB")
    parser.add_argument(
        "--from-stage",
        choices=STAGES,
        default=STAGES[0],
        help="read what the stages before it have left in --out (default: %(default)s)",
    )
    add_device(parser)
    parser.epilog = DEFAULTS
    parser.set_defaults(command=avatar)


def avatar(arguments: Namespace) -> int:
    """Make one avatar."""
    pack = loaded_pack(arguments, "up2you")
    photos = _photos(arguments.photos) if arguments.photos else []
    if not photos and arguments.from_stage == STAGES[0]:
        raise InputError("--photos names no folder with pictures", code=LocalCode.NO_PHOTOS, field="photos")
    given = {name: value for name in _REQUEST_FIELDS if (value := getattr(arguments, name)) is not None}
    body: dict[str, object] = {"photos": [str(photo) for photo in photos] or ["left by an earlier run"]}
    request = Request.model_validate(body | given, context=pack.defaults("up2you"))
    files = {f"photos.{i}": photo for i, photo in enumerate(photos)}

    async def run(engine: UP2You, request: Request, job: Job) -> None:
        job.export_rig = not arguments.no_rig
        await engine.run_from(request, job, arguments.from_stage)

    return run_engine(arguments, pack, request, files, run)


def _photos(folder: Path) -> list[Path]:
    return sorted(file for file in folder.iterdir() if file.suffix.lower() in _SUFFIXES) if folder.is_dir() else []
