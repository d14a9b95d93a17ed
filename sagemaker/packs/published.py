"""What is published where, under which licence, and where it goes in MODEL_DIR."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

Engine = Literal["catvton", "ootdiffusion", "up2you", "perception", "detector"]
OotdVariant = Literal["hd", "dc"]
Variant = Literal["mask", "maskfree"]
Dtype = Literal["float32", "float16"]
Parsers = Literal["onnx", "pth"]


@dataclass(frozen=True)
class Licence:
    """terms: what matters of it, in one sentence. asks: whether one has to accept it before fetching.

    commercial: whether it allows commercial use.
    """

    name: str
    terms: str
    url: str
    asks: bool = True
    commercial: bool = True


LICENCES = {
    licence.name: licence
    for licence in (
        Licence(
            "CC-BY-NC-SA-4.0",
            "non-commercial use only; name the authors; what is derived has the same licence",
            "https://creativecommons.org/licenses/by-nc-sa/4.0/",
            commercial=False,
        ),
        Licence(
            "CC-BY-SA-3.0",
            "any use; name the authors; what is derived has the same licence (data of its training: non-commercial)",
            "https://creativecommons.org/licenses/by-sa/3.0/",
        ),
        Licence(
            "CreativeML-OpenRAIL-M",
            "commercial use allowed; the uses its attachment A lists are forbidden, also to your users",
            "https://huggingface.co/spaces/CompVis/stable-diffusion-license",
        ),
        Licence(
            "CreativeML-OpenRAIL++-M",
            "commercial use allowed; the uses its attachment A lists are forbidden, also to your users",
            "https://huggingface.co/stabilityai/stable-diffusion-2/blob/main/LICENSE-MODEL",
        ),
        Licence(
            "UP2You-unstated",
            "the code's licence (MIT) says that it does not cover the weights, nothing says what does: ask the authors",
            "https://github.com/zcai0612/UP2You",
            commercial=False,
        ),
        Licence(
            "SMPL-X",
            "non-commercial scientific research only; the files may not be passed on",
            "https://smpl-x.is.tue.mpg.de/modellicense.html",
            commercial=False,
        ),
        Licence("MIT", "any use; keep the notice", "https://opensource.org/license/mit", asks=False),
        Licence("Apache-2.0", "any use; keep the notice", "https://www.apache.org/licenses/LICENSE-2.0", asks=False),
    )
}


@dataclass(frozen=True)
class Wanted:
    """One file.

    names: its paths in the repository, the preferred one first. folder: where it goes under MODEL_DIR, keeping its last
    name. anywhere: the repository's folders are not known, a file of this last name in any of them will do. rivals:
    paths under MODEL_DIR of which only one may be there, because only one would be read. called: its name there, where
    that is another. converted: what it is made into there, by the project's `python -m model convert`.
    """

    names: tuple[str, ...]
    folder: str
    anywhere: bool = False
    rivals: tuple[str, ...] = ()
    called: str = ""
    converted: str = ""

    def target(self, path: str) -> str:
        """Where the repository's `path` goes under MODEL_DIR."""
        return f"{self.folder}/{self.called or path.rsplit('/', 1)[-1]}"


@dataclass(frozen=True)
class PublishedSource:
    """One repository of the hub and what is wanted of it."""

    repository: str
    licence: str
    files: tuple[Wanted, ...]


# The attention checkpoints, and the size of the pictures each was trained on.
VERSIONS = {
    "mix-48k-1024": {"width": 768, "height": 1024},
    "vitonhd-16k-512": {"width": 384, "height": 512},
    "dresscode-16k-512": {"width": 384, "height": 512},
}
STEPS, OOTD_STEPS = 50, 20  # of the published models
AVATAR_SIZE = 768  # pixels a side of the published views

BODY_SITE = "https://smpl-x.is.tue.mpg.de"
BODY = "up2you/human_models/models/smplx/SMPLX_NEUTRAL.npz"
HAND_IDS = "up2you/human_models/smpl_data/MANO_SMPLX_vertex_ids.pkl"  # made an npz
LANDMARK_IDS = "up2you/human_models/smpl_data/smplx_vertex_lmkid.npy"

