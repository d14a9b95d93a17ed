"""The engines of this container, one line each; those that companies may use come first.

`type` is what a client wants, an engine is who does it. Where nothing else chooses, the first loaded one of a type in
the order of this table answers.

Adding one costs its folder and its line here. The folder holds

* `request.py` with `Request`, which derives from its type's (`model/tryon/request.py`, `model/avatar/request.py`) and
  names type and engine. The front imports it, so: pydantic, never torch;
* `files.py` with `files(weights)`: every file it reads, present or not, and those that it reads only if they are there.
  Not torch either;
* `engine.py` with the class that the line names, see `model.engine.Engine`. It imports no other engine;
* `checkpoint.py` with `parts(weights)` and `job_bytes(weights, dtype, defaults)` for `python -m model check`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import cast

from model.engine import Engine
from model.request import Request


@dataclass(frozen=True)
class Entry:
    """An engine's `type`, its class as "module:class", and whether the built-in weights have it, free of any licence.

    Such an engine is loaded from them beside other weights if it is named.
    """

    type: str
    engine: str
    built_in: bool = False

    def module(self, name: str) -> ModuleType:
        """Another module of the engine's folder."""
        package = self.engine.partition(":")[0].rpartition(".")[0]
        return import_module(f"{package}.{name}")


ENGINES: dict[str, Entry] = {
    "warp": Entry("tryon", "model.engines.warp.engine:Warp", built_in=True),
    "catvton": Entry("tryon", "model.engines.catvton.engine:CatVTON"),
    "ootdiffusion": Entry("tryon", "model.engines.ootdiffusion.engine:OOTDiffusion"),
    "template": Entry("avatar", "model.engines.template.engine:Template", built_in=True),
    "pointcloth": Entry("outfit", "model.engines.pointcloth.engine:PointCloth", built_in=True),
    "up2you": Entry("avatar", "model.engines.up2you.engine:UP2You"),
}


def engine_class(name: str) -> type[Engine]:
    """The engine itself. Imports torch."""
    module, _, attribute = ENGINES[name].engine.partition(":")
    return cast("type[Engine]", getattr(import_module(module), attribute))


def request_class(name: str) -> type[Request]:
    """What the engine takes. Does not import torch."""
    return cast("type[Request]", ENGINES[name].module("request").Request)


def files(name: str, weights: Path) -> list[Path]:
    """Every file the engine reads, present or not. Does not import torch."""
    listed = cast("Callable[[Path], list[Path]]", ENGINES[name].module("files").files)
    return listed(weights)


def types() -> list[str]:
    """All types, in the engines' order."""
    return list(dict.fromkeys(entry.type for entry in ENGINES.values()))


def engines_of(type: str) -> list[str]:
    """The engines of a type, in their order."""
    return [name for name, entry in ENGINES.items() if entry.type == type]
