"""Fetching published weights from a hub on the loopback into a folder the engines accept."""

from __future__ import annotations

import hashlib
import io
import json
import os
import pickle
from pathlib import Path

import numpy as np
import pytest
import weights
from huggingface_hub import constants

from model.engines.catvton.files import attention_file
from model.engines.pack import EnginePack
from model.engines.up2you.files import HAND_IDS
from tests.deployment.conftest import ACCEPTED, Fetch
from tests.deployment.hub_site import HubSite
from tests.server import free_port

CATVTON = ("--only", "catvton")


@pytest.fixture
def smplx(tmp_path: Path) -> Path:
    """A download of the body model, unpacked."""
    inside = tmp_path / "smplx" / "models" / "smplx"
    inside.mkdir(parents=True)
    (inside / "SMPLX_NEUTRAL.npz").write_bytes(b"the body")
    return tmp_path / "smplx"


def test_catvton_is_complete_for_its_engine(fetch: Fetch, folder: Path) -> None:
    assert fetch(*CATVTON, *ACCEPTED) == 0
    pack = EnginePack(folder)
    assert pack.engines == ["catvton"]
    assert pack.licence_of("catvton") == "CC-BY-NC-SA-4.0, CreativeML-OpenRAIL-M, MIT"
    assert pack.defaults("catvton") == {"width": 768, "height": 1024, "steps": 50}


@pytest.mark.parametrize(("variant", "folders"), [("both", {"ootd_hd", "ootd_dc"}), ("hd", {"ootd_hd"})])
def test_ootdiffusion_is_complete_for_its_engine_and_fetched_only_by_name(
    fetch: Fetch, folder: Path, hub: HubSite, variant: str, folders: set[str]
) -> None:
    named = ("--only", "ootdiffusion", "--ootdiffusion", variant)
    assert fetch(*named) == 2  # its licence is asked for
    assert not folder.exists()
    assert fetch(*named, "--accept", "CC-BY-NC-SA-4.0") == 0
    pack = EnginePack(folder)
    assert pack.engines == ["ootdiffusion"]
    assert pack.licence_of("ootdiffusion") == "CC-BY-NC-SA-4.0, MIT"
    assert pack.defaults("ootdiffusion") == {"width": 768, "height": 1024, "steps": 20}
    assert {file.name for file in (folder / "ootdiffusion/ootd").glob("ootd_*")} == folders
    read = {file for file in pack.files_of("ootdiffusion") if file.is_file()}
    assert read == {file for file in (folder / "ootdiffusion").rglob("*") if file.is_file()}


def test_only_what_is_read_is_downloaded(fetch: Fetch, hub: HubSite) -> None:
    fetch(*CATVTON, *ACCEPTED)
    assert sorted(path for path, _ in hub.served) == [
        "config.json",
        "diffusion_pytorch_model.safetensors",
        "mix-48k-1024/attention/model.safetensors",
        "scheduler/scheduler_config.json",
        "unet/config.json",
        "unet/diffusion_pytorch_model.safetensors",
    ]


def test_manifest_knows_digest_source_and_commit(fetch: Fetch, folder: Path, hub: HubSite) -> None:
    fetch(*CATVTON, *ACCEPTED)
    pack = EnginePack(folder)
    for file in pack.files_of("catvton"):
        assert pack.facts(file).sha256 == hashlib.sha256(file.read_bytes()).hexdigest()
    facts = pack.facts(attention_file(folder))
    assert facts.revision == hub.repositories["zhengchong/CatVTON"].commit
    assert facts.source is not None
    assert facts.source.endswith(f"{facts.revision}/mix-48k-1024/attention/model.safetensors")


def test_up2you_is_complete_with_the_users_body(fetch: Fetch, folder: Path, smplx: Path) -> None:
    assert fetch("--only", "up2you", "--smplx", str(smplx), *ACCEPTED) == 0
    pack = EnginePack(folder)
    assert [name for name in pack.missing("up2you") if name != "perception/matting.onnx"] == []
    assert pack.facts(folder / "up2you/human_models/models/smplx/SMPLX_NEUTRAL.npz").licence == "SMPL-X"


def test_the_body_is_never_downloaded(fetch: Fetch, hub: HubSite, capsys: pytest.CaptureFixture[str]) -> None:
    assert fetch("--only", "up2you", *ACCEPTED) == 1
    assert "SMPLX_NEUTRAL.npz: download it from https://smpl-x.is.tue.mpg.de" in capsys.readouterr().out
    assert not [path for path, _ in hub.served if "SMPLX" in path]


