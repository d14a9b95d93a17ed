"""Published checkpoints fit key for key, or the error says where they do not."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from safetensors.torch import load_file, save_file
from torch import Tensor

from model.diffusion.attention import PassThrough, keep_only_self_attention
from model.engines.catvton import checkpoint
from model.engines.catvton.files import UNET, VAE, VERSIONS, attention_file
from model.errors import WeightsError
from model.weights.layout import TENSOR_FILES, tensor_file
from model.weights.loading import UnloadedNetwork, differences

CPU = torch.device("cpu")
MIDDLE = "mid_block.attentions.0.transformer_blocks.0.attn1"

Tensors = dict[str, Tensor]


def rewrite(file: Path, change: Callable[[Tensors], object]) -> None:
    tensors = {key: tensor.clone() for key, tensor in load_file(file).items()}
    change(tensors)
    save_file(tensors, file)


def load_vae(weights: Path) -> AutoencoderKL:
    return checkpoint.vae(weights).load(CPU, torch.float32)


def load_unet(weights: Path) -> torch.nn.Module:
    unet: torch.nn.Module = checkpoint.unet(weights).load(CPU, torch.float32)
    return unet


def test_loaded_networks_are_ready_for_inference(weights: Path) -> None:
    for network in (load_unet(weights), load_vae(weights)):
        assert not network.training
        assert not any(parameter.requires_grad or parameter.is_meta for parameter in network.parameters())


def test_networks_compute_in_the_dtype_asked_for(weights: Path) -> None:
    unet = checkpoint.unet(weights).load(CPU, torch.float16)
    assert {parameter.dtype for parameter in unet.parameters()} == {torch.float16}


def test_attention_comes_from_its_own_file_and_all_else_from_the_base(weights: Path) -> None:
    base = load_file(weights / "catvton" / UNET / TENSOR_FILES[0])
    attention = load_file(attention_file(weights))
    loaded = load_unet(weights).state_dict()
    assert torch.equal(loaded["conv_in.weight"], base["conv_in.weight"])
    assert torch.equal(loaded[f"{MIDDLE}.to_q.weight"], attention["120.to_q.weight"])
    assert not torch.equal(loaded[f"{MIDDLE}.to_q.weight"], base[f"{MIDDLE}.to_q.weight"])


def test_cross_attention_is_never_allocated(weights: Path) -> None:
    unet = load_unet(weights)
    assert sum(isinstance(module, PassThrough) for module in unet.modules()) == 16
    assert not any(".attn2." in name for name in unet.state_dict())


def test_a_missing_key_is_named_with_the_nearest_found(weights: Path) -> None:
    def misspell(tensors: Tensors) -> None:
        tensors["decoder.conv_imm.weight"] = tensors.pop("decoder.conv_in.weight")

    rewrite(weights / "catvton" / VAE / TENSOR_FILES[0], misspell)
    problems = checkpoint.vae(weights).checkpoints[0].problems
    assert problems == [
        "unexpected key 'decoder.conv_imm.weight', nearest is 'decoder.conv_in.weight'",
        "missing key 'decoder.conv_in.weight', nearest is 'decoder.conv_imm.weight'",
    ]
    with pytest.raises(
        WeightsError, match=r"vae/diffusion_pytorch_model\.safetensors: unexpected key .* \(and 1 more\)"
    ):
        load_vae(weights)


def test_only_the_first_few_of_many_keys_get_a_hint() -> None:
    shape = torch.Size([1])
    problems = differences({f"layer.{i}": shape for i in range(50)}, {f"model.layer.{i}": shape for i in range(50)})
    assert len(problems) == 100
    assert sum("nearest" in problem for problem in problems) == 20


def test_an_extra_key_is_an_error(weights: Path) -> None:
    rewrite(weights / "catvton" / VAE / TENSOR_FILES[0], lambda tensors: tensors.update(extra=torch.zeros(1)))
    with pytest.raises(WeightsError, match=r"unexpected key 'extra'$"):
        load_vae(weights)


def test_a_wrong_shape_is_named_with_both_shapes(weights: Path) -> None:
    rewrite(
        weights / "catvton" / UNET / TENSOR_FILES[0], lambda tensors: tensors.update({"conv_out.bias": torch.zeros(3)})
    )
    with pytest.raises(WeightsError, match=r"'conv_out.bias' has shape \(3,\), expected \(4,\)"):
        load_unet(weights)


def test_cross_attention_keys_are_expected_all_the_same(weights: Path) -> None:
    key = MIDDLE.replace("attn1", "attn2") + ".to_q.weight"
    rewrite(weights / "catvton" / UNET / TENSOR_FILES[0], lambda tensors: tensors.pop(key))
    with pytest.raises(WeightsError, match=f"missing key '{key}'"):
        load_unet(weights)


def without_attention(tensors: Tensors) -> None:
    for key in [key for key in tensors if ".attn1." in key or ".attn2." in key]:
        del tensors[key]


def test_a_base_may_lack_all_of_the_attention_that_is_replaced(weights: Path) -> None:
    whole = load_unet(weights).state_dict()
    rewrite(weights / "catvton" / UNET / TENSOR_FILES[0], without_attention)
    lean = load_unet(weights).state_dict()
    assert lean.keys() == whole.keys()
    assert all(torch.equal(lean[key], tensor) for key, tensor in whole.items())


def test_but_nothing_else(weights: Path) -> None:
    file = weights / "catvton" / UNET / TENSOR_FILES[0]
    rewrite(file, without_attention)
    rewrite(file, lambda tensors: tensors.pop("conv_out.bias"))
    with pytest.raises(WeightsError, match=r"missing key 'conv_out\.bias'"):
        load_unet(weights)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"latent_channels": 6}, "in_channels is 9, that of the variant 'mask' has 13"),
        ({"block_out_channels": [8] * 5}, "shrinks pictures 16 times, at most 8"),
        ({"block_out_channels": None}, "NoneType"),
    ],
)
def test_a_unet_and_an_autoencoder_that_do_not_fit_are_refused(
    weights: Path, changes: dict[str, object], said: str
) -> None:
    config = weights / "catvton" / VAE / "config.json"
    config.write_text(json.dumps(json.loads(config.read_text()) | changes))
    with pytest.raises(WeightsError, match=said):
        load_unet(weights)


def test_old_autoencoder_names_are_understood(weights: Path) -> None:
    expected = load_vae(weights).state_dict()

    def rename(tensors: Tensors) -> None:
        for key in [key for key in tensors if ".attentions.0.to_" in key]:
            old = key.replace("to_out.0", "proj_attn").replace("to_q", "query")
            tensors[old.replace("to_k", "key").replace("to_v", "value")] = tensors.pop(key)

    rewrite(weights / "catvton" / VAE / TENSOR_FILES[0], rename)
    assert "encoder.mid_block.attentions.0.proj_attn.bias" in load_file(weights / "catvton" / VAE / TENSOR_FILES[0])
    loaded = load_vae(weights).state_dict()
    assert all(torch.equal(loaded[key], tensor) for key, tensor in expected.items())


def test_an_old_name_beside_the_new_one_is_an_error(weights: Path) -> None:
    old = "decoder.mid_block.attentions.0.query.bias"
    rewrite(weights / "catvton" / VAE / TENSOR_FILES[0], lambda tensors: tensors.update({old: torch.zeros(24)}))
    with pytest.raises(WeightsError, match=f"unexpected key '{old}'"):
        load_vae(weights)


@pytest.mark.parametrize("wanted", range(len(TENSOR_FILES)))
def test_tensor_files_are_preferred_in_order(tmp_path: Path, wanted: int) -> None:
    for name in TENSOR_FILES[wanted:]:
        (tmp_path / name).touch()
    assert tensor_file(tmp_path).name == TENSOR_FILES[wanted]


def test_a_bin_file_loads_like_safetensors(weights: Path) -> None:
    expected = load_vae(weights).state_dict()
    torch.save(load_file(weights / "catvton" / VAE / TENSOR_FILES[0]), weights / "catvton" / VAE / TENSOR_FILES[2])
    (weights / "catvton" / VAE / TENSOR_FILES[0]).unlink()
    loaded = load_vae(weights).state_dict()
    assert all(torch.equal(loaded[key], tensor) for key, tensor in expected.items())


def test_a_bin_file_cannot_run_code(weights: Path) -> None:
    (weights / "catvton" / VAE / TENSOR_FILES[0]).unlink()
    torch.save({"a": Path("anything but a tensor")}, weights / "catvton" / VAE / TENSOR_FILES[2])
    with pytest.raises(WeightsError, match="cannot be read"):
        load_vae(weights)


@pytest.mark.parametrize("content", [b"", b"\x08\x00\x00\x00\x00\x00\x00\x00nonsense"])
def test_a_broken_file_is_a_weights_error(weights: Path, content: bytes) -> None:
    (weights / "catvton" / VAE / TENSOR_FILES[0]).write_bytes(content)
    with pytest.raises(WeightsError, match="cannot be read"):
        load_vae(weights)


def test_a_file_without_tensors_is_an_error(weights: Path) -> None:
    save_file({}, weights / "catvton" / VAE / TENSOR_FILES[0])
    with pytest.raises(WeightsError, match="holds no tensors"):
        load_vae(weights)


def test_a_broken_config_is_a_weights_error(weights: Path) -> None:
    (weights / "catvton" / VAE / "config.json").write_text('{"block_out_channels": 3}')
    with pytest.raises(WeightsError, match=r"vae/config\.json"):
        checkpoint.vae(weights)


def test_a_unet_without_mask_channels_is_refused(weights: Path) -> None:
    config = weights / "catvton" / UNET / "config.json"
    config.write_text(json.dumps(json.loads(config.read_text()) | {"in_channels": 4}))
    with pytest.raises(WeightsError, match="in_channels is 4"):
        checkpoint.unet(weights)


# -- the attention file ------------------------------------------------------------------------------------------


def test_positions_in_the_attention_file_follow_the_published_list() -> None:
    with torch.device("meta"):
        unet = UNet2DConditionModel(in_channels=9, cross_attention_dim=768, attention_head_dim=8)  # SD 1.5
    names = checkpoint.attention_names(unet)
    assert len(names) == 80
    keep_only_self_attention(unet)
    assert UnloadedNetwork(unet, []).parameters() == 815_572_804  # 815.45 M in the paper, which counts no attn2 either
    positions = {key.split(".")[0]: name.split(".transformer_blocks")[0] for key, name in names.items()}
    assert positions == {
        "0": "down_blocks.0.attentions.0", "8": "down_blocks.0.attentions.1",
        "16": "down_blocks.1.attentions.0", "24": "down_blocks.1.attentions.1",
        "32": "down_blocks.2.attentions.0", "40": "down_blocks.2.attentions.1",
        "48": "up_blocks.1.attentions.0", "56": "up_blocks.1.attentions.1", "64": "up_blocks.1.attentions.2",
        "72": "up_blocks.2.attentions.0", "80": "up_blocks.2.attentions.1", "88": "up_blocks.2.attentions.2",
        "96": "up_blocks.3.attentions.0", "104": "up_blocks.3.attentions.1", "112": "up_blocks.3.attentions.2",
        "120": "mid_block.attentions.0",
    }  # fmt: skip


ALIASES = {
    "8.to_q.weight": "9.weight",
    "8.to_k.weight": "10.weight",
    "8.to_v.weight": "11.weight",
    "8.to_out.0.weight": "12.0.weight",
    "16.to_out.0.weight": "21.weight",
    "8.to_out.0.bias": "12.0.bias",
    "16.to_out.0.bias": "21.bias",
}


def test_other_spellings_of_the_same_tensor_are_understood(weights: Path) -> None:
    expected = load_unet(weights).state_dict()

    def respell(tensors: Tensors) -> None:
        for key, alias in ALIASES.items():
            tensors[alias] = tensors.pop(key)

    rewrite(attention_file(weights), respell)
    loaded = load_unet(weights).state_dict()
    assert all(torch.equal(loaded[key], tensor) for key, tensor in expected.items())


def test_two_spellings_may_stand_side_by_side_if_they_agree(weights: Path) -> None:
    rewrite(attention_file(weights), lambda tensors: tensors.update({"9.weight": tensors["8.to_q.weight"].clone()}))
    load_unet(weights)


def test_two_spellings_that_disagree_are_an_error(weights: Path) -> None:
    rewrite(attention_file(weights), lambda tensors: tensors.update({"9.weight": tensors["8.to_q.weight"] + 1}))
    with pytest.raises(WeightsError, match=r"another spelling of '8\.to_q\.weight'"):
        load_unet(weights)


@pytest.mark.parametrize("key", ["9.bias", "15.weight", "128.to_q.weight", "to_q.weight"])
def test_anything_else_in_the_attention_file_is_an_error(weights: Path, key: str) -> None:
    rewrite(attention_file(weights), lambda tensors: tensors.update({key: torch.zeros(1)}))
    with pytest.raises(WeightsError, match=f"model.safetensors: unexpected key '{key}'"):
        load_unet(weights)


def test_an_attention_file_short_of_a_tensor_is_an_error(weights: Path) -> None:
    rewrite(attention_file(weights), lambda tensors: tensors.pop("64.to_v.weight"))
    with pytest.raises(WeightsError, match=r"missing key '64\.to_v\.weight'"):
        load_unet(weights)


def test_the_mixed_attention_is_preferred_to_those_of_one_data_set(tmp_path: Path) -> None:
    for version in reversed(VERSIONS):
        file = tmp_path / "catvton/attention" / version / "attention/model.safetensors"
        file.parent.mkdir(parents=True)
        file.touch()
        assert attention_file(tmp_path) == file
