"""Which engines' weights are in a MODEL_DIR, and what is known about them. Never imports torch."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from model.engines import registry
from model.weights.pack import Pack
from model.weights.parameters import parameters_in


class EnginePack(Pack):
    """A folder of weights, asked for engines by their names."""

    @property
    def engines(self) -> list[str]:
        """The engines all of whose files are there."""
        return [engine for engine in registry.ENGINES if not self.missing(engine)]

    def files_of(self, engine: str) -> list[Path]:
        """Every file `engine` reads, present or not."""
        return registry.files(engine, self.folder)

    def missing(self, engine: str) -> list[str]:
        """The files `engine` reads that are not there, by their paths under the folder."""
        return [self.name(file) for file in self.files_of(engine) if not file.is_file()]

    def untrained(self, engine: str) -> bool:
        """Whether networks of the engine have never seen a picture: it is loaded only if it is named."""
        return any(self.facts(file).untrained for file in self.files_of(engine))

    def defaults(self, engine: str) -> dict[str, int | float]:
        """Request fields this pack wants other defaults for, such as the size it was trained at.

        Manifests from before there were several engines of a type have them under the type's name.
        """
        of_type = self.manifest.defaults.get(registry.ENGINES[engine].type, {})
        known = registry.request_class(engine).model_fields
        own = self.manifest.defaults.get(engine, {})
        return {name: value for name, value in of_type.items() if name in known} | own

    def licence_of(self, engine: str) -> str:
        """The licences of the engine's files, or "unknown"."""
        return self.licence(self.files_of(engine))

    def bytes_on_disk(self, engine: str) -> int:
        """Size of the engine's files together."""
        return sum(file.stat().st_size for file in self.files_of(engine))

    def parameters_of(self, engine: str) -> Counter[str]:
        """Numbers in the engine's safetensors files, by the first word of their tensors' names."""
        files = [file for file in self.files_of(engine) if file.suffix == ".safetensors" and file.is_file()]
        return sum(map(parameters_in, files), Counter())

    def fingerprint_of(self, engine: str) -> str:
        """64 hex digits that change when the engine's weights change."""
        return self.fingerprint(self.files_of(engine))
