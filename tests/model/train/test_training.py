"""From pictures to weights that are served as they are."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from safetensors.torch import load_file
from torch import Tensor

from model.engine import Job
from model.engines.catvton.checkpoint import latents
from model.engines.catvton.engine import CatVTON
from model.engines.catvton.files import UNET, VAE, attention_file
from model.engines.catvton.request import Request
from model.engines.check import check
from model.engines.pack import EnginePack
from model.errors import WeightsError
from model.perception.files import label_map_files
from model.runtime.device import open_device
from model.train.errors import SettingsError
from model.train.loop import train
from model.train.networks import load_unet
from model.train.settings import Training
from model.weights.layout import tensor_file
from model.weights.pack import DEMO
from tests.model.train.small import HEIGHT, WIDTH, autoencoder, settings, tryon


def unet_of(pack: Path, folder: str = "catvton") -> dict[str, Tensor]:
    return load_file(tensor_file(pack / folder / UNET))


def weights(pack: Path) -> dict[str, Tensor]:
    return unet_of(pack) | load_file(attention_file(pack))


def same(one: dict[str, Tensor], other: dict[str, Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[key], other[key]) for key in one)


def apart(place: Path, name: str) -> dict[str, str]:
    """Settings of a training with places of its own."""
    return {
        "out": str(place / name),
        "checkpoints": str(place / f"checkpoints-{name}"),
        "logs": str(place / f"logs-{name}"),
    }


def measured(logs: Path) -> list[dict[str, float]]:
    return [json.loads(line) for line in (logs / "metrics.jsonl").read_text().splitlines()]


def dressed(pack: Path, place: Path, variant: str) -> Image.Image:
    """The first person of the data set in the second's shirt."""
    part = place / "data/train"
    files = {"person": part / "image/00000_00.jpg", "garment": part / "cloth/00001_00.jpg"}
    if variant == "mask":
        files["mask"] = part / "agnostic-mask/00000_00_mask.png"
    request = Request(seed=1, **dict.fromkeys(files, "given"), **EnginePack(pack).defaults("catvton"))
    (place / "outputs").mkdir(exist_ok=True)

    async def run() -> None:
        device = open_device("cpu")
        try:
            engine = CatVTON(pack, device)
            async with device.live("tryon", engine.resident_bytes(request)):
                await engine.run(request, Job(files, place / "outputs"))
        finally:
            device.close()

    asyncio.run(run())
    with Image.open(place / "outputs/result.png") as result:
        result.load()
    return result


@pytest.mark.parametrize("variant", ["mask", "maskfree"])
def test_what_was_trained_is_served_as_it_is(place: Path, variant: str) -> None:
    train(tryon(place, variant=variant, prediction_type="v_prediction", guidance=1.5, eta=0.5))
    pack = EnginePack(place / "pack")
    (report,) = check(pack)
    assert report.problems == []
    assert report.licence == "own training"
    assert pack.defaults("catvton") == {"width": WIDTH, "height": HEIGHT, "steps": 2, "guidance": 1.5, "eta": 0.5}
    assert dressed(place / "pack", place, variant).size == (WIDTH, HEIGHT)


def test_both_variants_go_into_one_pack_one_after_the_other(place: Path) -> None:
    for variant in ("mask", "maskfree"):
        train(tryon(place, variant=variant, max_steps=1, checkpoints=str(place / variant)))
    (report,) = check(EnginePack(place / "pack"))
    assert report.problems == []
    assert {name.split("/")[0] for name in EnginePack(place / "pack").manifest.files} == {"catvton", "catvton_maskfree"}
    assert latents(place / "pack", "maskfree") == latents(place / "start")


def test_the_autoencoder_writes_the_factor_that_makes_its_latents_vary_by_one(trained: Path) -> None:
    config = json.loads((trained / "start/catvton" / VAE / "config.json").read_text())
    assert config["latent_channels"] == 6
    assert config["scaling_factor"] > 0
    assert config["scaling_factor"] != 0.18215
    assert EnginePack(trained / "start").manifest.files.keys() == {
        "catvton/vae/config.json",
        "catvton/vae/diffusion_pytorch_model.safetensors",
    }
    with Image.open(trained / "logs/step-00000002.png") as sheet:
        assert sheet.size == (2 * WIDTH, 4 * HEIGHT)


@pytest.mark.parametrize("kind", [autoencoder, tryon])
def test_a_training_that_stopped_goes_on_to_the_same_weights(place: Path, kind: Callable[..., Training]) -> None:
    both: dict[str, Any] = {"ema": 0.9, "accumulate": 2, "schedule": "linear", "warmup_steps": 2, "half": "false"}
    train(kind(place, max_steps=4, **both, **apart(place, "a")))
    train(kind(place, max_steps=4, checkpoint_steps=2, keep=9, **both, **apart(place, "b")))
    (place / "checkpoints-b/step-00000004.pt").unlink()  # as if it had ended after the second step
    shutil.rmtree(place / "b")
    train(kind(place, max_steps=4, **both, **apart(place, "b")))
    assert [line["step"] for line in measured(place / "logs-b")] == [1, 2, 3, 4, 3, 4]
    file = Path("catvton") / (VAE if kind is autoencoder else UNET) / "diffusion_pytorch_model.safetensors"
    assert same(load_file(place / "a" / file), load_file(place / "b" / file))


