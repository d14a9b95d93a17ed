"""The page that says which instance type to take, made of the types and of what the engines need."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rent.instance_types import INSTANCES, Instance
from rent.needs import Need, read_needs

ALLOWANCE_GIB = 2.0  # for what is not counted: an allowance, not a measurement
DTYPES = ("float16", "float32")
PROFILED = ("ootdiffusion", "avatar")  # of which the types' table says how they fit

_GIB = 2**30  # bytes


def page() -> str:
    """The page, as Markdown."""
    needs = read_needs()
    return _PAGE.format(allowance=ALLOWANCE_GIB, needs=_needs_table(needs), types=_types_table(needs))


def fits(need: int, instance: Instance) -> bool:
    """Whether one card of the instance holds `need` bytes and the allowance."""
    return need / _GIB + ALLOWANCE_GIB <= instance.gpu_memory_gib


def most_rows(needs: Iterable[Need], dtype: str, instance: Instance) -> int:
    """The most rows of a try-on's forward that fit, all networks resident; 0: not even one."""
    rows = [need.rows for need in _of(needs, "tryon", dtype, "resident") if fits(need.bytes, instance)]
    return max(rows, default=0)


def profile_of(engine: str, needs: Iterable[Need], dtype: str, instance: Instance) -> str:
    """The memory profile with which one job of an engine fits, an avatar's pictures coded one by one if need be."""
    for profile in ("resident", "low"):
        if any(fits(need.bytes, instance) for need in _of(needs, engine, dtype, profile)):
            return profile
    return "no"


def both(needs: Sequence[Need], dtype: str) -> int:
    """Bytes of both engines resident: an avatar, its pictures coded one by one, and one guided try-on beside it."""
    (avatar,) = (need for need in _of(needs, "avatar", dtype, "resident") if need.rows == 1)
    (tryon,) = (need for need in _of(needs, "tryon", dtype, "resident") if need.rows == 2)
    return avatar.weights + tryon.weights + avatar.jobs + tryon.jobs + max(avatar.forward, tryon.forward)


def _of(needs: Iterable[Need], engine: str, dtype: str, profile: str) -> list[Need]:
    return [need for need in needs if (need.engine, need.dtype, need.profile) == (engine, dtype, profile)]


def _needs_table(needs: Sequence[Need]) -> str:
    rows = [
        (
            *(need.engine, str(need.rows), need.dtype, need.profile),
            *(f"{size / _GIB:.2f}" for size in (need.weights, need.jobs, need.forward)),
            *(need.of, f"**{need.bytes / _GIB:.1f}**"),
        )
        for need in needs
    ]
    heads = ("engine", "rows", "precision", "profile", "weights", "jobs", "largest forward", "of", "GiB together")
    return _table(heads, rows, "lrllrrrlr")


def _types_table(needs: Sequence[Need]) -> str:
    rows = [
        (
            f"`{name}`",
            f"{instance.gpus} x {instance.gpu}",
            f"{instance.gpu_memory_gib:.1f}",
            str(instance.vcpus),
            str(instance.memory_gib),
            f"{instance.nvme_gb:,}",
            _yes(instance.batch_transform),
            " / ".join(str(most_rows(needs, dtype, instance)) for dtype in DTYPES),
            *(" / ".join(profile_of(engine, needs, dtype, instance) for dtype in DTYPES) for engine in PROFILED),
            " / ".join(_yes(fits(both(needs, dtype), instance)) for dtype in DTYPES),
        )
        for name, instance in INSTANCES.items()
    ]
    heads = (
        *("type", "GPUs", "GiB each", "vCPUs", "host GiB", "local GB", "batch transform"),
        *("try-on rows", "OOTDiffusion", "avatar", "both resident"),
    )
    return _table(heads, rows, "llrrrrlllll")


def _yes(answer: bool) -> str:
    return "yes" if answer else "no"


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]], sides: str) -> str:
    rules = ["---:" if side == "r" else "---" for side in sides]
    return "\n".join(f"| {' | '.join(row)} |" for row in (heads, rules, *rows))


_PAGE = """\
# Which instance type

<!-- made by `python sagemaker/instances.py --write`; the numbers by `python -m bench.sizing.needs` -->

**Computed, not measured on a card.** Every network was built at its published size without memory, and what a forward
allocates and frees was counted, with attention as a fused kernel. Not counted: the CUDA context, workspaces of
convolutions, what the allocator loses to fragments, and an avatar's stages from the mesh on. {allowance:g} GiB are
allowed for those: a guess. Measure before you rent many.

## What the engines need of one GPU

Try-ons are of 768 x 1024: a guided one is two rows of the UNet, so 8 rows are four try-ons at once (with
`MEMORY_PROFILE=low` one of four samples); 1 row is one without guidance. `tryon` is CatVTON with its mask-based
variant; `ootdiffusion` is OOTDiffusion with both of its variants, whose four UNets and image encoder are resident
together, and what it keeps of a garment is with its jobs (`GARMENT_CACHE_BYTES` keep more). An avatar has eight
photos and six views of 768 x 768; its rows are how many pictures the autoencoder codes at once. An outfit's are the
codes of a fit, sought together in float32 whatever the dtype, and the forward is that of 8192 points; it fits every
type. `resident`: all weights stay on the GPU; `low`: one network's at a time, which is slower. The largest forward is
mostly that of the autoencoder, because all pictures that wait go through it together; it comes once a job,
`MAX_BATCH_ROWS` bounds it, and what does not fit is split.

{needs}

For comparison: CatVTON's paper (arXiv 2407.15886) states 5,940 MB for its own code at this size on an A100, its README
under 8 GB in bfloat16; both include what is not counted here. The counting was compared with torch's allocator on a
CPU, on an autoencoder of a quarter of the widths and pictures of 192 x 256: the encoder's count is 0.1 % lower, the
decoder's 20 %, and what lacks is scratch memory of convolutions.

## What fits which type

Each GPU has a worker with weights of its own, so more GPUs are more results at once and never more room for one. Cells
with two entries are for float16 (the default on GPUs) / float32. Try-on rows: the most of 1, 2, 4, 6, 8 that fit with
`resident`, of CatVTON. OOTDiffusion, avatar: the profile with which one fits. Both resident: an
avatar and a try-on of CatVTON at once in one worker.

{types}

Types with newer GPUs (g7, g7e, p6) are absent because the image's CUDA, 11.8, does not know them; those with older ones
(p2, p3) because the image is not compiled for them.

## What 1000 pictures cost

    cost = 1000 x seconds x hourly price / 3600 / utilisation / GPUs

`seconds`: one picture on one GPU, measured on your type at your size, steps and load. `utilisation`: the share of the
paid time in which it computes; scaling to zero raises it. Prices differ by region and change, so none is written here:

    python sagemaker/instances.py cost --seconds 9.4 --price 1.41 --utilisation 0.7
"""
