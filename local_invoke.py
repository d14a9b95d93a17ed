"""Command-line client of an Atelier container. Without `--url` it starts a server of its own for the occasion.

Exit status: 0 done, 1 the service refused or failed, 2 wrong usage, 3 no server could be reached or started.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import contextlib
import hashlib
import json
import mimetypes
import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
from PIL import Image
from tqdm import tqdm

from container.local_server import NoServer, local_server
from model.contact_sheet import contact_sheet
from model.samples.samples import SAMPLES, Sample, sample_sheet
from serve.s3 import S3
from serve.store import Store, StoreError

TIMEOUT = httpx.Timeout(10, read=600)
DEMO_AT_ONCE, RETRIES, MAX_RETRY_AFTER_S = 4, 2, 60.0
DEMO_PERSON, DEMO_PHOTOS, DEMO_PHOTO_SIZE = 3, 5, (288, 384)

PICTURES = ("person", "garment", "upper", "lower", "mask")
PICTURE_SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".heic", ".heif")
NUMBERS = {"width": int, "height": int, "steps": int, "guidance": float, "eta": float, "seed": int, "samples": int}
CHOICES = {"quality": ("best", "balanced", "fast"), "solver": ("ddim", "dpmpp")}
AVATAR_NUMBERS = {
    **{"size": int, "steps": int, "guidance": float, "seed": int},
    **{"mesh_size": int, "iterations": int, "faces": int, "texture_size": int},
}

Json = dict[str, Any]
OnProgress = Callable[[str, int, int], None]


class Failed(Exception):  # noqa: N818 - what happened
    """The service did not do what was asked."""


class Refused(Failed):
    """The service answered with a problem (RFC 9457). `retry_after_s` is its advice, None without any."""

    def __init__(self, problem: Json) -> None:
        field = f" ({problem['field']})" if problem.get("field") else ""
        super().__init__(f"{problem['status']} {problem['code']}{field}: {problem['detail']}")
        self.code: str = problem["code"]
        self.retry_after_s: float | None = problem.get("retry_after_s") if problem.get("retryable") else None


class NotReadable(Failed):
    """A result is stored, but out of reach of this machine."""


def main(arguments: list[str] | None = None) -> int:
    """Run one command; returns the exit status."""
    args = parse(arguments)
    try:
        with connection(args) as http:
            args.run(http, args)
    except (Failed, OSError) as error:
        return complain(error, 1)
    except NoServer as error:
        return complain(error, 3)
    except httpx.TransportError as error:
        return complain(f"no answer from {args.url}: {error}", 3)
    except KeyboardInterrupt:
        return complain("interrupted", 130)
    return 0


def complain(reason: object, status: int) -> int:
    say(f"atelier: {' '.join(str(reason).split())}")
    return status


def say(text: str) -> None:
    """What is going on goes to stderr; stdout is for results."""
    print(text, file=sys.stderr, flush=True)


def parse(arguments: list[str] | None) -> argparse.Namespace:
    where = argparse.ArgumentParser(add_help=False)
    where.add_argument("--url", help="a running container; default: start a server here")
    where.add_argument("--model-dir", default="demo", help="checkpoints for the server started here (default: demo)")
    platform = argparse.ArgumentParser(add_help=False)
    platform.add_argument(
        "--as-sagemaker",
        nargs="?",
        const="",
        metavar="IMAGE",
        help="host a server, or IMAGE, as SageMaker does, ask through boto3, and tell what the platform saw",
    )
    platform.add_argument("--async", action="store_true", dest="queued", help="with it: as an asynchronous endpoint")
    how = argparse.ArgumentParser(add_help=False)
    for name, kind in NUMBERS.items():
        how.add_argument(f"--{name}", type=kind)
    for name, choices in CHOICES.items():
        how.add_argument(f"--{name}", choices=choices)
    parser = argparse.ArgumentParser(prog="local_invoke.py", description=(__doc__ or "").split("\n")[0])
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    commands.add_parser("ping", parents=[where], help="is it ready?").set_defaults(run=run_ping)
    commands.add_parser("models", parents=[where], help="what is served").set_defaults(run=run_models)
    demo = commands.add_parser("demo", parents=[where, platform, how], help="dress made-up people, make an avatar")
    demo.add_argument("--out", type=Path, default=Path("demo_out"))
    demo.add_argument("--limit", type=int, choices=range(1, len(SAMPLES) + 1), metavar="N", help="only N try-ons")
    demo.set_defaults(run=run_demo)
    add_tryon(commands.add_parser("tryon", parents=[where, platform, how], help="dress a person"))
    add_avatar(commands.add_parser("avatar", parents=[where, platform], help="make a 3D avatar of a person"))
    args = parser.parse_args(arguments)
    hosted = getattr(args, "as_sagemaker", None) is not None
    if hosted and args.url:
        parser.error("--as-sagemaker starts a container of its own: give no --url")
    if not hosted and getattr(args, "queued", False):
        parser.error("--async is for --as-sagemaker")
    if args.run is run_tryon and [bool(args.upper), bool(args.lower)] != 2 * [not args.garment]:
        parser.error("give either --garment, or --upper and --lower")
    return args


def add_tryon(tryon: argparse.ArgumentParser) -> None:
    pictures = tryon.add_argument_group("pictures", "a file, or an https:// or s3:// address the server fetches")
    for name in PICTURES:
        pictures.add_argument(f"--{name}", type=picture, required=name == "person")
    tryon.add_argument("--category", choices=("upper", "lower", "overall", "inner", "outer"), help="without --mask")
    tryon.add_argument("--variant", choices=("mask", "maskfree"))
    tryon.add_argument("--no-repaint", action="store_true", help="as painted, not pasted into the photo")
    tryon.add_argument("--format", choices=("png", "jpeg", "webp"))
    add_delivery(tryon)
    tryon.set_defaults(run=run_tryon)


def add_avatar(avatar: argparse.ArgumentParser) -> None:
    avatar.add_argument(
        "--photos", required=True, metavar="DIR", help="a folder of photos of one person, or s3://bucket/folder/"
    )
    for name, kind in AVATAR_NUMBERS.items():
        avatar.add_argument(f"--{name.replace('_', '-')}", type=kind)
    avatar.add_argument("--formats", nargs="+", choices=("glb", "obj", "ply"))
    avatar.add_argument("--texture", choices=("atlas", "vertex"))
    for name in ("body-only", "turntable"):
        avatar.add_argument(f"--{name}", action="store_const", const=True)
    add_delivery(avatar)
    avatar.set_defaults(run=run_avatar)


def add_delivery(command: argparse.ArgumentParser) -> None:
    command.add_argument("--id", help="idempotency key")
    command.add_argument("--deadline-s", type=float)
    command.add_argument("--output-prefix", metavar="s3://...", help="where the server stores the results")
    command.add_argument("--out", type=Path, required=True, help="folder for the results")


def picture(argument: str) -> str:
    if "://" not in argument and not Path(argument).is_file():
        raise argparse.ArgumentTypeError(f"no such file: {argument}")
    return argument


def run_ping(http: httpx.Client, args: argparse.Namespace) -> None:
    checked(http.get("/ping"))
    print("ready")


def run_models(http: httpx.Client, args: argparse.Namespace) -> None:
    print(json.dumps(checked(http.get("/api/models")).json(), indent=2))


def run_tryon(http: httpx.Client, args: argparse.Namespace) -> None:
    results = results_of(http, tryon_body(args), args.out)
    inputs = [(name, argument) for name in PICTURES if (argument := getattr(args, name))]
    if results and not any("://" in argument for _, argument in inputs):
        side_by_side = args.out / "side_by_side.png"
        named = [*inputs, *((file.stem, file) for file in results)]
        columns = [[Image.open(file)] for _, file in named]
        contact_sheet(columns, [name for name, _ in named], cell=(360, 480)).save(side_by_side)
        print(side_by_side)


def run_avatar(http: httpx.Client, args: argparse.Namespace) -> None:
    results_of(http, avatar_body(args), args.out)


def results_of(http: httpx.Client, body: Json, out: Path) -> list[Path]:
    """Send one request, tell what happens, and save what comes back."""
    with stage_bar() as on_progress:
        answer = invoke(http, body, on_progress)
    for warning in answer["warnings"]:
        say(f"note: {warning['message']} ({warning['code']})")
    say(f"seed {answer['seed']}")
    out.mkdir(parents=True, exist_ok=True)
    return [file for output in answer["outputs"] if (file := save(output, out))]


def run_demo(http: httpx.Client, args: argparse.Namespace) -> None:
    began = time.monotonic()
    samples = SAMPLES[: args.limit]
    args.out.mkdir(parents=True, exist_ok=True)
    with ThreadPoolExecutor(DEMO_AT_ONCE) as pool:
        running = pool.map(lambda i: demo_tryon(http, samples[i], i, args), range(len(samples)))
        answers = list(tqdm(running, total=len(samples), desc="try-ons", unit="", disable=None))
    sheet = args.out / "contact_sheet.png"
    title = f"Atelier, weights: {answers[0]['model']['licence'] or 'unknown licence'}"
    sample_sheet(samples, args.out, title, truths=True).save(sheet)
    print(sheet)
    say(f"{len(samples)} try-ons in {time.monotonic() - began:.1f} s")
    if not args.limit:
        demo_avatar(http, args.out)


def demo_tryon(http: httpx.Client, sample: Sample, seed: int, args: argparse.Namespace) -> Json:
    """Photograph somebody made up and a garment; save what they look like in it, and the mask that was found."""
    from model.synthetic.datasets.sample_pictures import render_sample  # imports torch, which only this command needs

    inputs = render_sample(sample, args.out)
    mask = inputs.pop("mask")
    body = {"type": "tryon", "seed": seed, "category": sample.category, **references(inputs), **options(args)}
    try:
        answer = invoke(http, body | {"return_mask": True}, lambda *_: None)
    except Refused as refusal:
        if refusal.code != "no_automask":  # weights that find none are shown the true one
            raise
        answer = invoke(http, body | references({"mask": mask}), lambda *_: None)
    for output in answer["outputs"]:
        file = mask if output["name"] == "mask.png" else args.out / sample.result
        file.write_bytes(content_of(output))
    return answer


def demo_avatar(http: httpx.Client, out: Path) -> None:
    """Photograph somebody made up, make their avatar, and show both on a sheet."""
    from model.synthetic.datasets.loose_photos import loose_photos  # imports torch, as above

    began = time.monotonic()
    photos = [out / f"photo_{i}.png" for i in range(DEMO_PHOTOS)]
    for file, photo in zip(photos, loose_photos(DEMO_PERSON, DEMO_PHOTOS, *DEMO_PHOTO_SIZE), strict=True):
        photo.convert("RGB").save(file)
    body = {"type": "avatar", **photos_of(photos), "seed": DEMO_PERSON, "turntable": True, "output": {"inline": True}}
    results_of(http, body, out)
    shown = [*photos, *(out / f"preview_{i}.png" for i in range(0, 8, 2))]
    sheet = out / "avatar_sheet.png"
    contact_sheet([[Image.open(file)] for file in shown], [file.stem for file in shown], cell=(240, 320)).save(sheet)
    print(sheet)
    say(f"an avatar in {time.monotonic() - began:.1f} s")


def tryon_body(args: argparse.Namespace) -> Json:
    """The request as the command line has it; what was not given is left to the server."""
    both = {"upper": args.upper, "lower": args.lower}
    body = {
        "type": "tryon",
        **references(given({"person": args.person, "mask": args.mask})),
        **(references({"garment": args.garment}) if args.garment else {"garments": references(both)}),
        **options(args),
        "category": args.category,
        "variant": args.variant,
        "repaint": False if args.no_repaint else None,
        "id": args.id,
        "deadline_s": args.deadline_s,
        "output": given({"prefix": args.output_prefix, "format": args.format}),
    }
    return given(body)


def avatar_body(args: argparse.Namespace) -> Json:
    """The request as the command line has it; what was not given is left to the server."""
    body = {
        "type": "avatar",
        **photos_in(args.photos),
        **options(args, AVATAR_NUMBERS),
        **{name: getattr(args, name) for name in ("formats", "texture", "body_only", "turntable", "id", "deadline_s")},
        "output": given({"prefix": args.output_prefix}),
    }
    return given(body)


def photos_in(folder: str) -> Json:
    if "://" in folder:
        return {"photos_prefix": folder}
    files = sorted(file for file in Path(folder).glob("*") if file.suffix.lower() in PICTURE_SUFFIXES)
    if not files:
        raise Failed(f"there are no pictures in {folder}")
    return photos_of(files)


def photos_of(files: Iterable[Path]) -> Json:
    return {"photos": [reference(str(file)) for file in files]}


def options(args: argparse.Namespace, names: Iterable[str] = (*NUMBERS, *CHOICES)) -> Json:
    return given({name: getattr(args, name) for name in names})


def given(fields: Json) -> Json:
    return {name: value for name, value in fields.items() if value is not None}


def references(files: dict[str, Any]) -> Json:
    return {name: reference(str(file)) for name, file in files.items()}


def reference(argument: str) -> str:
    """A file as a `data:` URI; an address as it is."""
    if "://" in argument:
        return argument
    media_type = mimetypes.guess_type(argument)[0] or "application/octet-stream"
    return f"data:{media_type};base64,{base64.b64encode(Path(argument).read_bytes()).decode()}"


def save(output: Json, folder: Path) -> Path | None:
    """Save one result and print where it is; None when it is stored where this machine cannot read."""
    file = folder / Path(output["name"]).name
    if "uri" in output:
        print(output["uri"])
    try:
        file.write_bytes(content_of(output))
    except NotReadable as error:
        say(f"note: {error}")
        return None
    print(file)
    return file


def content_of(output: Json) -> bytes:
    """The bytes of one result, from the answer itself or from where it is stored."""
    content = base64.b64decode(output["data"]) if "data" in output else download(output["uri"])
    if hashlib.sha256(content).hexdigest() != output["sha256"]:
        raise Failed(f"{output['name']} arrived damaged: its sha256 is not {output['sha256']}")
    return content


def download(uri: str) -> bytes:
    s3 = S3(region=os.environ.get("AWS_REGION"), endpoint_url=os.environ.get("S3_ENDPOINT_URL"))
    try:
        content = asyncio.run(Store(s3=s3, default_prefix=None, allow=()).read(uri))
    except StoreError as error:
        raise NotReadable(f"{uri} cannot be read from here: {error}") from error
    if content is None:
        raise NotReadable(f"{uri} cannot be read from here: there is nothing")
    return content


@contextlib.contextmanager
def stage_bar() -> Iterator[OnProgress]:
    """A progress bar that shows the stage that is running."""
    with tqdm(disable=None, bar_format="{desc:<12}{bar} {n_fmt}/{total_fmt} {elapsed}") as bar:

        def on_progress(stage: str, done: int, total: int) -> None:
            bar.total, bar.n = total, done
            bar.set_description(stage)

        yield on_progress


def invoke(http: httpx.Client, body: Json, on_progress: OnProgress, retries: int = RETRIES) -> Json:
    """The answer to `body`. Tries again when the service advises it."""
    try:
        return invoke_once(http, body, on_progress)
    except Refused as refusal:
        if refusal.retry_after_s is None or not retries:
            raise
        delay_s = min(refusal.retry_after_s, MAX_RETRY_AFTER_S)
        say(f"{refusal}; trying again in {delay_s:.0f} s")
    time.sleep(delay_s)
    return invoke(http, body, on_progress, retries - 1)


def invoke_once(http: httpx.Client, body: Json, on_progress: OnProgress) -> Json:
    with http.stream("POST", "/invocations", json=body, headers={"Accept": "application/x-ndjson"}) as response:
        for line in checked(response).iter_lines():
            event: Json = json.loads(line)
            if event["event"] == "answer":
                return event
            if event["event"] == "problem":
                raise Refused(event)
            on_progress(event["stage"], event["done"], event["total"])
    raise Failed("the server ended the stream without an answer")


def checked(response: httpx.Response) -> httpx.Response:
    if response.status_code == 200:
        return response
    response.read()
    if response.headers.get("content-type", "").startswith("application/problem+json"):
        raise Refused(response.json())
    raise Failed(f"{response.status_code} {response.reason_phrase} {response.text[:200]}")


@contextlib.contextmanager
def connection(args: argparse.Namespace) -> Iterator[httpx.Client]:
    """A client of the container at `--url`, else of a server that lives as long as this."""
    with contextlib.ExitStack() as stack:
        if getattr(args, "as_sagemaker", None) is not None:
            args.url = "http://sagemaker"
            transport = stack.enter_context(hosted_transport(args))
            yield stack.enter_context(httpx.Client(base_url=args.url, transport=transport))
            return
        started_here = args.url is None
        if started_here:
            args.url = stack.enter_context(local_server(args.model_dir, say))
        token = os.environ.get("API_TOKEN")
        client = httpx.Client(
            base_url=args.url,
            timeout=TIMEOUT,
            headers={"Authorization": f"Bearer {token}"} if token else {},
            trust_env=not started_here,  # a proxy of the environment is for the world, not for this machine
        )
        yield stack.enter_context(client)


@contextlib.contextmanager
def hosted_transport(args: argparse.Namespace) -> Iterator[httpx.BaseTransport]:
    """The way to a container that is hosted as SageMaker does.

    Raises:
        Failed: this is no checkout, or the container has broken SageMaker's contract.
        NoServer: it was not ready in time.
    """
    try:
        from tests.platform import as_sagemaker as emulator  # only a checkout has it
    except ImportError as error:
        raise Failed(f"--as-sagemaker needs a checkout of the repository, set up by `make setup`: {error}") from error
    try:
        with emulator.as_sagemaker(args.model_dir, args.as_sagemaker, queued=args.queued, say=say) as transport:
            yield transport
    except emulator.ContractBroken as error:
        raise Failed(str(error)) from error
    except emulator.Unhealthy as error:
        raise NoServer(str(error)) from error


if __name__ == "__main__":
    sys.exit(main())
