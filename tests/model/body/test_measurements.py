"""Measurements, on a figure of known girths and on bodies that cannot be measured."""

from __future__ import annotations

import json
from dataclasses import astuple

import numpy as np
import pytest
import torch

from model.body.joints import JOINTS
from model.body.measurements import Measurements, describe, measure
from model.mesh.mesh import Mesh
from tests.model.body.figure import CROTCH, GIRTHS, HEIGHT, Figure, make_figure


@pytest.fixture(scope="module")
def figure() -> Figure:
    return make_figure(around=96)


@pytest.fixture(scope="module")
def measured(figure: Figure) -> Measurements:
    return measure(figure.mesh, figure.joints)


def girth(name: str) -> float:
    """Circumference of an ellipse."""
    _, a, b = GIRTHS[name]
    angle = np.linspace(0, 2 * np.pi, 10_001)
    return float(np.hypot(np.diff(a * np.cos(angle)), np.diff(b * np.sin(angle))).sum())


@pytest.mark.parametrize("name", ["hips", "waist", "chest"])
def test_girths_are_those_of_the_rings(measured: Measurements, name: str) -> None:
    # slices are 5 mm apart: the nearest one is at most 2.5 mm away
    assert getattr(measured, name) == pytest.approx(girth(name), abs=0.003)


def test_height_and_inseam_are_exact(measured: Measurements) -> None:
    assert measured.height == pytest.approx(HEIGHT, abs=1e-6)
    assert measured.inseam == pytest.approx(CROTCH, abs=0.002)


def test_all_measures_grow_with_the_body_wherever_it_stands(figure: Figure, measured: Measurements) -> None:
    offset = torch.tensor([0.3, -1.2, 2.0])
    larger = Mesh(figure.mesh.vertices * 1.1 + offset, figure.mesh.faces)
    before = np.array(astuple(measured))
    after = np.array(astuple(measure(larger, figure.joints * 1.1 + offset)))
    assert np.allclose(after / before, 1.1, atol=0.01)


def test_a_tape_bridges_what_is_hollow(figure: Figure, measured: Measurements) -> None:
    vertices = figure.mesh.vertices.clone()
    spine = (vertices[:, 2] < 0) & (vertices[:, 0].abs() < 0.02) & (vertices[:, 1] > 0.85) & (vertices[:, 1] < 1.40)
    vertices[spine, 2] += 0.03
    plain, bridged = measured.waist, measure(Mesh(vertices, figure.mesh.faces), figure.joints).waist
    assert plain is not None
    assert bridged is not None
    assert plain - 0.01 < bridged < plain


def test_a_body_without_legs_has_no_inseam_and_no_hips(figure: Figure) -> None:
    parts = figure.weights[
        :, [JOINTS.index(f"{side}_{name}") for side in ("left", "right") for name in ("hip", "knee", "ankle")]
    ]
    legs = parts.sum(1) > 0
    body = Mesh(figure.mesh.vertices, figure.mesh.faces[~legs[figure.mesh.faces].any(1)])
    skirt = body.vertices.clone()
    skirt[(skirt[:, 1] < CROTCH + 0.001) & ~legs, 1] = 0.0
    measured = measure(Mesh(skirt, body.faces), figure.joints)
    assert measured.inseam is None
    assert measured.hips is None
    assert measured.chest == pytest.approx(girth("chest"), abs=0.003)


def test_joints_in_no_order_leave_only_the_height(figure: Figure) -> None:
    measured = measure(figure.mesh, figure.joints * torch.tensor([1.0, -1.0, 1.0]))
    assert astuple(measured)[1:] == (None, None, None, None)
    assert measured.height == pytest.approx(HEIGHT, abs=1e-6)


def test_the_description_is_json_with_units(figure: Figure, measured: Measurements) -> None:
    said = json.loads(json.dumps(describe(torch.arange(10) / 10, measured, figure.joints)))
    assert said["betas"] == pytest.approx([0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9])
    assert said["measurements"]["height"] == pytest.approx(HEIGHT)
    assert said["joints"]["left_wrist"] == pytest.approx([0.67, 1.38, 0])
    assert said["unit"] == "m"
    assert "joints" not in describe(torch.zeros(10), measured, None)
    assert "measurement_errors" not in said
    assert describe(torch.zeros(10), measured, None, {"height": 0.05})["measurement_errors"] == {"height": 0.05}
    assert "measurement_errors" not in describe(torch.zeros(10), None, None, {"height": 0.05})