_DENSEPOSE = "model_final_162be9.pkl"
# SCHP's checkpoints, as its authors and CatVTON publish them.
_SCHP = {"lip": "exp-schp-201908261155-lip.pth", "atr": "exp-schp-201908301523-atr.pth"}
LABEL_MAPS = ("perception/densepose.onnx", "perception/parsing_lip.onnx", "perception/parsing_atr.onnx")
MATTING = "perception/matting.onnx"
POSE = "perception/pose.onnx"
OTHER_PERCEPTION = (
    *(MATTING, POSE, "perception/pose.tflite", "perception/parsing.onnx", "perception/parsing.json"),
    *("perception/detector.onnx", "perception/detector.prototxt", "perception/detector.caffemodel"),
)

VARIANTS: dict[str, tuple[Variant, ...]] = {
    "mask": ("mask",),
    "maskfree": ("maskfree",),
    "both": ("mask", "maskfree"),
}
OOTD_VARIANTS: dict[str, tuple[OotdVariant, ...]] = {"hd": ("hd",), "dc": ("dc",), "both": ("hd", "dc")}
_TOKENIZER = ("vocab.json", "merges.txt", "tokenizer_config.json", "special_tokens_map.json")
_FOLDERS: dict[Variant, str] = {"mask": "catvton", "maskfree": "catvton_maskfree"}


def defaults(engines: Iterable[Engine], version: str) -> dict[str, dict[str, int]]:
    """What the manifest suggests for requests of the engines."""
    by_name = {
        "catvton": {**VERSIONS[version], "steps": STEPS},
        "ootdiffusion": {"width": 768, "height": 1024, "steps": OOTD_STEPS},
        "up2you": {"size": AVATAR_SIZE, "steps": STEPS},
    }
    return {engine: by_name[engine] for engine in engines if engine in by_name}


def sources(
    engines: Iterable[Engine],
    variants: Iterable[Variant],
    version: str,
    dtype: Dtype,
    ootd_variants: Iterable[OotdVariant] = ("hd", "dc"),
    parsers: Parsers = "onnx",
) -> list[PublishedSource]:
    """The repositories that `engines` need.

    Args:
        variants: of CatVTON. version: of its attention checkpoint, see `VERSIONS`.
        dtype: which file to prefer where a repository has both.
        ootd_variants: of OOTDiffusion. parsers: exported by others, or SCHP's checkpoints, which are exported here.
    """
    found: list[PublishedSource] = []
    if "catvton" in engines:
        for variant in variants:
            found += _catvton(variant, version, dtype)
    if "ootdiffusion" in engines:
        found += _ootdiffusion(ootd_variants, dtype)
    if "up2you" in engines:
        found += _up2you(dtype)
    if "perception" in engines:
        found += _perception(parsers)
    if "detector" in engines:
        found.append(_looking("yzd-v/DWPose", "Apache-2.0", "yolox_l.onnx", "detector.onnx"))
    return found


def _perception(parsers: Parsers) -> list[PublishedSource]:
    """What finds masks, cuts people out and knows where their joints are."""
    return [
        *(_parser(labels, parsers) for labels in _SCHP),
        _looking("zhengchong/CatVTON", "CC-BY-SA-3.0", f"DensePose/{_DENSEPOSE}", _DENSEPOSE, "densepose.safetensors"),
        _looking("onnx-community/BiRefNet_lite-ONNX", "MIT", "onnx/model.onnx", "matting.onnx"),
        _looking("yzd-v/DWPose", "Apache-2.0", "dw-ll_ucoco_384.onnx", "pose.onnx"),
    ]


def _parser(labels: str, parsers: Parsers) -> PublishedSource:
    served, licence = f"parsing_{labels}.onnx", "CC-BY-NC-SA-4.0"
    if parsers == "pth":
        return _looking("zhengchong/CatVTON", licence, f"SCHP/{_SCHP[labels]}", _SCHP[labels], served)
    return _looking("levihsu/OOTDiffusion", licence, f"checkpoints/humanparsing/{served}", served)


def _looking(repository: str, licence: str, name: str, called: str, converted: str = "") -> PublishedSource:
    """One file of perception."""
    return PublishedSource(repository, licence, (Wanted((name,), "perception", called=called, converted=converted),))


