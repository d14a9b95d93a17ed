"""`python -m model outfit`: fit outfits of folders; take over published files of point-based clothing, or give."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from model.command import add_device, add_fields, existing_file, existing_folder, loaded_pack
from model.engines.pointcloth.request import MAX_PHOTOS, Request

if TYPE_CHECKING:
    from argparse import _SubParsersAction

_FIELDS = (
    *("clothes", "appearance", "appearance_iterations", "visibility_thr", "coarse_iterations", "fine_iterations"),
    *("focal", "seed", "size", "surface", "fit_film", "turntable"),
)


def add_arguments(parser: ArgumentParser) -> None:
    """Its commands."""
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_fit(commands.add_parser("fit", help="fit the outfits of all people in a folder"))
    _add_import(commands.add_parser("import", help="make a MODEL_DIR of published files; nothing in them is run"))
    codes = commands.add_parser("codes", help="write codes of outfit.npz files as outfit_codes_*.pkl")
    codes.add_argument(
        "outfits", type=existing_file, nargs="+", metavar="FILE", help="outfit.npz, called as its folder is"
    )
    codes.add_argument("--out", type=Path, required=True, metavar="FILE", help="outfit_codes_NAME.pkl")
    codes.set_defaults(command=codes_command)
    _add_looks(commands)


def _add_fit(parser: ArgumentParser) -> None:
    layouts = (
        "photos/ with masks/ and bodies/, or as the published samples lie: images/ or rgb/ and what belongs to them"
    )
    parser.add_argument("--data", type=existing_folder, required=True, metavar="DIR", help=layouts)
    parser.add_argument("--csv", type=existing_file, metavar="FILE", help="only whom it names: columns seq, id")
    parser.add_argument(
        "--split",
        default="fit1",
        metavar="NAME",
        help="splits/PERSON/NAME.csv gives the cut (default: %(default)s)",
    )
    parser.add_argument("--looks-split", metavar="NAME", help="of videos: the same of the looks, such as train")
    parser.add_argument(
        "--most-photos", type=int, default=16, metavar="N", help="of a video, taken evenly (default: %(default)s)"
    )
    parser.add_argument(
        "--name", default="ours", help="in outfit_codes_NAME.pkl, image_paths_NAME.pkl (default: %(default)s)"
    )
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="a folder for each person goes there")
    add_fields(parser, Request, _FIELDS)
    add_device(parser)
    parser.set_defaults(command=fit_command)


def _add_import(parser: ArgumentParser) -> None:
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="the MODEL_DIR to be written")
    parser.add_argument("--draping", type=Path, required=True, metavar="FILE", help="draping_network_90_epochs.pth")
    parser.add_argument("--smpl", type=Path, required=True, metavar="FILE", help="SMPL's neutral model, .pkl")
    parser.add_argument("--clothed", type=Path, required=True, metavar="FILE", help="vertices_cloth_mask.pkl")
    parser.add_argument("--samples", type=Path, required=True, metavar="FILE", help="smpl_sample_inds.pkl")
    parser.add_argument("--codes", type=Path, metavar="FILE", help="outfit_codes_*.pkl: outfits by name")
    parser.set_defaults(command=import_command)


def _add_looks(commands: _SubParsersAction[ArgumentParser]) -> None:
    taking = commands.add_parser("take", help="make an outfit.npz of model0_*.pth and ntex0_*.pth")
    taking.add_argument("--model", type=existing_file, required=True, metavar="FILE", help="model0_*.pth")
    taking.add_argument("--looks", type=existing_file, required=True, metavar="FILE", help="ntex0_*.pth")
    taking.add_argument("--person", required=True, metavar="NAME", help="whose outfit of those in the files")
    taking.add_argument("--out", type=Path, required=True, metavar="FILE", help="outfit.npz")
    taking.set_defaults(command=take_command)
    giving = commands.add_parser("give", help="make model0_*.pth and ntex0_*.pth of an outfit.npz")
    giving.add_argument("outfit", type=existing_file, metavar="FILE", help="outfit.npz with looks by a network")
    giving.add_argument("--person", required=True, metavar="NAME", help="what it is called in them")
    giving.add_argument("--epoch", type=int, default=79, metavar="N", help="in the files' names (default: %(default)s)")
    giving.add_argument("--out", type=Path, required=True, metavar="DIR", help="where both files go")
    add_device(giving)
    giving.set_defaults(command=give_command)


def fit_command(arguments: Namespace) -> int:
    """Fit a folder; 1 if somebody's outfit could not be."""
    from model.engines.pointcloth.folders import subjects_in

    pack = loaded_pack(arguments, "pointcloth")
    options = {name: value for name in _FIELDS if (value := getattr(arguments, name)) is not None}
    most = min(max(1, arguments.most_photos), MAX_PHOTOS)
    subjects = subjects_in(arguments.data, arguments.csv, arguments.split, arguments.looks_split, most)
    from model.engines.pointcloth.folder_fits import fit_folder  # torch takes seconds to import

    failed = fit_folder(arguments, pack.folder, subjects, options)
    print(f"{len(subjects) - failed} of {len(subjects)} in {arguments.out}")
    return 1 if failed else 0


def import_command(arguments: Namespace) -> int:
    """Write a MODEL_DIR."""
    from model.engines.pointcloth.published import import_body, import_codes, import_draping  # torch takes seconds

    import_draping(arguments.draping, arguments.out)
    import_body(arguments.smpl, arguments.clothed, arguments.samples, arguments.out)
    if arguments.codes is not None:
        import_codes(arguments.codes, arguments.out)
    print(arguments.out)
    return 0


def codes_command(arguments: Namespace) -> int:
    """Write codes as the published notebooks read them."""
    from model.engines.pointcloth.outfit import read_outfit
    from model.engines.pointcloth.published import write_codes

    codes = {file.resolve().parent.name: read_outfit(file, file.name).code for file in arguments.outfits}
    write_codes(arguments.out, codes)
    print(arguments.out)
    return 0


def take_command(arguments: Namespace) -> int:
    """Write an outfit of published files."""
    from model.engines.pointcloth.published import import_outfit

    import_outfit(arguments.model, arguments.looks, arguments.person).save(arguments.out)
    print(arguments.out)
    return 0


def give_command(arguments: Namespace) -> int:
    """Write an outfit, its looks and the draping network as the published notebooks read them."""
    import torch

    from model.engines.pointcloth.checkpoint import draping
    from model.engines.pointcloth.outfit import read_outfit
    from model.engines.pointcloth.published import export_outfit

    pack = loaded_pack(arguments, "pointcloth")
    network = draping(pack.folder).load(torch.device("cpu"), torch.float32)
    arguments.out.mkdir(parents=True, exist_ok=True)
    outfit = read_outfit(arguments.outfit, arguments.outfit.name)
    for file in export_outfit(outfit, network.state_dict(), arguments.out, arguments.person, arguments.epoch):
        print(file)
    return 0
