"""Files as they were published, made here; and some that want to run code."""

from __future__ import annotations

import pickle
from argparse import Namespace
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.sparse import csc_matrix

from model.__main__ import main
from model.engines.pointcloth.appearance.network import RenderingNetwork
from model.engines.pointcloth.body import read_draped_body
from model.engines.pointcloth.checkpoint import draping
from model.engines.pointcloth.drape.network import DrapeSizes, DrapingNetwork
from model.engines.pointcloth.files import BODIES, CODES, DRAPING
from model.engines.pointcloth.outfit import FittedOutfit, read_outfit
from model.engines.pointcloth.published import (
    import_body,
    import_codes,
    import_draping,
    read_codes,
    write_codes,
)
from model.errors import WeightsError
from tests.model.pointcloth.goldens import recorded

GIVE = ["outfit", "give", "--person=anna"]


class Evil:
    """Would touch a file when it is unpickled."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def __reduce__(self) -> tuple[object, tuple[Path]]:
        return Path.touch, (self.file,)


@pytest.fixture
def network() -> DrapingNetwork:
    torch.manual_seed(0)
    return DrapingNetwork(DrapeSizes((8, 8), 8, ((2, 8, 4), (3, 4, 4), (2, 4, 3))))


def test_the_draping_network_is_taken_out_of_the_published_file(network: DrapingNetwork, tmp_path: Path) -> None:
    state = {f"model.{name}": tensor for name, tensor in network.state_dict().items()}
    file = tmp_path / "draping_network_90_epochs.pth"
    torch.save(state | {"epoch": torch.tensor(90), "args": Namespace(seed=1)}, file)
    import_draping(file, tmp_path)
    loaded = draping(tmp_path).load(torch.device("cpu"), torch.float32)
    for name, tensor in network.state_dict().items():
        assert torch.equal(loaded.state_dict()[name], tensor), name


def test_no_file_runs_code(network: DrapingNetwork, tmp_path: Path) -> None:
    touched, file = tmp_path / "touched", tmp_path / "evil"
    torch.save({"model.start": Evil(touched)}, file)
    with pytest.raises(WeightsError, match="asks for"):
        import_draping(file, tmp_path)
    file.write_bytes(pickle.dumps({"person": Evil(touched)}))
    with pytest.raises(WeightsError, match="asks for"):
        read_codes(file)
    file.write_bytes(b"no pickle")
    for read in (read_codes, lambda file: import_draping(file, tmp_path)):
        with pytest.raises(WeightsError):
            read(file)
    assert not touched.exists()


def test_a_body_is_made_of_the_published_files(tmp_path: Path) -> None:
    told = {name.removeprefix("body."): t.numpy() for name, t in recorded("body_points").items() if "body." in name}
    vertices, faces, rng = told["vertices"], told["faces"], np.random.default_rng(0)
    count, joints = len(vertices), 24
    weights = rng.random((count, joints))
    model = {
        "v_template": vertices,
        "f": faces.astype(np.uint32),
        "shapedirs": rng.normal(size=(count, 3, 10)),
        "posedirs": rng.normal(size=(count, 3, 9 * (joints - 1))),
        "J_regressor": csc_matrix(rng.random((joints, count))),
        "weights": weights / weights.sum(1, keepdims=True),
        "kintree_table": np.stack([np.arange(joints) - 1, np.arange(joints)]).astype(np.int64),
    }
    files = [tmp_path / name for name in ("smpl.pkl", "vertices_cloth_mask.pkl", "smpl_sample_inds.pkl")]
    for file, content in zip(files, (model, {"non_masked": told["mask"] > 0}, told["sample_inds"]), strict=True):
        file.write_bytes(pickle.dumps(content, protocol=2))
    import_body(files[0], files[1], files[2], tmp_path)
    body = read_draped_body(tmp_path)
    np.testing.assert_array_equal(body.points.of(vertices), told["source_pcd"].astype(np.float32))
    assert (tmp_path / BODIES[0]).is_file()


def test_codes_go_there_and_back(tmp_path: Path) -> None:
    codes = {"anna": np.arange(8, dtype=np.float32), "ben": np.ones(8, np.float32)}
    write_codes(tmp_path / "outfit_codes_psp.pkl", codes)
    with (tmp_path / "outfit_codes_psp.pkl").open("rb") as file:
        plain = pickle.load(file)  # noqa: S301 - as the published notebooks read it
    np.testing.assert_array_equal(plain["anna"], codes["anna"])
    import_codes(tmp_path / "outfit_codes_psp.pkl", tmp_path)
    with np.load(tmp_path / CODES) as arrays:
        np.testing.assert_array_equal(arrays["ben"], codes["ben"])


def test_one_command_makes_weights_of_published_files(
    network: DrapingNetwork, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    torch.save({f"model.{name}": tensor for name, tensor in network.state_dict().items()}, tmp_path / "draping.pth")
    for name, content in (("smpl", {}), ("clothed", {}), ("samples", [])):
        (tmp_path / name).write_bytes(pickle.dumps(content))
    files = [f"--{name}={tmp_path / name}" for name in ("smpl", "clothed", "samples")]
    out = tmp_path / "weights"
    assert main(["outfit", "import", f"--draping={tmp_path / 'draping.pth'}", *files, f"--out={out}"]) == 1
    assert "no array v_template" in capsys.readouterr().err
    assert (out / DRAPING).is_file()
    empty = np.zeros((0, 3), np.float32)
    (tmp_path / "anna").mkdir()
    outfit = FittedOutfit(np.ones(8, np.float32), empty, np.zeros(0, bool), np.zeros(10, np.float32), empty)
    outfit.save(tmp_path / "anna/outfit.npz")
    written = tmp_path / "outfit_codes_ours.pkl"
    assert main(["outfit", "codes", str(tmp_path / "anna/outfit.npz"), f"--out={written}"]) == 0
    np.testing.assert_array_equal(read_codes(written)["anna"], np.ones(8))


def test_an_outfit_with_its_looks_goes_there_and_back_by_command(
    weights: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rng, state = np.random.default_rng(0), RenderingNetwork().state_dict()
    outfit = FittedOutfit(
        rng.normal(size=8).astype(np.float32),
        np.zeros((20, 3), np.float32),
        np.ones(20, bool),
        np.zeros(10, np.float32),
        np.zeros((0, 3), np.float32),
        descriptors=rng.normal(size=(20, 16)).astype(np.float32),
        network={name: tensor.numpy() for name, tensor in state.items()},
    )
    outfit.save(tmp_path / "outfit.npz")
    assert main([*GIVE, str(tmp_path / "outfit.npz"), f"--out={tmp_path}", f"--model-dir={weights}"]) == 0
    loaded = torch.load(tmp_path / "model0_0079.pth", weights_only=True)  # as strict as anybody can be
    assert len(loaded["generator"]) == 122
    files = [f"--model={tmp_path / 'model0_0079.pth'}", f"--looks={tmp_path / 'ntex0_0079.pth'}"]
    assert main(["outfit", "take", *files, "--person=anna", f"--out={tmp_path / 'again.npz'}"]) == 0
    again = read_outfit(tmp_path / "again.npz")
    assert outfit.descriptors is not None
    assert again.descriptors is not None
    np.testing.assert_array_equal(again.code, outfit.code)
    np.testing.assert_allclose(again.descriptors, outfit.descriptors, rtol=1e-3)  # files hold halves
    assert again.network.keys() == outfit.network.keys()
    assert main(["outfit", "take", *files, "--person=ben", f"--out={tmp_path / 'none.npz'}"]) == 1
    assert "there are anna" in capsys.readouterr().err

    replace(outfit, network={}).save(tmp_path / "plain.npz")
    assert main([*GIVE, str(tmp_path / "plain.npz"), f"--out={tmp_path}", f"--model-dir={weights}"]) == 1
    assert "--appearance network" in capsys.readouterr().err
