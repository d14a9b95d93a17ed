"""Pictures that people reported: dressed, or refused in one sentence."""

from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image

from tests.conftest import base64_of, encode
from tests.serve.test_pictures import pictures, refused, result
from tests.server import ROOT, Server

CASES = ROOT.parent / "shared" / "cases"

pytestmark = pytest.mark.skipif(not CASES.is_dir(), reason="the reported inputs are not there")


@pytest.mark.parametrize(
    ("name", "field"),
    [
        ("exif_orientation6_sbyte.jpg", "person"),
        ("exif_orientation6_srational.jpg", "person"),
        ("jpeg_without_eoi.jpg", "person"),
        ("png_1_5mb_iccp.png", "person"),
        ("png_2mb_itxt.png", "person"),
        ("png_2mb_ztxt_after_pixels.png", "person"),
        ("person_cut_out_magenta_hidden.png", "person"),
        ("mask_red_strokes.png", "mask"),
        ("mask_white_everywhere_else_opaque.png", "mask"),
        ("grey16_trns_garment.png", "garment"),
    ],
)
def test_reported_inputs_are_dressed(name: str, field: str, server: Server) -> None:
    person = (CASES / "person_96.png").read_bytes()
    mask = (CASES / "mask_white_everywhere_else_opaque.png").read_bytes()
    seen = result(server, **{"person": person, "mask": mask} | {field: (CASES / name).read_bytes()})
    assert seen.shape == (128, 96, 3)
    assert not ((seen[..., 0] > 240) & (seen[..., 1] < 20) & (seen[..., 2] > 240)).any()


@pytest.mark.parametrize("name", ["mask_photo_with_hole.png", "mask_0_1.png"])
def test_reported_masks_that_are_none_are_told_so(name: str, server: Server) -> None:
    person = (CASES / "person_96.png").read_bytes()
    refused(server, "bad_mask", "mask", person=person, mask=(CASES / name).read_bytes())


def test_the_reported_strokes_on_transparent_white(server: Server) -> None:
    person, mask = ((CASES / name).read_bytes() for name in ("person_192.png", "mask_white_on_transparent_white.png"))
    seen = pictures(server, person=person, mask=mask, return_mask=True)["mask.png"]
    assert 0.2 < (np.asarray(seen.convert("L")) >= 128).mean() < 0.6


def test_the_reported_heic_keeps_its_colours(server: Server) -> None:
    mask = Image.new("L", (384, 512))
    mask.paste(255, (100, 150, 280, 350))
    (seen,) = pictures(server, person=(CASES / "nclx_p3.heic").read_bytes(), mask=encode(mask)).values()
    assert seen.info.get("icc_profile")


def test_the_reported_base64_with_line_breaks(server: Server) -> None:
    person = (CASES / "person_96.png").read_bytes()
    mask = (CASES / "mask_white_everywhere_else_opaque.png").read_bytes()
    wrapped = (CASES / "b64_wrapped.txt").read_text()
    assert (result(server, person=wrapped, mask=mask) == result(server, person=person, mask=mask)).all()


def test_the_reported_photo_with_one_transparent_pixel_shows_a_person(server: Server) -> None:
    photo = base64_of((CASES / "photo_one_transparent_pixel.png").read_bytes())
    small = {"size": 64, "steps": 2, "mesh_size": 64, "iterations": 3, "faces": 2000, "body_only": True, "seed": 1}
    response = server.invoke({"type": "avatar", "photos": [photo], **small})
    assert response.status_code == 200, response.text
    assert [warning["code"] for warning in response.json()["warnings"]] == ["one_photo"]


@pytest.mark.parametrize("name", ["manifest_bom.jsonl", "manifest_u2028.jsonl"])
def test_the_reported_manifests_are_one_line_of_json(name: str, server: Server) -> None:
    lines = {"Content-Type": "application/jsonlines"}
    response = server.client.post("/invocations", content=(CASES / name).read_bytes(), headers=lines)
    [answer] = response.text.splitlines()
    assert json.loads(answer)["problem"]["code"] == "input_unavailable"  # nobody has keys to that bucket