def _catvton(variant: Variant, version: str, dtype: Dtype) -> list[PublishedSource]:
    if variant == "mask":
        base, licence = "booksforcharlie/stable-diffusion-inpainting", "CreativeML-OpenRAIL-M"
        attention, chosen = "zhengchong/CatVTON", version
    else:
        base, licence = "timbrooks/instruct-pix2pix", "MIT"
        attention, chosen = "zhengchong/CatVTON-MaskFree", "mix-48k-1024"  # the only version
    folder, file = _FOLDERS[variant], "attention/model.safetensors"
    attentions = tuple(f"{folder}/attention/{version}/{file}" for version in VERSIONS)
    attention_files = (Wanted((f"{chosen}/{file}",), f"{folder}/attention/{chosen}/attention", rivals=attentions),)
    return [
        PublishedSource(base, licence, (*_network("unet/", f"{folder}/base/unet", dtype), _scheduler(folder))),
        PublishedSource("stabilityai/sd-vae-ft-mse", "MIT", _network("", f"{folder}/vae", dtype)),
        PublishedSource(attention, "CC-BY-NC-SA-4.0", attention_files),
    ]


def _ootdiffusion(variants: Iterable[OotdVariant], dtype: Dtype) -> list[PublishedSource]:
    """All but what finds masks, which is perception's. Its UNets are published in float32 alone."""
    inside, folder = "checkpoints/ootd", "ootdiffusion/ootd"
    unets = [f"ootd_{variant}/checkpoint-36000/{name}" for variant in variants for name in ("unet_garm", "unet_vton")]
    clip = ("model.safetensors", "model.fp16.safetensors", "pytorch_model.bin")
    files = (
        *(wanted for name in unets for wanted in _network(f"{inside}/{name}/", f"{folder}/{name}", dtype)),
        *_network(f"{inside}/vae/", f"{folder}/vae", dtype),
        *_saved(f"{inside}/text_encoder/", clip, f"{folder}/text_encoder"),
        *(Wanted((f"{inside}/tokenizer/{name}",), f"{folder}/tokenizer") for name in _TOKENIZER),
        Wanted((f"{inside}/scheduler/scheduler_config.json",), f"{folder}/scheduler"),
    )
    return [
        PublishedSource("levihsu/OOTDiffusion", "CC-BY-NC-SA-4.0", files),
        PublishedSource(
            "openai/clip-vit-large-patch14", "MIT", _transformer("", "ootdiffusion/clip-vit-large-patch14")
        ),
    ]


def _up2you(dtype: Dtype) -> list[PublishedSource]:
    base, trained = "up2you/base", "up2you/pretrained_models"
    names = ("shape_predictor.pt", "feature_aggregator.pt", "rgb_adapter.safetensors", "normal_adapter.safetensors")
    checkpoints = tuple(Wanted((name,), trained, anywhere=True) for name in names)
    return [
        PublishedSource(
            "Manojb/stable-diffusion-2-1-base",  # a copy: stabilityai has withdrawn the original
            "CreativeML-OpenRAIL++-M",
            (
                *_network("unet/", f"{base}/unet", dtype),
                *_network("vae/", f"{base}/vae", dtype),
                *_transformer("text_encoder/", f"{base}/text_encoder"),
                *(Wanted((f"tokenizer/{name}",), f"{base}/tokenizer") for name in _TOKENIZER),
                _scheduler("up2you"),
            ),
        ),
        PublishedSource("facebook/dinov2-large", "Apache-2.0", _transformer("", "up2you/dinov2")),
        PublishedSource("Co2y/UP2You", "UP2You-unstated", checkpoints),
    ]


def _scheduler(engine: str) -> Wanted:
    return Wanted(("scheduler/scheduler_config.json",), f"{engine}/base/scheduler")


def _network(inside: str, folder: str, dtype: Dtype) -> tuple[Wanted, ...]:
    """What diffusers saves of a network. Safetensors before pickles, but the right precision before both."""
    full = ("diffusion_pytorch_model.safetensors", "diffusion_pytorch_model.bin")
    half = ("diffusion_pytorch_model.fp16.safetensors", "diffusion_pytorch_model.fp16.bin")
    tensors = (*full, *half) if dtype == "float32" else (*half, *full)
    return _saved(inside, tensors, folder)


def _transformer(inside: str, folder: str) -> tuple[Wanted, ...]:
    """What transformers saves of one."""
    return _saved(inside, ("model.safetensors", "pytorch_model.bin"), folder)


def _saved(inside: str, tensors: Sequence[str], folder: str) -> tuple[Wanted, ...]:
    rivals = tuple(f"{folder}/{name}" for name in tensors)
    names = tuple(inside + name for name in tensors)
    return Wanted((f"{inside}config.json",), folder), Wanted(names, folder, rivals=rivals)
