"""FID and KID against closed forms and plain sums."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import permutations, product

import numpy as np
import pytest
import torch
from scipy.linalg import sqrtm

from model.errors import InputError
from model.evaluate.distributions import fid, kid


def gaussian(seed: int, count: int = 60, features: int = 5) -> torch.Tensor:
    rng = np.random.default_rng(seed)
    mixing = rng.normal(size=(features, features))
    return torch.from_numpy(rng.normal(size=(count, features)) @ mixing + rng.normal(size=features)).float()


def exactly(mean: tuple[float, ...], deviations: tuple[float, ...]) -> torch.Tensor:
    """A set whose mean and (diagonal) unbiased covariance are exactly the given."""
    axes = len(mean)
    corners = torch.cat([torch.eye(axes), -torch.eye(axes)]).double()
    spread = torch.tensor(deviations).double() * ((2 * axes - 1) / 2) ** 0.5
    moved: torch.Tensor = corners * spread + torch.tensor(mean)
    return moved


def test_fid_of_known_gaussians_is_the_closed_form() -> None:
    first, second = exactly((0, 0, 0), (1, 2, 3)), exactly((1, 0, -2), (2, 2, 1))
    assert fid(first, second) == pytest.approx((1 + 4) + (1 - 2) ** 2 + 0 + (3 - 1) ** 2)


def test_fid_equals_the_matrix_square_root_where_covariances_do_not_commute() -> None:
    first, second = gaussian(1).double().numpy(), gaussian(2).double().numpy()
    c1, c2 = np.cov(first, rowvar=False), np.cov(second, rowvar=False)
    expected = ((first.mean(0) - second.mean(0)) ** 2).sum() + np.trace(c1 + c2 - 2 * sqrtm(c1 @ c2).real)
    assert fid(torch.from_numpy(first), torch.from_numpy(second)) == pytest.approx(expected, rel=1e-6)


def test_fid_of_a_set_with_itself_is_zero() -> None:
    assert fid(gaussian(1), gaussian(1)) == pytest.approx(0, abs=1e-4)


def test_kid_of_whole_sets_is_the_unbiased_mmd() -> None:
    x, y = gaussian(1, 20), gaussian(2, 20)

    def mean_kernel(a: torch.Tensor, b: torch.Tensor, pairs: Iterable[tuple[int, ...]]) -> float:
        return float(np.mean([(float(a[i].double() @ b[j].double()) / 5 + 1) ** 3 for i, j in pairs]))

    different, all_pairs = list(permutations(range(20), 2)), list(product(range(20), repeat=2))
    expected = mean_kernel(x, x, different) + mean_kernel(y, y, different) - 2 * mean_kernel(x, y, all_pairs)
    assert kid(x, y) == pytest.approx(expected, rel=1e-6)


def test_kid_of_one_distribution_is_near_zero_and_of_two_is_not() -> None:
    everything = torch.from_numpy(np.random.default_rng(3).normal(size=(400, 5)))
    same = kid(everything[:200], everything[200:])
    other = kid(everything[:200], everything[200:] + 1)
    assert abs(same) < 0.1 * other


def test_kid_of_unequal_sets_draws_subsets_by_seed() -> None:
    x, y = gaussian(1, 30), gaussian(2, 50)
    assert kid(x, y, seed=1) == kid(x, y, seed=1) != kid(x, y, seed=2)
    state = torch.get_rng_state()
    kid(x, y)
    assert torch.equal(state, torch.get_rng_state())


@pytest.mark.parametrize("measure", [fid, kid])
def test_sets_that_cannot_be_compared_are_refused(measure: object) -> None:
    assert callable(measure)
    with pytest.raises(InputError, match="at least two pictures, 'results' has 1"):
        measure(gaussian(1, 1), gaussian(2))
    with pytest.raises(InputError, match="at least two pictures, 'truth' has 1"):
        measure(gaussian(1), gaussian(2, 1))
    with pytest.raises(InputError, match="results have 5 features, truths 4"):
        measure(gaussian(1), gaussian(2)[:, :4])
