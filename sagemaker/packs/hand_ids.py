"""The vertices of SMPL-X's hands: published as a pickle, made an archive of arrays that needs no pickle to be read."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from packs.weight_errors import PickleRefusedError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_HANDS = ("left_hand", "right_hand")
_INTEGERS = {f"{kind}{size}" for kind in "iu" for size in (1, 2, 4, 8)}
_MOST_BYTES = 2**20  # the published file has a few thousand numbers


def convert_hand_ids(source: Path, target: Path) -> None:
    """Write the two lists in the pickle `source` to the npz `target`.

    The pickle can only make dictionaries, lists, text, numbers and stand-ins for arrays of whole numbers. Every other
    class or function that it names is refused before it is looked up, so nothing of it is ever imported or called;
    nor are numpy's own, whose state can be forged.

    Raises:
        PickleRefusedError: it names something else, is damaged, or does not hold the two lists.
    """
    import numpy as np

    found = _read(source)
    hands: dict[str, Any] = {}
    for name in _HANDS:
        try:
            ids = found[name]
            array = ids.numbers() if isinstance(ids, _Array) else np.array(ids)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise PickleRefusedError(source, f"{name} cannot be read: {error!r}") from error
        if array.ndim != 1 or array.dtype.kind not in "iu":
            raise PickleRefusedError(source, f"{name} is no list of whole numbers")
        hands[name] = array.astype(np.int64)
    target.parent.mkdir(parents=True, exist_ok=True)
    np.savez(target, **hands)


def _read(source: Path) -> Any:
    if (size := source.stat().st_size) > _MOST_BYTES:
        raise PickleRefusedError(source, f"{size} bytes are too many for two lists of vertices")
    with source.open("rb") as opened:
        try:
            return _OnlyIntegers(opened, encoding="latin1").load()  # what Python 2 wrote is text of that
        except _RefusedError as error:
            raise PickleRefusedError(source, str(error)) from error
        except Exception as error:  # a damaged pickle can raise anything
            raise PickleRefusedError(source, f"not a pickle that can be read: {error!r}") from error


class _RefusedError(pickle.UnpicklingError):
    """Something that is not allowed was named."""


class _Type:
    """Stands for a numpy type of whole numbers."""

    def __init__(self, code: object) -> None:
        if code not in _INTEGERS:
            raise _RefusedError(f"it has an array of type {code!r}")
        self.name = str(code)

    def __setstate__(self, state: tuple[object, ...]) -> None:
        order = state[1]
        if order not in ("<", ">", "|", "="):
            raise _RefusedError(f"it has numbers in byte order {order!r}")
        self.name = order + self.name


class _Array:
    """Stands for a numpy array until its bytes have been looked at."""

    def __init__(self) -> None:
        self._state: tuple[Any, ...] = ()

    def __setstate__(self, state: tuple[object, ...]) -> None:
        self._state = state

    def numbers(self) -> NDArray[np.integer]:
        """The numbers."""
        import numpy as np

        _, shape, kind, _, content = self._state
        raw = content.encode("latin1") if isinstance(content, str) else content
        return np.frombuffer(raw, kind.name).reshape(shape)


class _OnlyIntegers(pickle.Unpickler):
    """Gives a pickle stand-ins for what numpy's arrays name, and nothing else."""

    def find_class(self, module: str, name: str) -> object:
        """What a pickle gets when it asks for `module.name`."""
        module = module.replace("numpy._core.", "numpy.core.")  # its name since numpy 2
        allowed = {
            ("numpy.core.multiarray", "_reconstruct"): lambda *of: _Array(),
            ("numpy", "ndarray"): "ndarray",  # only ever an argument of the above
            ("numpy", "dtype"): lambda code, *flags: _Type(code),
            ("_codecs", "encode"): _latin1,  # how Python 3 writes bytes for Python 2
        }
        if (module, name) not in allowed:
            raise _RefusedError(f"it names {module}.{name}")
        return allowed[module, name]

    def persistent_load(self, pid: object) -> NoReturn:
        """Nothing lies outside the file."""
        raise _RefusedError(f"it refers to {pid!r}, which is outside")


def _latin1(text: str, encoding: str) -> bytes:
    if encoding != "latin1":
        raise _RefusedError(f"it has text in {encoding!r}")
    return text.encode("latin1")
