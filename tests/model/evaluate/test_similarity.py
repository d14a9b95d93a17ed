"""SSIM and LPIPS against independent computations."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import gaussian_filter
from torchmetrics.functional.image import lpips as library

from model.errors import InputError, WeightsError
from model.evaluate.lpips import Lpips, squeezenet
from model.measures.similarity import ssim
from tests.model.tryon.drawing import noise, saved

CPU = torch.device("cpu")


def smooth(seed: int, size: tuple[int, int] = (48, 64)) -> Image.Image:
    return noise(6, 8, seed=seed).resize(size, Image.Resampling.BICUBIC)


def plain_ssim(first: Image.Image, second: Image.Image) -> float:
    """The formula of the paper, each channel by itself, the pictures mirrored at their borders."""
    x, y = (np.asarray(picture, np.float64) / 255 for picture in (first, second))

    def blurred(values: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(gaussian_filter(values, 1.5, truncate=3.5, axes=(0, 1), mode="mirror"), np.float64)

    mx, my = blurred(x), blurred(y)
    vx, vy, vxy = blurred(x * x) - mx**2, blurred(y * y) - my**2, blurred(x * y) - mx * my
    c1, c2 = 0.01**2, 0.03**2
    return float(((2 * mx * my + c1) * (2 * vxy + c2) / ((mx**2 + my**2 + c1) * (vx + vy + c2))).mean())


def test_ssim_is_the_papers_formula() -> None:
    pairs = [(smooth(1), smooth(2)), (smooth(1), noise(48, 64)), (noise(48, 64), noise(48, 64, seed=1))]
    for first, second in pairs:
        assert ssim(first, second) == pytest.approx(plain_ssim(first, second), abs=2e-4)
    assert ssim(smooth(1), smooth(1)) == pytest.approx(1)


def test_ssim_of_a_region_is_the_mean_over_its_pixels() -> None:
    other = smooth(1)
    other.paste(noise(24, 64), (0, 0))
    left = np.zeros((64, 48), np.bool_)
    left[:, :24] = True
    right = np.roll(left, 24, 1)
    assert ssim(other, smooth(1), left) < 0.5
    assert ssim(other, smooth(1), np.roll(left, 24 + 6, 1) & right) == pytest.approx(1)  # no window reaches the noise
    halves = ssim(other, smooth(1), left), ssim(other, smooth(1), right)
    assert np.mean(halves) == pytest.approx(ssim(other, smooth(1)), abs=1e-5)


def test_ssim_refuses_what_it_cannot_compare() -> None:
    with pytest.raises(InputError, match="the result is"):
        ssim(smooth(1), smooth(1, (48, 60)))
    with pytest.raises(InputError, match="SSIM needs 11 pixels"):
        ssim(smooth(1, (10, 60)), smooth(1, (10, 60)))
    with pytest.raises(InputError, match="over no pixel"):
        ssim(smooth(1), smooth(1), np.zeros((64, 48), np.bool_))


@pytest.fixture(scope="module")
def squeezenet_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(5)
    states = {f"features.{name}": tensor for name, tensor in squeezenet().state_dict().items()}
    file = tmp_path_factory.mktemp("lpips") / "squeezenet1_1.pth"
    torch.save(states | {"classifier.1.weight": torch.zeros(1)}, file)
    return file


def test_lpips_is_the_librarys_on_the_same_network(squeezenet_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All but the network itself, which there would come from torchvision."""
    ours = Lpips(squeezenet_file, CPU)
    monkeypatch.setattr(library, "_get_tv_model_features", lambda net, pretrained: ours.network)
    theirs = library.learned_perceptual_image_patch_similarity
    first, second = (torch.rand(2, 3, 64, 48, generator=torch.Generator().manual_seed(i)) * 2 - 1 for i in (1, 2))
    expected = theirs(first, second, net_type="squeeze", reduction="none")
    torch.testing.assert_close(ours.distance(first, second), expected)
    assert expected.min() > 0


def test_squeezenet_has_the_published_size() -> None:
    assert sum(parameter.numel() for parameter in squeezenet().parameters()) == 722_496  # 1,235,496 with its classifier
    assert squeezenet()(torch.zeros(1, 3, 224, 224)).shape == (1, 512, 13, 13)


def test_lpips_of_pictures_grows_with_their_difference(squeezenet_file: Path) -> None:
    lpips = Lpips(squeezenet_file, CPU)
    assert lpips(smooth(1), smooth(1)) == 0
    near = Image.blend(smooth(1), smooth(2), 0.1)
    assert 0 < lpips(near, smooth(1)) < lpips(smooth(2), smooth(1))
    with pytest.raises(InputError, match="the result is"):
        lpips(smooth(1), smooth(1, (48, 60)))


def test_a_file_that_is_no_squeezenet_is_named(tmp_path: Path) -> None:
    torch.save({"features.0.weight": torch.zeros(1)}, tmp_path / "other.pth")
    for name in ("other.pth", "absent.pth", saved(smooth(1), tmp_path / "picture.png").name):
        with pytest.raises(WeightsError, match=rf"{name} is no SqueezeNet 1\.1"):
            Lpips(tmp_path / name, CPU)
