"""SCHP's published checkpoints: their keys, and the file that is made of one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
import torch.nn.functional as F
from PIL import Image

from model.__main__ import main
from model.errors import WeightsError
from model.perception.onnx_file import network_input
from model.perception.parsing import Parsing
from model.perception.profile import Profile
from model.perception.schp.export import read_checkpoint, write
from model.perception.schp.network import SCHP, pooled

SIDE = 89


def published(network: SCHP) -> dict[str, dict[str, torch.Tensor]]:
    weights = {name: tensor for name, tensor in network.state_dict().items() if "num_batches_tracked" not in name}
    return {"state_dict": {f"module.{name}": tensor for name, tensor in weights.items()}}


@pytest.mark.parametrize(("classes", "numbers"), [(20, 66_838_456), (18, 66_837_428)])
def test_the_keys_are_the_published_ones(classes: int, numbers: int) -> None:
    """603 tensors; with their names in the old format they have the published files' length, to the byte."""
    with torch.device("meta"):
        weights = published(SCHP(classes))["state_dict"]
    assert len(weights) == 603
    assert sum(tensor.numel() for tensor in weights.values()) == numbers
    shapes = {name: tuple(tensor.shape) for name, tensor in weights.items()}
    assert shapes["module.conv3.weight"] == (128, 64, 3, 3)
    assert shapes["module.layer4.0.downsample.0.weight"] == (2048, 1024, 1, 1)
    assert shapes["module.context_encoding.stages.3.2.running_var"] == (512,)
    assert shapes["module.decoder.conv3.3.bias"] == (256,)
    assert shapes["module.fushion.3.weight"] == (classes, 256, 1, 1)


def test_the_pyramids_means_are_adaptive_poolings() -> None:
    features = torch.randn((1, 4, 32, 30), generator=torch.Generator().manual_seed(0))
    for side in (1, 2, 3, 6):
        torch.testing.assert_close(pooled(features, side), F.adaptive_avg_pool2d(features, side))


def made_up() -> SCHP:
    """A network of small weights, so that its logits stay near one."""
    generator = torch.Generator().manual_seed(5)
    network = SCHP(20)
    for name, tensor in network.state_dict().items():
        if tensor.ndim == 4:
            tensor.normal_(0, (2 / tensor[0].numel()) ** 0.5, generator=generator)
        elif name.endswith("running_var"):
            tensor.uniform_(0.8, 1.2, generator=generator)
        elif name.endswith(("running_mean", "bias")):
            tensor.normal_(0, 0.1, generator=generator)
    return network.eval()


def test_a_checkpoint_is_read_strictly_and_its_file_says_how_it_is_asked(tmp_path: Path) -> None:
    network = made_up()
    checkpoint = tmp_path / "lip.pth"
    torch.save(published(network), checkpoint, _use_new_zipfile_serialization=False)
    read = read_checkpoint(checkpoint)
    write(onnx, read, 20, SIDE, tmp_path / "parsing_lip.onnx")
    parsing = Parsing(tmp_path / "parsing_lip.onnx", 20)
    assert parsing.network.described_by == "its metadata"
    assert (parsing.network.profile.geometry, parsing.network.profile.labels) == ("affine", "lip")
    noise = np.random.default_rng(0).integers(0, 256, (SIDE, SIDE, 3), dtype=np.uint8)
    profile = Profile(mean=(0.406, 0.456, 0.485), std=(0.225, 0.224, 0.229))
    with torch.inference_mode():
        expected = network(torch.from_numpy(network_input(noise, profile)))[0].numpy()
    np.testing.assert_allclose(
        parsing.network.run(noise), expected, atol=1e-3 * max(1.0, float(np.abs(expected).max()))
    )
    assert parsing.labels(Image.fromarray(noise[:40])).shape == (40, SIDE)
    spoilt = published(network)
    del spoilt["state_dict"]["module.edge.conv5.bias"]
    torch.save(spoilt, checkpoint)
    with pytest.raises(WeightsError, match=r"lip\.pth: is not SCHP's checkpoint"):
        read_checkpoint(checkpoint)


def test_the_command_says_what_it_cannot_convert(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "some.pth").write_bytes(b"nothing")
    assert main(["convert", str(tmp_path / "some.pth"), str(tmp_path / "out.onnx")]) == 1
    assert "is not SCHP's checkpoint" in capsys.readouterr().err
    assert main(["convert", str(tmp_path / "some.pth"), str(tmp_path / "out.safetensors")]) == 1
    assert "a .pth cannot become a .safetensors" in capsys.readouterr().err
    assert main(["convert", str(tmp_path / "none.pth"), str(tmp_path / "out.onnx")]) == 1
    assert "none.pth is not there" in capsys.readouterr().err
