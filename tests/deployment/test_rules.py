"""Prometheus' own tool tries the alerts on series of a real server: well, failing, full of work, without its worker."""

from __future__ import annotations

import json
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from tests.server import ROOT, Server, eventually, serving

GROUPS = yaml.safe_load((ROOT / "kubernetes/monitoring/rules.yaml").read_text())["spec"]["groups"]
RULES = {rule["alert"]: rule for group in GROUPS for rule in group["rules"]}
INSTANCE = "10.0.0.7:8080"  # which Prometheus adds to what it is told
MINUTES = 30

Scrape = dict[str, float]  # series as in `atelier_jobs_queued{instance="..."}` -> value

pytestmark = pytest.mark.skipif(
    shutil.which("promtool") is None, reason="promtool is not there (Debian's package prometheus has it)"
)


@dataclass
class History:
    """A scrape a minute; the last one goes on to the end."""

    scrapes: list[Scrape] = field(default_factory=list)

    def series(self) -> list[dict[str, str]]:
        names = dict.fromkeys(name for scrape in self.scrapes for name in scrape)
        minutes = [*self.scrapes, *self.scrapes[-1:] * (MINUTES - len(self.scrapes))]
        return [
            {"series": name, "values": " ".join(repr(scrape[name]) if name in scrape else "_" for scrape in minutes)}
            for name in names
        ]


def scraped(server: Server) -> Scrape:
    """What Prometheus would store of our metrics."""
    families = text_string_to_metric_families(server.client.get("/metrics").text)
    samples = [sample for family in families for sample in family.samples if sample.name.startswith("atelier_")]
    return {
        f"{sample.name}{{{','.join(f'{k}={json.dumps(v)}' for k, v in labels.items())}}}": sample.value
        for sample in samples
        for labels in [{**sample.labels, "instance": INSTANCE}]
    }


def named(name: str) -> str:
    return f'{name}{{instance="{INSTANCE}"}}'


@pytest.fixture(scope="module")
def histories(tmp_path_factory: pytest.TempPathFactory) -> dict[str, History]:
    """By the alert that should come of it, "" for none."""
    well, failing = History(), History()
    with serving(tmp_path_factory.mktemp("watched"), MAX_LIVE_JOBS=1, DRAIN_S=1) as server:
        for _ in range(MINUTES):
            assert server.probe().status_code == 200
            well.scrapes.append(scraped(server))
        for _ in range(MINUTES):
            assert (server.probe().status_code, server.probe(then="bug").status_code) == (200, 500)
            failing.scrapes.append(scraped(server))
        for i in range(40):
            server.client.post("/api/jobs", json={"type": "probe", "id": f"long-{i}", "unforeseen_s": [0.1] * 10_000})
        eventually(lambda: scraped(server)[named("atelier_jobs_queued")] > 32)
        busy = History([scraped(server)])
        [worker] = server.workers()
        worker.kill()
        eventually(lambda: scraped(server)[named("atelier_workers_ready")] == 0)
        dead = History([well.scrapes[-1], scraped(server)])
    ends = named("atelier_worker_ends_total")
    assert [scrape[ends] for scrape in dead.scrapes] == [0, 1]
    dying = History([well.scrapes[-1] | {ends: float(count)} for count in range(MINUTES)])  # another one each minute
    full = History([well.scrapes[-1] | {named("atelier_spool_free_bytes"): 5e8}])
    return {
        "": well,
        "AtelierFails": failing,
        "AtelierQueueIsLong": busy,
        "AtelierHasNoWorker": dead,
        "AtelierWorkersDie": dying,
        "AtelierSpoolIsFull": full,
    }


def expectation(alert: str, history: History, *, fires: bool) -> dict[str, Any]:
    """What promtool is to find at the end."""
    rule = RULES[alert]
    queued = history.scrapes[-1][named("atelier_jobs_queued")]
    summary = rule["annotations"]["summary"].replace("{{ $labels.instance }}", INSTANCE)
    found = {
        "exp_labels": {"instance": INSTANCE, **rule["labels"]},
        "exp_annotations": {"summary": summary.replace("{{ $value }}", f"{queued:g}")},
    }
    return {"eval_time": f"{MINUTES - 1}m", "alertname": alert, "exp_alerts": [found] if fires else []}


def test_each_alert_comes_of_what_it_is_for_and_of_nothing_else(histories: dict[str, History], tmp_path: Path) -> None:
    (tmp_path / "rules.yaml").write_text(json.dumps({"groups": GROUPS}))
    assert set(RULES) == set(histories) - {""}
    also = {"AtelierHasNoWorker": {"AtelierQueueIsLong"}}  # its 40 jobs wait on
    tests = [
        {
            "interval": "1m",
            "input_series": history.series(),
            "alert_rule_test": [
                expectation(alert, history, fires=alert in {cause, *also.get(cause, ())}) for alert in RULES
            ],
        }
        for cause, history in histories.items()
    ]
    (tmp_path / "tests.yaml").write_text(json.dumps({"rule_files": ["rules.yaml"], "tests": tests}))
    for words in (["check", "rules", "rules.yaml"], ["test", "rules", "tests.yaml"]):
        said = subprocess.run(["promtool", *words], cwd=tmp_path, capture_output=True, text=True, timeout=600)
        assert said.returncode == 0, said.stdout + said.stderr
