"""Whether a request would end in time: what would be computed for nothing is refused at once, with what would fit."""

from __future__ import annotations

from dataclasses import dataclass

from model.request import Request
from serve.errors import Overloaded, TooMuchWork

_RETRY_S = 10  # while nothing was measured
_SIZES = ("width", "height", "size", "samples", "steps", "iterations", "texture_size")  # that work grows with
_LONGEST_S = 3600  # that a request's `deadline_s` may be


@dataclass(frozen=True)
class Admission:
    """The limits.

    Args:
        max_queued: jobs that were accepted and have not ended.
        job_deadline_s: of jobs that name none.
        wait: what would end too late is taken all the same.
    """

    max_queued: int
    job_deadline_s: float
    wait: bool

    def refuse_if_full(self, queued: int, expected_s: float) -> None:
        """Raise Overloaded if there is no place for one more; one is free when the next ends."""
        if queued >= self.max_queued:
            retry_after_s = round(max(expected_s / queued, 1.0), 1) if expected_s else _RETRY_S
            raise Overloaded(f"{queued} jobs are waiting, no more are taken", retry_after_s=retry_after_s)

    def refuse_if_late(
        self, request: Request, alone_s: float, expected_s: float, deadline_s: float, *, durable: bool
    ) -> None:
        """Say what would fit, or when.

        Args:
            alone_s: how long it takes. expected_s: until it would end, with all that is before it.

        Raises:
            TooMuchWork: it would end too late even alone.
            Overloaded: it would end too late now.
        """
        if self.wait or expected_s <= deadline_s:
            return
        if alone_s > deadline_s:
            advice = "; or ".join(
                [*fewer_steps(request, deadline_s / alone_s), *self._longer(alone_s, durable=durable)]
            )
            detail = f"it would take about {_seconds(alone_s)} s even alone, and its deadline is {deadline_s:g} s"
            raise TooMuchWork(f"{detail}: {advice or less(request)}", field="deadline_s")
        wait_s = round(expected_s - deadline_s, 1)
        detail = f"it would end in about {_seconds(expected_s)} s, after its deadline of {deadline_s:g} s"
        raise Overloaded(detail, retry_after_s=wait_s)

    def _longer(self, alone_s: float, *, durable: bool) -> list[str]:
        if not durable and alone_s <= self.job_deadline_s:
            return [f"hand it in as a job (POST /api/jobs), which has {self.job_deadline_s:g} s"]
        return [f"name a 'deadline_s' of {alone_s * 1.5:.0f} or more"] if alone_s * 1.5 <= _LONGEST_S else []


def _seconds(seconds: float) -> str:
    return f"{seconds:.0f}" if seconds >= 10 else f"{seconds:.1g}"


def less(request: Request) -> str:
    """What there is less of to ask for, where no single number of steps would fit."""
    sizes = [name for name in _SIZES if name in type(request).model_fields]
    return f"ask for much smaller values of {', '.join(sizes)}" if sizes else "ask for less"


def fewer_steps(request: Request, share: float) -> list[str]:
    """How many steps are no more than this share of the work, if the request has steps and any would do."""
    asked = request.model_dump().get("steps")
    if not isinstance(asked, int):
        return []
    limit = share * request.work()
    fit = next((n for n in range(asked - 1, 0, -1) if request.model_copy(update={"steps": n}).work() <= limit), None)
    return [] if fit is None else [f"{fit} steps instead of {asked} would fit"]
