"""What was trained, as a MODEL_DIR in the published layout: it is served as it is."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path

import torch
from safetensors.torch import save
from torch import Tensor, nn

from model.demo_pack.tensors import write_json
from model.engines.catvton.checkpoint import attention_names
from model.engines.catvton.files import FOLDERS, SCHEDULER, UNET, VAE, VERSIONS
from model.engines.catvton.request import Variant
from model.engines.pack import EnginePack
from model.perception.files import label_map_files
from model.train.networks import config_of
from model.weights.layout import CONFIG, TENSOR_FILES, network_files
from model.weights.pack import MANIFEST, FileFacts, PackManifest

LICENCE = "own training"


class PackFolder:
    """A MODEL_DIR being written for an engine, and its manifest.

    Args:
        weights: the MODEL_DIR. What is there and not written again stays.
        dtype: of the tensors.
        source: what the manifest says these networks were made by.
        start: the MODEL_DIR they were started from, whose licences go on.
    """

    def __init__(self, weights: Path, engine: str, dtype: torch.dtype, source: str, start: Path | None = None) -> None:
        self.weights = weights
        self._engine = engine
        self._dtype = dtype
        self._source = source
        self._licence = LICENCE if start is None else _inherited(EnginePack(start).licence_of(engine))
        self._facts: dict[str, FileFacts] = {}

    def copy_mask_finders(self, weights: Path) -> None:
        """What finds masks in another MODEL_DIR, as far as it is there: then requests need none here either."""
        pack = EnginePack(weights)
        for file in filter(Path.is_file, label_map_files(weights)):
            self._copy_file(pack, file, self.weights / file.relative_to(weights))

    def write_manifest(self, defaults: Mapping[str, float]) -> None:
        """Digests and licences of what was written, and the engine's defaults; of all else what it said before."""
        file = self.weights / MANIFEST
        before = EnginePack(self.weights).manifest if file.is_file() else PackManifest()
        own = before.defaults.get(self._engine, {}) | dict(defaults)
        engines = before.defaults | ({self._engine: own} if own else {})
        manifest = PackManifest(files=before.files | self._facts, defaults=engines)
        write_json(file, manifest.model_dump(exclude_none=True))

    def write_network(self, folder: Path, config: dict[str, object], tensors: Mapping[str, Tensor]) -> None:
        """A network's config and tensors, in the folder's dtype, into a folder of the MODEL_DIR."""
        self._write_json(folder / CONFIG, config)
        self._write_tensors(folder / TENSOR_FILES[0], tensors)

    def _write_tensors(self, file: Path, tensors: Mapping[str, Tensor]) -> None:
        file.parent.mkdir(parents=True, exist_ok=True)
        written = {key: tensor.detach().to("cpu", self._dtype).contiguous() for key, tensor in tensors.items()}
        file.write_bytes(save(written))  # `save_file` leaves files that only their owner may read
        self._note(file)

    def _write_json(self, file: Path, content: dict[str, object]) -> None:
        write_json(file, content)
        self._note(file)

    def copy(self, weights: Path, files: Iterable[Path]) -> None:
        """Files of another MODEL_DIR, to the same places."""
        pack = EnginePack(weights)
        for file in files:
            self._copy_file(pack, file, self.weights / file.relative_to(weights))

    def _copy_file(self, pack: EnginePack, file: Path, copy: Path) -> None:
        """With what the other manifest says of it."""
        if copy.resolve() != file.resolve():
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, copy)
        self._facts[self._name(copy)] = pack.facts(file).model_copy(update={"sha256": _digest(copy)})

    def _note(self, file: Path) -> None:
        facts = FileFacts(sha256=_digest(file), licence=self._licence, source=self._source, revision=None)
        self._facts[self._name(file)] = facts

    def _name(self, file: Path) -> str:
        return file.relative_to(self.weights).as_posix()


class VariantFolder(PackFolder):
    """The folder of one of CatVTON's variants in a MODEL_DIR."""

    def __init__(
        self, weights: Path, variant: Variant, dtype: torch.dtype, source: str, start: Path | None = None
    ) -> None:
        super().__init__(weights, "catvton", dtype, source, start)
        self.variant = variant
        self.folder = weights / FOLDERS[variant]

    def write_autoencoder(self, vae: nn.Module, *, scaling_factor: float) -> None:
        """With the factor that brings its latents to unit variance."""
        self.write_network(self.folder / VAE, config_of(vae) | {"scaling_factor": scaling_factor}, vae.state_dict())

    def write_unet(self, unet: nn.Module) -> None:
        """All of it: the base keeps what the attention file does not have."""
        names = attention_names(unet)
        tensors = unet.state_dict()
        base = {name: tensor for name, tensor in tensors.items() if name not in names.values()}
        self.write_network(self.folder / UNET, config_of(unet), base)
        self.write_attention(unet)

    def write_attention(self, unet: nn.Module) -> None:
        """Its self-attention, under the keys of the published file."""
        tensors = unet.state_dict()
        file = self.folder / "attention" / VERSIONS[0] / "attention/model.safetensors"
        self._write_tensors(file, {key: tensors[name] for key, name in attention_names(unet).items()})

    def write_schedule(self, config: dict[str, object]) -> None:
        """What the UNet predicts, under which noise."""
        self._write_json(self.folder / SCHEDULER, config)

    def copy_autoencoder(self, weights: Path, variant: Variant) -> None:
        """That of another MODEL_DIR."""
        self._copy(weights, variant, network_files(weights / FOLDERS[variant] / VAE))

    def copy_base(self, weights: Path) -> None:
        """The base UNet of another MODEL_DIR."""
        self._copy(weights, self.variant, network_files(weights / FOLDERS[self.variant] / UNET))

    def _copy(self, weights: Path, variant: Variant, files: Iterable[Path]) -> None:
        """From one variant's folder to this one's."""
        pack = EnginePack(weights)
        for file in files:
            self._copy_file(pack, file, self.folder / file.relative_to(weights / FOLDERS[variant]))


def _inherited(licence: str) -> str:
    """Whoever starts from others' weights has their licence to keep."""
    return licence if licence.startswith(LICENCE) else f"{LICENCE}, started from weights under: {licence}"


def _digest(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()
