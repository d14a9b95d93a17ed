"""Who may import whom: container -> serve -> model's requests, container -> model. The front stays light."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.server import ROOT, Server

MADE_UP_PEOPLE = "model.synthetic"
USERS_OF_MADE_UP_PEOPLE = ("model.synthetic", "model.train", "model.evaluate", "model.demo_pack")
ROOMS_OF_MADE_UP_PEOPLE = ("fabrics", "people", "scene", "datasets")  # each may import those before it
# The last two know how picture files are built, and nothing else.
FOR_THE_FRONT = ("model.request", "model.engines.registry", "model.pictures.jpeg", "model.pictures.nclx")


def imports(package: str) -> Iterator[tuple[Path, str]]:
    for path in sorted((ROOT / package).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                yield from ((path, alias.name) for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module:
                yield path, node.module


def test_model_imports_nothing_of_serve_or_container() -> None:
    assert [(str(path), name) for path, name in imports("model") if name.split(".")[0] in ("serve", "container")] == []


def test_model_touches_no_network() -> None:
    network = ("socket", "http", "urllib", "httpx", "requests", "boto3", "fastapi", "starlette", "uvicorn")
    assert [(str(path), name) for path, name in imports("model") if name.split(".")[0] in network] == []


def test_serve_imports_only_the_requests_of_model_and_nothing_of_container() -> None:
    for path, name in imports("serve"):
        root = name.split(".")[0]
        assert root not in ("container", "torch", "diffusers"), (path, name)
        assert root != "model" or name in FOR_THE_FRONT or name.endswith((".request", ".codes")), (path, name)


def room(path: Path) -> str:
    """As in "model.clothes": the first two names of a file's module."""
    return ".".join(path.relative_to(ROOT).parts[:2])


def model_room(name: str) -> str:
    """The room a module stands in: a folder of `model`, an engine's folder, or a file beside them."""
    parts = name.split(".")
    if parts[1] == "engines" and len(parts) > 2 and (ROOT / "model/engines" / parts[2]).is_dir():
        return ".".join(parts[:3])
    return ".".join(parts[:2])


def rooms_of_model() -> dict[str, set[str]]:
    """Room -> the rooms it imports."""
    graph: dict[str, set[str]] = {}
    for path in sorted((ROOT / "model").rglob("*.py")):
        here = model_room(".".join(path.relative_to(ROOT).with_suffix("").parts))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "model":
                # `from model.engines import registry` names a module in its second half.
                there = {model_room(f"{node.module}.{alias.name}") for alias in node.names}
                graph.setdefault(here, set()).update(there - {here})
    return graph


def test_rooms_of_model_import_each_other_in_no_circle() -> None:
    left = rooms_of_model()
    assert {"model.tryon", "model.avatar", "model.engines", "model.engines.catvton"} <= left.keys()
    while bottom := {room for room, below in left.items() if not below & left.keys()}:
        left = {room: below for room, below in left.items() if room not in bottom}
    assert left == {}


def test_weights_know_no_engine() -> None:
    assert [(str(path), name) for path, name in imports("model/weights") if name.startswith("model.engines")] == []


@pytest.mark.parametrize("task", ["tryon", "avatar"])
def test_tasks_know_no_engine(task: str) -> None:
    known = {name for _, name in imports(f"model/{task}") if name.startswith("model.engines.")}
    assert known <= {"model.engines.registry"}


@pytest.mark.parametrize("engine", sorted(path.parent.name for path in ROOT.glob("model/engines/*/__init__.py")))
def test_an_engine_knows_no_other(engine: str) -> None:
    own = f"model.engines.{engine}"
    others = [name for _, name in imports(f"model/engines/{engine}") if name.startswith("model.engines.")]
    assert [name for name in others if name != own and not name.startswith(f"{own}.")] == []


@pytest.mark.parametrize("shared", ["runtime", "diffusion", "perception", "body", "mesh", "clothes"])
def test_what_engines_are_made_of_knows_neither_engines_nor_tasks(shared: str) -> None:
    above = ("model.engines", "model.tryon", "model.avatar", "model.train", "model.evaluate", "model.demo_pack")
    assert [(str(path), name) for path, name in imports(f"model/{shared}") if name.startswith(above)] == []


def test_the_device_knows_nothing_of_what_it_computes() -> None:
    known = {name for _, name in imports("model/runtime") if name.split(".")[0] == "model"}
    assert {name for name in known if not name.startswith("model.runtime.")} == {"model.errors"}


def test_clothes_know_bodies_and_meshes_and_nothing_of_paint_or_tasks() -> None:
    allowed = ("model.clothes", "model.body", "model.mesh", "model.errors")
    for path, name in imports("model/clothes"):
        assert not name.startswith("model") or name.startswith(allowed), (path, name)


def test_bodies_know_meshes_and_meshes_know_no_body() -> None:
    for package, allowed in (
        ("mesh", ("model.mesh", "model.errors", "model.runtime.side_process")),
        ("body", ("model.body", "model.mesh", "model.errors")),
    ):
        for path, name in imports(f"model/{package}"):
            assert not name.startswith("model") or name.startswith(allowed), (path, name)


def test_only_training_evaluation_and_the_demo_pack_know_made_up_people() -> None:
    for package in ("model", "container", "serve", "sagemaker"):
        for path, name in imports(package):
            if name.startswith(MADE_UP_PEOPLE):
                assert room(path) in USERS_OF_MADE_UP_PEOPLE, (path, name)


def test_the_rooms_of_made_up_people_stand_in_one_order() -> None:
    for number, here in enumerate(ROOMS_OF_MADE_UP_PEOPLE):
        allowed = {f"{MADE_UP_PEOPLE}.{name}" for name in ROOMS_OF_MADE_UP_PEOPLE[: number + 1]}
        for path, name in imports(f"model/synthetic/{here}"):
            if name.startswith(MADE_UP_PEOPLE):
                assert ".".join(name.split(".")[:3]) in allowed, (path, name)
    for path, name in imports("model/synthetic/making"):
        assert not name.startswith(MADE_UP_PEOPLE) or name.startswith(f"{MADE_UP_PEOPLE}.making"), (path, name)


def test_what_plays_the_platform_is_imported_by_the_client_and_by_no_other_part_of_the_program() -> None:
    program = ("client", "container", "model", "serve", "sagemaker", "bench")
    users = {package for package in program for _, name in imports(package) if name.startswith("tests.platform")}
    assert users == {"client"}


def test_nothing_imports_cuda_only_packages_at_module_level() -> None:
    cuda_only = ("pytorch3d", "nvdiffrast", "xformers")
    for package in ("container", "model", "serve"):
        for path in (ROOT / package).rglob("*.py"):
            for node in ast.parse(path.read_text()).body:
                names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
                names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
                assert not any(name.split(".")[0] in cuda_only for name in names), path


def test_a_running_front_has_no_torch_in_it(server: Server) -> None:
    server.client.get("/openapi.json")  # whatever is imported late is imported now
    mapped = Path(f"/proc/{server.process.pid}/maps").read_text()
    assert "libpython" in mapped or "python" in mapped
    assert "/torch/" not in mapped


@pytest.mark.parametrize(
    "module", ["container.serve", "serve.app", "model.tryon.request", "model.weights.pack", "client.command_line"]
)
def test_what_the_front_and_the_client_import_does_not_bring_torch(module: str) -> None:
    code = f"import sys, {module}; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT).returncode == 0
