"""torch.compile: where compiled code is kept, and whether there is a compiler at all."""

from __future__ import annotations

import os
from pathlib import Path

import torch

from model.errors import WeightsError

_SHAPES = 256  # of one network: sizes times batches. Beyond torch's own 8 nothing more would be compiled.


def set_up_compiling(folder: Path, torch_device: torch.device) -> None:
    """Keep what is compiled in `folder`, from where the next process takes it, and compile something small.

    Raises:
        WeightsError: the folder is somebody else's, or nothing can be compiled here.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = folder.stat()
    if found.st_uid != os.geteuid() or found.st_mode & 0o022:
        raise WeightsError(f"COMPILE_CACHE={folder}: others could write code there; it must be yours alone")
    os.environ["TORCHINDUCTOR_CACHE_DIR"] = str(folder)
    os.environ["TRITON_CACHE_DIR"] = str(folder / "triton")

    import torch._dynamo  # takes seconds, and only those who compile pay for it

    older = not hasattr(torch._dynamo.config, "recompile_limit")  # until torch 2.6
    setattr(torch._dynamo.config, "cache_size_limit" if older else "recompile_limit", _SHAPES)
    try:
        torch.compile(_small, fullgraph=True, dynamic=False)(torch.ones(8, device=torch_device))
    except Exception as error:  # whatever a compiler's absence looks like on this machine
        reason = str(getattr(error, "inner_exception", error)).strip().splitlines()[0]
        needs = "a C++ compiler, and Triton on a GPU"
        raise WeightsError(f"COMPILE=1 needs {needs}; here nothing can be compiled: {reason}") from error


def _small(numbers: torch.Tensor) -> torch.Tensor:
    return numbers.sin() + 1
