"""What every try-on engine is built on."""

from __future__ import annotations

from typing import Any

from model.engine import Choices, Job
from model.tryon.dressing import dress
from model.tryon.painter import Painter


class TryOnEngine(Painter):
    """Reading, masks, passes and pasting back are here; an engine adds `paint`, `resident_bytes` and `warm_calls`."""

    async def run(self, request: Any, job: Job) -> None:
        """Leave `result.png`, `result_1.png`, ... (or `jpg`, `webp`) in the job's outputs, and what else was asked for.

        Raises:
            InputError: a picture cannot be used, or the weights for what was asked for are not there.
        """
        await dress(self, request, job)

    def choices(self) -> Choices:
        return Choices(mask_makers=list(self.masker.makers))
