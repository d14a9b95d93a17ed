"""The plain way against ours: the same results first, and only then how long each takes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from statistics import median

import torch
from torch import Tensor

from bench.ceiling import Ceiling
from bench.pairs import Pairs, Quartiles, finished, in_pairs
from bench.peak import with_peak
from bench.report import Row

MOST_DIFFERENCE = 1e-4  # of the plain result's largest number, in float32
MOST_LEVELS = 2  # of 255, in float32
TIMES_AS_FAR = 1.5  # in 16 bits: ours from the plain result of float32, against plain from it

# Given the number of an input, what comes of it: each number is another input, so that nothing may be remembered.
Work = Callable[[int], Tensor]


class DifferentError(Exception):
    """The two ways do not do the same."""


@dataclass(frozen=True)
class Contest:
    """One thing that is done both ways.

    Args:
        what: for people.
        plain, ours: return floats, or pixels as uint8; the same as each other, about.
        exact: the plain way in float32. Where that is what is measured, `plain` itself.
        flops: of one piece of work, the plain way and ours. Counting takes seconds, so only when asked.
    """

    what: str
    plain: Work
    ours: Work
    exact: Work
    flops: Callable[[], tuple[float, float]]


@dataclass(frozen=True)
class Outcome:
    """What came of a contest.

    Args:
        difference: of the results, as a share of what is allowed.
        plain_peak_bytes, ours_peak_bytes: beyond what was held before; the weights were.
    """

    contest: Contest
    difference: float
    plain_peak_bytes: int
    ours_peak_bytes: int
    pairs: Pairs

    def row(self, ceiling: Ceiling) -> Row:
        """Ratios are plain / ours: above 1, ours is faster."""
        pairs, (plain_flops, ours_flops) = self.pairs, self.contest.flops()
        plain_s, ours_s = median(pairs.plain_s), median(pairs.ours_s)
        ratios, cpu_ratios = Quartiles.of(pairs.ratios), Quartiles.of(pairs.cpu_ratios)
        return {
            "what": self.contest.what,
            "plain s": plain_s,
            "Atelier s": ours_s,
            "ratio": ratios.median,
            "quartiles": f"{ratios.lower:.3f} to {ratios.upper:.3f}",
            "by CPU s": cpu_ratios.median,
            "CPU quartiles": f"{cpu_ratios.lower:.3f} to {cpu_ratios.upper:.3f}",
            "plain TFLOP": plain_flops / 1e12,
            "TFLOP": ours_flops / 1e12,
            "plain TFLOP/s": plain_flops / plain_s / 1e12,
            "TFLOP/s": ours_flops / ours_s / 1e12,
            "plain % of ceiling": 100 * plain_flops / plain_s / ceiling.flops_per_s,
            "% of ceiling": 100 * ours_flops / ours_s / ceiling.flops_per_s,
            "plain peak GB": self.plain_peak_bytes / 1e9,
            "peak GB": self.ours_peak_bytes / 1e9,
        }


def held(contest: Contest, device: torch.device, pairs: int) -> Outcome:
    """Compare what comes out, then take turns.

    Raises:
        DifferentError: there is nothing to compare the speed of.
    """
    plain, plain_bytes = with_peak(lambda: contest.plain(0), device)
    ours, ours_bytes = with_peak(lambda: contest.ours(0), device)
    exact = plain if contest.exact is contest.plain else contest.exact(0)
    difference = share_of_allowed(plain, ours, exact)
    if not difference <= 1:  # nor is nan
        raise DifferentError(f"{contest.what}: {difference:.3g} times as different as allowed")
    numbers = {work: count(1) for work in (contest.plain, contest.ours)}

    def fresh(work: Work) -> Callable[[], object]:
        return finished(lambda: work(next(numbers[work])), device)

    taken = in_pairs(fresh(contest.plain), fresh(contest.ours), pairs, warm_up=False)
    return Outcome(contest, difference, plain_bytes, ours_bytes, taken)


def share_of_allowed(plain: Tensor, ours: Tensor, exact: Tensor) -> float:
    """How different two results are: 1 is as different as they may be.

    In float32 (`exact` is `plain`) that is `MOST_DIFFERENCE`, of pixels `MOST_LEVELS`. In 16 bits two right answers
    may lie far apart: there, ours may be `TIMES_AS_FAR` from the exact one as plain is, root mean square.
    """
    plain_numbers, numbers, exact_numbers = (result.float().cpu() for result in (plain, ours, exact))
    if exact is not plain:
        allowed = TIMES_AS_FAR * (plain_numbers - exact_numbers).square().mean().sqrt()
        return float((numbers - exact_numbers).square().mean().sqrt() / allowed)
    allowed = torch.tensor(MOST_LEVELS) if plain.dtype == torch.uint8 else MOST_DIFFERENCE * plain_numbers.abs().max()
    return float((numbers - plain_numbers).abs().max() / allowed)
