"""`avatar`: make a 3D avatar of a person."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

import httpx

from client.options import CATEGORIES, Numbers, add_delivery, add_engine, add_numbers, add_platform, add_where, fields
from client.references import folder, given, photos_in, picture, references
from client.results import results_of

_NUMBERS: Numbers = {
    "size": (int, "pixels a side of the six views, a multiple of 64 in 64..1024 (default: the weights' own, else 768)"),
    "steps": (int, "of each of the two denoising loops, 1..200 (default: 50)"),
    "guidance": (float, "how closely the photos are followed, 0..20; at 1 or below a step costs half (default: 3)"),
    "seed": (int, "0..2^32-1; the same seed gives the same avatar (default: random, and told)"),
    "mesh_size": (int, "pixels a side at which the mesh is fitted, 64..2048 (default: 1024)"),
    "iterations": (int, "how often, 1..2000 (default: 700)"),
    "faces": (int, "most triangles, 1000..500000 (default: 60000)"),
    "texture_size": (int, "pixels a side of the atlas, 256, 512, 1024 or 2048 (default: 1024)"),
}
_OWN = (
    *("engine", "formats", "texture", "texture_format", "lods", "compression", "pose", "clips"),
    *("body_only", "turntable", "category", "id", "deadline_s"),
)


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--photos",
        type=folder,
        required=True,
        metavar="DIR",
        help="a folder of photos of one person, or s3://bucket/folder/",
    )
    parser.add_argument(
        "--garment", type=picture, metavar="PICTURE", help="dresses the person anew: each photo goes through a try-on"
    )
    parser.add_argument("--category", choices=CATEGORIES, help="of the garment (default: upper)")
    add_numbers(parser, _NUMBERS)
    parser.add_argument(
        "--formats", nargs="+", choices=("glb", "obj", "ply", "usdz", "vrm"), help="of the mesh (default: glb)"
    )
    parser.add_argument(
        "--lods", type=int, nargs="+", metavar="N", help="instead of --faces: triangles of each level, finest first"
    )
    parser.add_argument("--compression", choices=("none", "draco"), help="of the GLBs' triangles (default: none)")
    parser.add_argument("--pose", choices=("a", "t"), help="in which the person is bound (default: a)")
    parser.add_argument("--clips", nargs="+", choices=("idle", "walk"), help="animations in the GLBs (default: none)")
    parser.add_argument(
        "--texture", choices=("atlas", "vertex"), help="a picture, or colours of the vertices (default: atlas)"
    )
    parser.add_argument("--texture-format", choices=("png", "webp"), help="of the atlas in GLBs (default: png)")
    parser.add_argument("--body-only", action="store_const", const=True, help="the body without clothes and colours")
    parser.add_argument("--turntable", action="store_const", const=True, help="also a film of a full turn")
    add_engine(parser)
    add_delivery(parser)
    add_where(parser)
    add_platform(parser)
    parser.set_defaults(run=run)


def run(http: httpx.Client, args: Namespace) -> None:
    results_of(http, _body(args), args.out)


def _body(args: Namespace) -> dict[str, object]:
    """The request as the command line has it; what was not given is left to the server."""
    output = given({"prefix": args.output_prefix})
    clothes = references(given({"garment": args.garment}))
    return {"type": "avatar", **photos_in(args.photos), **clothes, **fields(args, (*_NUMBERS, *_OWN)), "output": output}
