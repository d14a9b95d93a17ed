from __future__ import annotations

import numpy as np
import pytest
import torch

from model.engines.pointcloth.body_points import body_points, cut, loop_subdivision
from model.engines.pointcloth.frame import RootFrame
from model.errors import InputError
from tests.model.pointcloth.goldens import recorded


@pytest.mark.parametrize("case", ["body", "ragged", "tetra"])
def test_points_of_a_body_are_the_references_in_the_references_order(case: str) -> None:
    told = {name.removeprefix(f"{case}."): tensor.numpy() for name, tensor in recorded("body_points").items()}
    vertices, faces, clothed = told["vertices"], told["faces"].astype(np.int64), told["mask"].astype(bool)
    kept, cut_faces = cut(faces, clothed)
    np.testing.assert_array_equal(vertices[kept], told["cut_vertices"])
    np.testing.assert_array_equal(cut_faces, told["cut_faces"])
    finer = loop_subdivision(cut_faces, len(kept))
    np.testing.assert_array_equal(finer.faces, told["sub_faces"])
    np.testing.assert_allclose(finer.matrix @ vertices[kept], told["sub_vertices"], rtol=0, atol=1e-12)
    points = body_points(faces, clothed, told["sample_inds"])
    np.testing.assert_allclose(points.matrix @ vertices, told["source_pcd"], rtol=0, atol=1e-12)
    np.testing.assert_array_equal(points.of(vertices), told["source_pcd"].astype(np.float32))
    with pytest.raises(InputError, match="vertices"):
        points.of(vertices[1:])


def test_the_upright_frame_is_the_references() -> None:
    told = recorded("normalise")
    for i in range(len(told["points"])):
        frame = RootFrame.of(told["transl"][i], told["global_orient"][i], told["J0"])
        torch.testing.assert_close(frame.turn, told["R"][i], rtol=0, atol=1e-6)
        torch.testing.assert_close(frame.upright(told["points"][i]), told["normalised"][i], rtol=0, atol=1e-5)
        torch.testing.assert_close(frame.world(told["cloth_normalised"][i]), told["cloth_world"][i], rtol=0, atol=1e-5)
