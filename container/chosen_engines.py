"""Which engines are loaded, from which weights, and who answers where a request names none.

Loaded are those that `ENGINES` and `DEFAULT_ENGINES` name; without `ENGINES` all whose weights are there, but for what
was never trained. Built-in weights stand in for what MODEL_DIR lacks only if their engine is named.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from model.engines.pack import EnginePack
from model.engines.registry import ENGINES, engines_of
from model.errors import WeightsError

FULL_SIZE_BYTES = 500 * 10**6  # weights above this are no toy: on a CPU they take minutes a picture


@dataclass(frozen=True)
class Chosen:
    """The engines in the registry's order."""

    packs: Mapping[str, EnginePack]  # engine -> the weights it is loaded from
    defaults: Mapping[str, str]  # type -> the engine that answers where nothing else chooses
    left_out: Sequence[str]  # engines whose weights are there and that nobody has named


def refuse_full_size_without_a_gpu(packs: Mapping[str, EnginePack], *, has_gpu: bool) -> None:
    """Raise `WeightsError` where large weights would silently run on a CPU."""
    if not has_gpu and max(pack.bytes_on_disk(name) for name, pack in packs.items()) > FULL_SIZE_BYTES:
        raise WeightsError("no GPU was found for full-size weights; set DEVICE=cpu to insist on the CPU")


def chosen_engines(words: Sequence[str], defaults: Mapping[str, str], pack: EnginePack) -> Chosen:
    """Choose.

    Args:
        words: of ENGINES, names of engines or types.
        defaults: of DEFAULT_ENGINES, type -> engine.
        pack: the MODEL_DIR.

    Raises:
        WeightsError: what is named has no weights, or nothing has any.
    """
    wanted = [engine for word in words for engine in meant(word, pack)] or unasked(pack)
    wanted += defaults.values()
    packs = {name: weights_of(name, pack) for name in ENGINES if name in wanted}
    if not packs:
        lacking = "; ".join(f"{name} lacks {pack.missing(name)[0]}" for name in ENGINES if pack.missing(name))
        raise WeightsError(
            f"MODEL_DIR={pack.folder} has the weights of no trained engine: {lacking or 'name one in ENGINES'}"
        )
    left_out = [name for name in ENGINES if name not in packs and (ENGINES[name].built_in or not pack.missing(name))]
    return Chosen(packs, default_of_each_type(list(packs), defaults, pack), left_out)


def unasked(pack: EnginePack) -> list[str]:
    """The engines that are loaded without being named."""
    return [name for name in pack.engines if not pack.untrained(name)]


def meant(word: str, pack: EnginePack) -> list[str]:
    """The engines that a word of ENGINES stands for: of a type those that would be loaded unasked, else any."""
    if word in ENGINES:
        return [word]
    of_type = engines_of(word)
    there = [name for name in of_type if not pack.missing(name)]
    return [name for name in there if name in unasked(pack)] or there or of_type[:1]


def weights_of(name: str, pack: EnginePack) -> EnginePack:
    """Where the weights of a named engine are."""
    if not (missing := pack.missing(name)):
        return pack
    if ENGINES[name].built_in:
        return EnginePack("demo")
    raise WeightsError(f"ENGINES or DEFAULT_ENGINES names '{name}', but MODEL_DIR has no {missing[0]}")


def default_of_each_type(names: Sequence[str], named: Mapping[str, str], pack: EnginePack) -> dict[str, str]:
    """Who answers: whom the operator names, else the pack's manifest, else the first."""
    by_type = {ENGINES[name].type: name for name in reversed(names)}
    of_manifest = {type: name for type, name in pack.manifest.default_engines.items() if name in names}
    return by_type | {type: name for type, name in of_manifest.items() if ENGINES[name].type == type} | dict(named)
