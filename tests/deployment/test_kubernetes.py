"""The manifests say what the schemas know and the service does; kubelet's probes are played to the real process."""

from __future__ import annotations

import contextlib
import json
import re
import signal
import threading
from pathlib import Path
from typing import Any

import httpx
import kubernetes_validate
import pytest
import yaml

from tests.server import ROOT, Server, eventually, serving

KUBERNETES = ROOT / "kubernetes"
# Of the cluster itself; schemas of what is installed into it (KEDA, the Prometheus operator) are not packaged.
OWN = ["base/deployment.yaml", "base/service.yaml", "base/disruption.yaml", "base/network.yaml", "gpu/scaling.yaml"]


def manifest(name: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((KUBERNETES / name).read_text())
    return found


def container() -> dict[str, Any]:
    [found] = manifest("base/deployment.yaml")["spec"]["template"]["spec"]["containers"]
    named: dict[str, Any] = found
    return named


@pytest.mark.parametrize("name", OWN)
def test_manifests_are_what_the_cluster_knows(name: str) -> None:
    kubernetes_validate.validate(manifest(name), "1.29", strict=True)


def test_every_file_that_is_named_is_there_and_none_is_forgotten() -> None:
    named: set[Path] = set()
    for kustomization in KUBERNETES.glob("*/kustomization.yaml"):
        said = yaml.safe_load(kustomization.read_text())
        listed = [*said.get("resources", []), *(patch["path"] for patch in said.get("patches", []))]
        named |= {(kustomization.parent / file).resolve() for file in listed}
    assert all(path.exists() for path in named)
    compose = (ROOT / "compose.yaml").read_text()
    mounted = {KUBERNETES.parent / path for path in re.findall(r"\./(kubernetes/[\w./-]+):/", compose)}
    files = {path for path in KUBERNETES.rglob("*.*") if path.name != "kustomization.yaml"}
    assert files == {path for path in named if path.is_file()} | mounted


def test_patches_are_of_what_is_there() -> None:
    base = manifest("base/deployment.yaml")["spec"]["template"]["spec"]
    for name in ("gpu/card.yaml", "laptop/demo.yaml"):
        patch = manifest(name)["spec"]["template"]["spec"]
        assert {one["name"] for one in patch["containers"]} == {one["name"] for one in base["containers"]}
        taken = [one for one in patch.get("volumes", []) if one.get("$patch") == "delete"]
        assert {one["name"] for one in taken} <= {one["name"] for one in base["volumes"]}


def test_alerts_and_boards_ask_for_metrics_that_there_are() -> None:
    told = set(re.findall(r"^\| `(atelier_\w+)`", (ROOT / "docs/operations.md").read_text(), re.M))
    told |= {f"{name}_{part}" for name in told if name.endswith("_seconds") for part in ("bucket", "sum", "count")}
    boards = json.loads((KUBERNETES / "monitoring/dashboard.json").read_text())
    asked = [target["expr"] for panel in boards["panels"] for target in panel["targets"]]
    rules = manifest("monitoring/rules.yaml")["spec"]["groups"]
    asked += [rule["expr"] for group in rules for rule in group["rules"]]
    asked += [trigger["metadata"]["query"] for trigger in manifest("keda/scaled.yaml")["spec"]["triggers"]]
    scaled = manifest("gpu/scaling.yaml")["spec"]["metrics"]
    asked += [metric["pods"]["metric"]["name"] for metric in scaled]
    named = {name for expression in asked for name in re.findall(r"atelier_\w+", expression)}
    assert len(named) > 10
    assert named <= told


def probe(server: Server, kind: str) -> int:
    return server.client.get(container()[f"{kind}Probe"]["httpGet"]["path"]).status_code


def test_a_pod_that_starts_or_restarts_its_worker_is_kept(tmp_path: Path) -> None:
    with contextlib.closing(Server(tmp_path)) as server:
        eventually(lambda: answers_at_all(server))
        assert probe(server, "liveness") == 200  # also while it starts
        eventually(lambda: probe(server, "startup") == 200)
        [worker] = server.workers()
        worker.kill()
        assert [probe(server, kind) for kind in ("readiness", "liveness")] == [200, 200]


def answers_at_all(server: Server) -> bool:
    try:
        server.client.get("/livez")
    except httpx.TransportError:
        return False
    return True


def test_a_pod_that_is_ended_takes_no_more_work_and_finishes_what_it_has(tmp_path: Path) -> None:
    with serving(tmp_path, DRAIN_S=300) as server:
        answers: list[int] = []
        asking = threading.Thread(target=lambda: answers.append(server.probe(steps_s=[0.5] * 8).status_code))
        asking.start()
        eventually(lambda: "atelier_jobs_live 1.0" in server.client.get("/metrics").text)
        server.process.send_signal(signal.SIGTERM)
        eventually(lambda: probe(server, "readiness") == 503)
        assert probe(server, "liveness") == 200
        asking.join(600)
        assert answers == [200]
        assert server.stop() == 0


def test_the_pod_is_given_the_time_that_the_service_takes() -> None:
    pod = manifest("base/deployment.yaml")["spec"]["template"]["spec"]
    drain_s = next(int(one["value"]) for one in container()["env"] if one["name"] == "DRAIN_S")
    pause_s = int(container()["lifecycle"]["preStop"]["exec"]["command"][1])
    assert pod["terminationGracePeriodSeconds"] > drain_s + pause_s
