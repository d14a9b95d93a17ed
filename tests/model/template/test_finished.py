"""Finished avatars, seen again to be judged."""

from __future__ import annotations

import asyncio
from pathlib import Path

from model.engine import Job
from model.engines.template.engine import Template
from model.engines.template.request import Request
from model.evaluate.avatars import views
from model.evaluate.avatars.finished import SIZE, FinishedViews, finished_scores
from model.evaluate.avatars.people import JudgedPerson


def test_a_finished_avatar_is_seen_again_where_its_views_have_it(
    runner: asyncio.Runner, engine: Template, photos: dict[str, Path], tmp_path: Path
) -> None:
    request = Request.model_validate(
        {"photos": ["given"] * 2, "size": 64, "mesh_size": 64, "iterations": 3, "faces": 2000, "seed": 1}
    )
    pipeline = engine.pipeline(request, Job(photos, tmp_path))

    async def live() -> None:
        async with pipeline.device.live("template", engine.resident_bytes(request)):
            await pipeline.run(last="colour")

    runner.run(live())
    seen = FinishedViews.of(pipeline, texture=256)
    assert views.outline_iou(seen.from_views, views.premultiplied(pipeline.subject.rgb, SIZE)) > 0.6
    assert (seen.made[..., 3] == seen.from_views[..., 3]).all()
    made, from_views = finished_scores(JudgedPerson(5, photos=2, size=96), seen)
    assert made.keys() == from_views.keys() == {"finished", "finished_gradient"}
    assert 0 < made["finished"] < 30