def test_half_precision_where_it_is_published(fetch: Fetch, folder: Path) -> None:
    fetch(*CATVTON, *ACCEPTED, "--dtype", "float16")
    assert (folder / "catvton/base/unet/diffusion_pytorch_model.fp16.safetensors").is_file()
    assert (folder / "catvton/vae/diffusion_pytorch_model.safetensors").is_file()


def test_a_second_precision_beside_the_first_is_refused(fetch: Fetch, capsys: pytest.CaptureFixture[str]) -> None:
    fetch(*CATVTON, *ACCEPTED)
    assert fetch(*CATVTON, *ACCEPTED, "--dtype", "float16") == 1
    assert "catvton/base/unet/diffusion_pytorch_model.safetensors" in capsys.readouterr().err


def test_dry_run_says_sizes_and_writes_nothing(
    fetch: Fetch, hub: HubSite, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert fetch(*CATVTON, "--dry-run") == 0
    assert "0.000 MB  catvton/vae/config.json" in capsys.readouterr().out
    assert hub.served == []
    assert list(tmp_path.iterdir()) == []


def test_without_acceptance_nothing_is_fetched(
    fetch: Fetch, hub: HubSite, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert fetch(*CATVTON, "--accept", "CreativeML-OpenRAIL-M") == 2
    captured = capsys.readouterr()
    assert "non-commercial use only" in captured.out
    assert "--accept CC-BY-NC-SA-4.0" in captured.err
    assert hub.served == []
    assert not folder.exists()


class Terminal(io.StringIO):
    """Somebody who types."""

    def isatty(self) -> bool:
        return True


def test_somebody_is_asked(fetch: Fetch, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", Terminal("yes\nno\n"))
    assert fetch(*CATVTON) == 2
    assert not folder.exists()
    monkeypatch.setattr("sys.stdin", Terminal("yes\nyes\n"))
    assert fetch(*CATVTON) == 0


def test_the_first_commit_stays_chosen(fetch: Fetch, folder: Path, hub: HubSite, tmp_path: Path) -> None:
    repository = hub.repositories["stabilityai/sd-vae-ft-mse"]
    first, content = repository.commit, repository.files["config.json"]
    fetch(*CATVTON, *ACCEPTED)
    repository.change("config.json", b"something newer")
    (folder / "catvton/vae/config.json").unlink()
    fetch(*CATVTON, *ACCEPTED)
    assert (folder / "catvton/vae/config.json").read_bytes() == content
    assert json.loads((tmp_path / "weights.lock.json").read_bytes())["stabilityai/sd-vae-ft-mse"] == first


def test_another_revision_can_be_asked_for(fetch: Fetch, folder: Path, hub: HubSite) -> None:
    fetch(*CATVTON, *ACCEPTED)
    hub.repositories["stabilityai/sd-vae-ft-mse"].change("config.json", b"something newer")
    fetch(*CATVTON, *ACCEPTED, "--revision", "stabilityai/sd-vae-ft-mse=main")
    assert (folder / "catvton/vae/config.json").read_bytes() == b"something newer"


def test_what_is_there_is_not_fetched_again(fetch: Fetch, folder: Path, hub: HubSite) -> None:
    fetch(*CATVTON, *ACCEPTED)
    hub.served.clear()
    file = folder / "catvton/vae/diffusion_pytorch_model.safetensors"
    file.write_bytes(bytes(file.stat().st_size))
    fetch(*CATVTON, *ACCEPTED)
    assert [path for path, _ in hub.served] == ["diffusion_pytorch_model.safetensors"]
    assert file.read_bytes().startswith(b"what is in")


def test_both_variants_share_their_autoencoder_on_disk(fetch: Fetch, folder: Path, hub: HubSite) -> None:
    hub.repositories["zhengchong/CatVTON-MaskFree"].gated = False
    assert fetch(*CATVTON, *ACCEPTED, "--variant", "both") == 0
    name = "vae/diffusion_pytorch_model.safetensors"
    assert (folder / "catvton" / name).samefile(folder / "catvton_maskfree" / name)
    assert EnginePack(folder).missing("catvton") == []


def test_nothing_is_left_beside_the_folder_but_the_lock(fetch: Fetch, tmp_path: Path) -> None:
    fetch(*CATVTON, *ACCEPTED)
    assert sorted(os.listdir(tmp_path)) == ["weights", "weights.lock.json"]


def test_a_download_that_breaks_off_is_resumed(
    fetch: Fetch, folder: Path, hub: HubSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(constants, "DOWNLOAD_CHUNK_SIZE", 4)  # the client forgets a chunk that is not complete
    name = "mix-48k-1024/attention/model.safetensors"
    content = hub.repositories["zhengchong/CatVTON"].files[name]
    hub.cut.add(name)
    assert fetch(*CATVTON, *ACCEPTED) == 0
    assert [asked for path, asked in hub.served if path == name] == [None, f"bytes={len(content) // 2}-"]
    assert attention_file(folder).read_bytes() == content


@pytest.mark.parametrize("name", ["unet/diffusion_pytorch_model.safetensors", "unet/config.json"])
def test_other_bytes_than_published_are_refused(
    fetch: Fetch, folder: Path, hub: HubSite, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    hub.spoilt.add(name)
    assert fetch(*CATVTON, *ACCEPTED) == 1
    assert f"booksforcharlie/stable-diffusion-inpainting: {name}: its digest is" in capsys.readouterr().err
    assert not (folder / "catvton/base" / name).exists()
    hub.spoilt.clear()
    assert fetch(*CATVTON, *ACCEPTED) == 0


def test_a_gated_repository_says_what_to_do(fetch: Fetch, capsys: pytest.CaptureFixture[str]) -> None:
    assert fetch(*CATVTON, *ACCEPTED, "--variant", "maskfree") == 1
    error = capsys.readouterr().err
    assert "zhengchong/CatVTON-MaskFree is gated or private" in error
    assert "HF_TOKEN" in error


def test_a_private_repository_says_the_same(fetch: Fetch, hub: HubSite, capsys: pytest.CaptureFixture[str]) -> None:
    del hub.repositories["zhengchong/CatVTON"]  # the hub tells nobody whether it exists
    assert fetch(*CATVTON, *ACCEPTED) == 1
    assert "zhengchong/CatVTON is gated or private" in capsys.readouterr().err


def test_a_hub_out_of_reach_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    nobody = ("--endpoint", f"http://127.0.0.1:{free_port()}")
    assert weights.main(["fetch", str(tmp_path / "weights"), *CATVTON, *nobody, "--dry-run"]) == 1
    assert capsys.readouterr().err.startswith("error: booksforcharlie/stable-diffusion-inpainting: ")


def test_a_file_that_is_gone_is_named(fetch: Fetch, hub: HubSite, capsys: pytest.CaptureFixture[str]) -> None:
    del hub.repositories["zhengchong/CatVTON"].files["mix-48k-1024/attention/model.safetensors"]
    assert fetch(*CATVTON, *ACCEPTED) == 1
    assert "there is no mix-48k-1024/attention/model.safetensors; it has " in capsys.readouterr().err


def test_a_revision_that_is_not_there_is_named(fetch: Fetch, capsys: pytest.CaptureFixture[str]) -> None:
    assert fetch(*CATVTON, "--revision", "zhengchong/CatVTON=v9") == 1
    assert "zhengchong/CatVTON at v9: there is no such repository or revision" in capsys.readouterr().err


def test_what_somebody_wrote_into_the_manifest_stays(fetch: Fetch, folder: Path) -> None:
    folder.mkdir()
    mine = {"files": {"mine.txt": {"licence": "mine"}}, "defaults": {"catvton": {"steps": 30}}}
    (folder / "manifest.json").write_text(json.dumps(mine))
    fetch(*CATVTON, *ACCEPTED)
    manifest = EnginePack(folder).manifest
    assert manifest.files["mine.txt"].licence == "mine"
    assert manifest.defaults["catvton"] == {"width": 768, "height": 1024, "steps": 30}


def test_hand_ids_become_arrays(fetch: Fetch, folder: Path, smplx: Path) -> None:
    hands = {"left_hand": np.arange(5, 9), "right_hand": np.array([3, 1], np.int32)}
    (smplx / "MANO_SMPLX_vertex_ids.pkl").write_bytes(pickle.dumps(hands, protocol=2))
    fetch("--only", "up2you", "--smplx", str(smplx), *ACCEPTED)
    with np.load(folder / HAND_IDS) as arrays:
        assert arrays["left_hand"].tolist() == [5, 6, 7, 8]
        assert arrays["right_hand"].tolist() == [3, 1]
    assert not list(folder.rglob("*.pkl"))