def test_a_mask_free_training_may_start_from_a_mask_based_unet(place: Path) -> None:
    train(tryon(place, out=str(place / "start"), max_steps=1))
    train(tryon(place, variant="maskfree", unet="none", max_steps=1, **apart(place, "free")))
    assert EnginePack(place / "free").engines == ["catvton"]
    before = load_unet(place / "start", "mask")
    after = load_unet(place / "start", "maskfree")
    noise, condition, mask = torch.randn(1, 6, 8, 8), torch.randn(1, 6, 8, 8), torch.zeros(1, 1, 8, 8)
    masked = before.unet(torch.cat([noise, mask, condition], 1), 3, None).sample
    assert torch.allclose(after.unet(torch.cat([noise, condition], 1), 3, None).sample, masked, atol=1e-6)


def test_the_seed_decides(place: Path) -> None:
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        train(tryon(place, seed=seed, **apart(place, name)))
    a, b, c = (weights(place / name) for name in "abc")
    assert same(a, b)
    assert not same(a, c)


def test_only_the_newest_checkpoints_are_kept(place: Path) -> None:
    train(tryon(place, max_steps=5, checkpoint_steps=1, keep=2))
    assert sorted(file.name for file in (place / "checkpoints").iterdir()) == ["step-00000004.pt", "step-00000005.pt"]


def test_fine_tuning_changes_nothing_but_self_attention(place: Path) -> None:
    train(tryon(place, out=str(place / "start")))
    fine = {"unet": "none", "trainable": "attn1", "dream": 10, "gradient_checkpointing": "true"}
    train(tryon(place, **fine, checkpoints=str(place / "fine")))
    assert same(unet_of(place / "start"), unet_of(place / "pack"))
    before, after = (load_file(attention_file(place / name)) for name in ("start", "pack"))
    assert before.keys() == after.keys()
    assert not any(torch.equal(before[key], after[key]) for key in before)
    assert EnginePack(place / "pack").licence_of("catvton") == "own training"


def test_the_built_in_try_on_can_be_trained_further_and_finds_its_masks_afterwards(
    place: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "model")
    train(settings(place, what="tryon", start="demo", max_steps=1, batch_size=1))
    assert caplog.messages[0] == "reading networks and pictures"
    assert caplog.messages[1].startswith("training ")
    assert caplog.messages[1].endswith(" parameters on 4 samples, from step 0")
    pack = EnginePack(place / "pack")
    for file in label_map_files(DEMO):
        copy = pack.folder / file.relative_to(DEMO)
        assert copy.read_bytes() == file.read_bytes()
        assert pack.facts(copy) == EnginePack("demo").facts(file)
    assert [report.problems for report in check(pack)] == [[]]


def test_whoever_starts_from_others_weights_keeps_their_licence(place: Path) -> None:
    train(tryon(place, out=str(place / "start"), max_steps=1))
    manifest = place / "start/manifest.json"
    manifest.write_text(manifest.read_text().replace("own training", "CC BY-NC-SA 4.0"))
    train(tryon(place, unet="none", trainable="attn1", max_steps=1, checkpoints=str(place / "fine")))
    licence = EnginePack(place / "pack").facts(attention_file(place / "pack")).licence
    assert licence == "own training, started from weights under: CC BY-NC-SA 4.0"


def test_training_from_latents_encoded_once_is_training_from_pictures(place: Path) -> None:
    train(tryon(place, **apart(place, "a")))
    train(tryon(place, **apart(place, "b"), latents=str(place / "latents")))
    (place / "data/train/image/00000_00.jpg").write_bytes(b"not looked at again")
    train(tryon(place, **apart(place, "c"), latents=str(place / "latents")))
    assert same(weights(place / "b"), weights(place / "c"))
    first = {name: measured(place / f"logs-{name}")[0]["loss"] for name in "abc"}
    assert first["a"] == pytest.approx(first["b"], rel=1e-3)


def test_latents_of_other_pictures_are_refused(place: Path) -> None:
    train(tryon(place, max_steps=1, latents=str(place / "latents")))
    with pytest.raises(SettingsError, match=r"latents.* was encoded from other pictures"):
        train(tryon(place, variant="maskfree", latents=str(place / "latents")))


def test_a_checkpoint_of_another_training_is_refused(place: Path) -> None:
    train(tryon(place, max_steps=1))
    with pytest.raises(SettingsError, match=r"variant is 'maskfree', but .*\.pt is of a training with 'mask'"):
        train(tryon(place, variant="maskfree"))


def test_a_unet_that_does_not_fit_the_latents_is_refused(place: Path) -> None:
    with pytest.raises(SettingsError, match="in_channels is 9, the variant 'mask' on these latents has 13"):
        train(tryon(place, unet='{"in_channels": 9}'))


def test_a_start_without_an_autoencoder_is_refused(place: Path) -> None:
    (place / "start/catvton/vae/config.json").unlink()
    with pytest.raises(WeightsError, match="no autoencoder"):
        train(tryon(place))


def test_what_is_measured_is_written_down(place: Path) -> None:
    train(tryon(place, picture_steps=2, pictures=3, loss_outside=0.5, min_snr=5, timestep_power=2))
    lines = measured(place / "logs")
    assert [line["step"] for line in lines] == [1, 2]
    assert lines[0].keys() == {"step", "loss", "gradient_norm", "learning_rate", "samples_per_second", "minutes"}
    with Image.open(place / "logs/step-00000002.png") as sheet:
        assert sheet.size == (4 * WIDTH, 3 * HEIGHT)
    assert list((place / "logs").glob("events.out.tfevents.*"))


def test_a_time_budget_ends_it(place: Path) -> None:
    train(tryon(place, max_steps="none", max_minutes=1e-6))
    assert check(EnginePack(place / "pack"))[0].problems == []


def test_half_the_precision_trains_too(place: Path) -> None:
    train(tryon(place, mixed_precision="bf16"))
    assert all(tensor.isfinite().all() for tensor in weights(place / "pack").values())
