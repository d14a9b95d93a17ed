"""Published files, and ours as the published notebooks read them.

draping_network_90_epochs.pth, vertices_cloth_mask.pkl, smpl_sample_inds.pkl, SMPL's .pkl ──► a MODEL_DIR
outfit_codes_*.pkl, model0_*.pth with ntex0_*.pth ──► outfit.npz, and back
"""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file
from scipy.sparse import csc_matrix
from torch import Tensor

from model.body.archive import read_archive
from model.clothes.arrays import Floats
from model.engines.pointcloth.codes import OutfitCode
from model.engines.pointcloth.drape.network import CODE
from model.engines.pointcloth.files import BODIES, BODY_POINTS, CODES, DRAPING
from model.engines.pointcloth.frame import SMPL_ROOT
from model.engines.pointcloth.outfit import FittedOutfit
from model.errors import InputError, WeightsError
from model.weights.arrays_only import read_arrays, read_tensors_and

_DRAPING_PREFIX, _FITTED_PREFIX = "model.", "cloud_transformer."
_CODE_KEY, _PERSON_KEY = "glo_stack.textures.{}.z", "glo_stack.pid2ntid."
_BODY_ARRAYS = ("v_template", "f", "shapedirs", "posedirs", "J_regressor", "weights", "kintree_table")


def import_draping(file: Path, out: Path) -> None:
    """`draping_network_90_epochs.pth`: entries whose key begins with `model.`.

    Raises:
        WeightsError: it cannot be read without running code, or has no such entry.
    """
    content = read_tensors_and(file)
    tensors = _prefixed(content, _DRAPING_PREFIX)
    if not tensors:
        raise WeightsError(f"{file}: no entry begins with '{_DRAPING_PREFIX}'")
    _save(tensors, out / DRAPING)


def import_body(smpl: Path, clothed: Path, samples: Path, out: Path) -> None:
    """SMPL's neutral model and the two files that say which of its points are used.

    Raises:
        WeightsError: a file cannot be read without running code, or lacks an array.
    """
    model, masks = _mapping(read_arrays(smpl), smpl), _mapping(read_arrays(clothed), clothed)
    if missing := [name for name in (*_BODY_ARRAYS,) if name not in model]:
        raise WeightsError(f"{smpl}: no array {missing[0]}")
    if "non_masked" not in masks:
        raise WeightsError(f"{clothed}: no mask 'non_masked'")
    arrays = {name: _dense(model[name]) for name in _BODY_ARRAYS}
    (out / BODIES[0]).parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(out / BODIES[0], allow_pickle=False, **arrays)
    chosen = np.asarray(read_arrays(samples), np.int64)
    kept = np.asarray(masks["non_masked"]).astype(bool)
    root = np.array(SMPL_ROOT, np.float32)
    np.savez_compressed(out / BODY_POINTS, clothed=kept, samples=chosen, root=root, together=0)


def import_codes(file: Path, out: Path) -> None:
    """`outfit_codes_*.pkl`: codes by the people they were fitted to."""
    codes = read_codes(file)
    (out / CODES).parent.mkdir(parents=True, exist_ok=True)
    np.savez(out / CODES, allow_pickle=False, **codes)


def built_in_codes(weights: Path) -> dict[str, Floats]:
    """Outfits by name that a folder of weights has; none where it has no such file."""
    file = weights / CODES
    if not file.is_file():
        return {}
    with np.load(file, allow_pickle=False) as archive:
        names = archive.files
    return {name: code.astype(np.float32) for name, code in read_archive(file, names).items()}


def read_codes(file: Path) -> dict[str, Floats]:
    """Of `outfit_codes_*.pkl`.

    Raises:
        WeightsError: it cannot be read without running code, or holds no codes.
    """
    codes = {str(name): np.asarray(code, np.float32) for name, code in _mapping(read_arrays(file), file).items()}
    if not codes or any(code.shape != (CODE,) for code in codes.values()):
        raise WeightsError(f"{file}: not codes of {CODE} numbers by name")
    return codes


