"""An outfit as a file: `outfit.npz`, arrays only, from which it can be worn by anybody."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from model.clothes.arrays import Floats
from model.engines.pointcloth.appearance.network import DESCRIPTOR
from model.engines.pointcloth.codes import OutfitCode
from model.engines.pointcloth.drape.network import CODE
from model.engines.pointcloth.texture import MOST_TEXELS, Texture
from model.errors import InputError

_MOST_POINTS = 1 << 16  # of a client's file: eight times the published number
_NETWORK = "network."


@dataclass(frozen=True)
class FittedOutfit:
    """code: (8,). points: (N, 3) metres, upright, on the body of these betas, (10,), and pose, (J, 3). visible: (N,),
    of the photo it was fitted to. colours: (N, 3), 0..1, None while nobody knows them; then also what they were taken
    from, and `places`, (N, 3), of the points in it. descriptors: (N, 16), and the rendering network's tensors, if they
    were fitted."""

    code: Floats
    points: Floats
    visible: np.ndarray
    betas: Floats
    pose: Floats
    colours: Floats | None = None
    places: Floats | None = None
    texture: Texture | None = None
    descriptors: Floats | None = None
    network: dict[str, np.ndarray] = field(default_factory=dict)

    def save(self, file: Path) -> None:
        """Write a compressed npz of arrays alone; colours, descriptors and network keep half precision."""
        optional = {"colours": self.colours, "places": self.places, "descriptors": self.descriptors}
        if self.texture is not None:
            optional |= {"texels": self.texture.places, "texel_colours": self.texture.colours}
        known = {name: array.astype(np.float16) for name, array in optional.items() if array is not None}
        network = {_NETWORK + name: _small(array) for name, array in self.network.items()}
        arrays: dict[str, np.ndarray] = {
            name: getattr(self, name) for name in ("code", "points", "visible", "betas", "pose")
        }
        np.savez_compressed(file, allow_pickle=False, **arrays, **known, **network)


def read_outfit(file: Path, name: str = "outfit") -> FittedOutfit:
    """An outfit that `save` has written, or any archive with its arrays; `code` alone is enough.

    Args:
        name: of the request's field.

    Raises:
        InputError: `bad_outfit`: it is no archive, has no code, or an array is not what it should be.
    """
    try:
        with np.load(file, allow_pickle=False) as archive:
            arrays = {key: archive[key] for key in archive.files}
    except (OSError, ValueError, BadZipFile, EOFError, AttributeError) as error:
        raise _bad(name, f"cannot be read as an archive of arrays ({type(error).__name__})") from error
    checked = _Checked(name, arrays)
    code = checked.floats("code", (CODE,))
    if code is None:
        raise _bad(name, "has no array 'code'")
    points = checked.floats("points", (None, 3))
    count = 0 if points is None else len(points)
    if count > _MOST_POINTS:
        raise _bad(name, f"has {count} points, more than {_MOST_POINTS}")
    points = np.zeros((0, 3), np.float32) if points is None else points
    network = {key.removeprefix(_NETWORK): value for key, value in arrays.items() if key.startswith(_NETWORK)}
    betas, pose = checked.floats("betas", (None,)), checked.floats("pose", (None, 3))
    colours, places, texture = _looks(checked, points)
    return FittedOutfit(
        code,
        points,
        np.ones(count, bool) if "visible" not in arrays else arrays["visible"].astype(bool).reshape(-1)[:count],
        np.zeros(10, np.float32) if betas is None else betas,
        np.zeros((0, 3), np.float32) if pose is None else pose,
        colours,
        places,
        texture,
        checked.floats("descriptors", (count, DESCRIPTOR)),
        network,
    )


def _looks(checked: _Checked, points: Floats) -> tuple[Floats | None, Floats | None, Texture | None]:
    """Colours, places and texture; the points themselves are the texels where there are no others."""
    colours = checked.floats("colours", (len(points), 3))
    if colours is None or not len(points):
        return None, None, None
    texels, of_texels = checked.floats("texels", (None, 3)), None
    if texels is not None:
        if not 0 < len(texels) <= MOST_TEXELS:
            raise _bad(checked.name, f"has {len(texels)} texels, expected 1..{MOST_TEXELS}")
        of_texels = checked.floats("texel_colours", (len(texels), 3))
    places = checked.floats("places", (len(points), 3))
    if texels is None or of_texels is None or places is None:
        return colours, points, Texture(points, colours)
    return colours, places, Texture(texels, of_texels)


@dataclass(frozen=True)
class _Checked:
    name: str
    arrays: dict[str, np.ndarray]

    def floats(self, key: str, shape: tuple[int | None, ...]) -> Floats | None:
        """An array of finite numbers of this shape; None: it is not there."""
        if key not in self.arrays:
            return None
        array = self.arrays[key]
        fits = array.ndim == len(shape) and all(
            want in (None, have) for want, have in zip(shape, array.shape, strict=True)
        )
        if array.dtype.kind != "f" or not fits:
            wanted = ", ".join("N" if length is None else str(length) for length in shape)
            raise _bad(self.name, f"'{key}' is {array.dtype} {array.shape}, expected numbers of shape ({wanted})")
        if not np.isfinite(array).all():
            raise _bad(self.name, f"'{key}' has values that are not finite")
        return array.astype(np.float32)


def _small(array: np.ndarray) -> np.ndarray:
    return array.astype(np.float16) if array.dtype == np.float32 else array


def _bad(name: str, what: str) -> InputError:
    return InputError(f"'{name}' {what}", code=OutfitCode.BAD_OUTFIT, field=name)
