"""`python -m model outfit`: published files of point-based clothing become a MODEL_DIR, and codes of ours theirs."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path


def add_arguments(parser: ArgumentParser) -> None:
    """Its two commands."""
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    importing = commands.add_parser("import", help="make a MODEL_DIR of published files; nothing in them is run")
    importing.add_argument("--out", type=Path, required=True, metavar="DIR", help="the MODEL_DIR to be written")
    importing.add_argument("--draping", type=Path, required=True, metavar="FILE", help="draping_network_90_epochs.pth")
    importing.add_argument("--smpl", type=Path, required=True, metavar="FILE", help="SMPL's neutral model, .pkl")
    importing.add_argument("--clothed", type=Path, required=True, metavar="FILE", help="vertices_cloth_mask.pkl")
    importing.add_argument("--samples", type=Path, required=True, metavar="FILE", help="smpl_sample_inds.pkl")
    importing.add_argument("--codes", type=Path, metavar="FILE", help="outfit_codes_*.pkl: outfits by name")
    importing.set_defaults(command=import_command)
    exporting = commands.add_parser("codes", help="write codes of outfit.npz files as outfit_codes_*.pkl")
    exporting.add_argument("outfits", type=Path, nargs="+", metavar="FILE", help="outfit.npz, called as its folder is")
    exporting.add_argument("--out", type=Path, required=True, metavar="FILE", help="outfit_codes_NAME.pkl")
    exporting.set_defaults(command=codes_command)


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