def write_codes(file: Path, codes: Mapping[str, Floats]) -> None:
    """As `outfit_codes_*.pkl`: a plain dict of arrays."""
    file.write_bytes(pickle.dumps({name: np.asarray(code, np.float32) for name, code in codes.items()}, protocol=4))


def import_outfit(model: Path, descriptors: Path, person: str) -> FittedOutfit:
    """The outfit of a person in `model0_*.pth` and `ntex0_*.pth`: code, descriptors and rendering network.

    Raises:
        WeightsError: a file cannot be read without running code, or does not know the person.
    """
    fitted, looks = _mapping(read_tensors_and(model), model), _mapping(read_tensors_and(descriptors), descriptors)
    stack = _mapping(fitted.get("draping_network", {}), model)
    key = f"{_PERSON_KEY}{person}"
    if key not in stack or person not in looks:
        known = [name.removeprefix(_PERSON_KEY) for name in stack if str(name).startswith(_PERSON_KEY)]
        raise WeightsError(f"{model}: no person '{person}'; there are {', '.join(known) or 'none'}")
    number = int(torch.as_tensor(stack[key]).reshape(-1)[0])
    code = torch.as_tensor(stack[_CODE_KEY.format(number)]).float().numpy()
    of_points = torch.as_tensor(_mapping(looks[person], descriptors)["neuraltex"]).float().numpy().T
    network = {name: torch.as_tensor(tensor).numpy() for name, tensor in _mapping(fitted["generator"], model).items()}
    count = len(of_points)
    empty = np.zeros((count, 3), np.float32)
    return FittedOutfit(
        code,
        empty,
        np.ones(count, bool),
        np.zeros(10, np.float32),
        empty[:0],
        np.full((count, 3), 0.6, np.float32),
        descriptors=of_points,
        network=network,
    )


def export_outfit(
    outfit: FittedOutfit, draping: Mapping[str, Tensor], folder: Path, person: str, epoch: int
) -> tuple[Path, Path]:
    """`model0_*.pth` and `ntex0_*.pth`, of plain containers and tensors alone.

    Raises:
        InputError: `bad_outfit`: its looks are not those of a network.
    """
    if outfit.descriptors is None or not outfit.network:
        message = "the outfit has no descriptors and rendering network: fit it with --appearance network"
        raise InputError(message, code=OutfitCode.BAD_OUTFIT, field="outfit")
    stack = {f"{_FITTED_PREFIX}{name}": tensor for name, tensor in draping.items()}
    stack |= {_CODE_KEY.format(0): torch.from_numpy(outfit.code), f"{_PERSON_KEY}{person}": torch.tensor([0])}
    generator = {name: torch.from_numpy(np.asarray(array)) for name, array in outfit.network.items()}
    whole = {name: tensor.float() if tensor.is_floating_point() else tensor for name, tensor in generator.items()}
    model = {"generator": whole, "draping_network": stack, "discriminator_list": [], "args": {}}
    looks = {person: {"neuraltex": torch.from_numpy(outfit.descriptors.T.copy())}}
    files = folder / f"model0_{epoch:04d}.pth", folder / f"ntex0_{epoch:04d}.pth"
    for file, content in zip(files, (model, looks), strict=True):
        torch.save(content, file)
    return files


def _dense(array: object) -> np.ndarray:
    return np.asarray(array.toarray() if isinstance(array, csc_matrix) else array)


def _prefixed(content: object, prefix: str) -> dict[str, Tensor]:
    if not isinstance(content, Mapping):
        return {}
    return {
        name.removeprefix(prefix): tensor
        for name, tensor in content.items()
        if isinstance(name, str) and name.startswith(prefix) and isinstance(tensor, Tensor)
    }


def _mapping(content: object, file: Path) -> Mapping[str, object]:
    if not isinstance(content, Mapping):
        raise WeightsError(f"{file}: not a table of arrays")
    return content


def _save(tensors: Mapping[str, Tensor], file: Path) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, file)
