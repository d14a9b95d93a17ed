"""Workers that die, stall or know too much."""

from __future__ import annotations

import concurrent.futures
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.serve.test_invocations import assert_problem
from tests.serve.test_jobs import many, metric
from tests.server import Server, eventually, serving


def replaced(server: Server, old: psutil.Process) -> bool:
    return any(worker.pid != old.pid for worker in server.workers()) and not old.is_running()


def test_jobs_survive_the_death_of_their_worker(server: Server, tmp_path: Path) -> None:
    [worker] = server.workers()
    gate = tmp_path / "open"
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        bodies = [{"seed": seed, "unforeseen_s": [0, -1, 0], "gate": str(gate)} for seed in range(4)]
        running = pool.submit(many, server, bodies)
        eventually(lambda: metric(server, "atelier_jobs_live") == 4)
        worker.kill()
        gate.touch()
        assert server.client.get("/ping").status_code == 200
        responses = running.result()
    assert [response.status_code for response in responses] == [200] * 4
    assert [response.json()["seed"] for response in responses] == [0, 1, 2, 3]
    eventually(lambda: replaced(server, worker))


def test_a_job_that_takes_its_worker_along_twice_fails_and_the_others_do_not(tmp_path: Path) -> None:
    with serving(tmp_path) as server:
        good: list[dict[str, Any]] = [{"seed": seed, "steps_s": [0.1] * 5} for seed in range(3)]
        poison, *others = many(server, [{"then": "die", "steps_s": [0.3]}, *good])
        assert_problem(poison, 500, "worker_lost")
        assert [response.status_code for response in others] == [200] * 3
        assert server.probe().status_code == 200


@pytest.fixture(scope="module")
def hasty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("hasty"), STALL_S=2) as running:
        yield running


def test_a_slow_job_is_not_taken_for_a_stalled_one(hasty: Server) -> None:
    [worker] = hasty.workers()
    assert hasty.probe(steps_s=[0.5] * 6).status_code == 200
    assert hasty.workers() == [worker]


def test_a_worker_that_finishes_no_forward_is_replaced(hasty: Server) -> None:
    [worker] = hasty.workers()
    response = hasty.probe(then="hang")
    assert_problem(response, 500, "worker_lost")
    assert not worker.is_running()
    assert hasty.probe(steps_s=[0.1]).status_code == 200


def test_a_result_that_a_dying_worker_has_left_is_an_answer(tmp_path: Path) -> None:
    with serving(tmp_path) as server:
        [worker] = server.workers()
        answer = server.probe(then="die_computed", seed=5)
        assert answer.status_code == 200
        assert answer.json()["seed"] == 5
        eventually(lambda: replaced(server, worker))


def test_a_worker_that_beats_no_more_is_replaced(tmp_path: Path) -> None:
    with serving(tmp_path) as server:
        [worker] = server.workers()
        assert_problem(server.probe(then="unbeat"), 500, "worker_lost")
        assert not worker.is_running()
        assert server.probe(steps_s=[0.1]).status_code == 200


def test_a_worker_knows_no_secret_gives_way_to_the_front_and_ends_with_it(tmp_path: Path) -> None:
    secrets = {
        "AWS_REGION": "eu-hidden-1",
        "AWS_SECRET_ACCESS_KEY": "hidden-1",
        "AWS_SESSION_TOKEN": "hidden-2",
        "SOME_TOKEN": "hidden-3",
        "API_TOKEN": "hidden-4",
    }
    with serving(tmp_path, **secrets) as server:
        [worker] = server.workers()
        environment = Path(f"/proc/{worker.pid}/environ").read_text()
        assert "hidden" not in environment
        assert "AWS_" not in environment
        assert "MODEL_DIR=demo" in environment
        assert worker.nice() == psutil.Process(server.process.pid).nice() + 5
        server.kill()
        eventually(lambda: not worker.is_running())


def test_several_workers_share_the_work(tmp_path: Path) -> None:
    with serving(tmp_path, WORKERS=2, MAX_LIVE_JOBS=1, MAX_BATCH_ROWS=0) as server:
        eventually(lambda: metric(server, "atelier_workers_ready") == 2)
        urls = []
        for _ in range(2):  # each has a worker's only place until it is erased
            taken = server.client.post("/api/jobs", json={"type": "probe", "unforeseen_s": [0.1] * 10_000}).json()
            urls.append(taken["url"])
        eventually(lambda: all(server.client.get(url).json()["state"] == "running" for url in urls))
        for url in urls:
            assert server.client.delete(url).status_code == 204


def test_with_requests_all_that_wait_start_together(tmp_path: Path) -> None:
    """Also those that came while others waited: seven are four, and then three."""
    with serving(tmp_path, BATCHING="requests", MAX_LIVE_JOBS=4) as server:
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            alone = pool.submit(server.probe, unforeseen_s=[-1], gate=str(tmp_path / "open"))
            eventually(lambda: metric(server, "atelier_jobs_live") == 1)
            seven = pool.submit(many, server, [{"steps_s": [0.01]}] * 7)
            eventually(lambda: metric(server, "atelier_jobs_live") == 8)
            (tmp_path / "open").touch()
            assert {response.status_code for response in [alone.result(), *seven.result()]} == {200}
        eventually(lambda: metric(server, 'atelier_forwards_total{rows="4"}') == 1)
        eventually(lambda: metric(server, 'atelier_forwards_total{rows="3"}') == 1)


def test_ping_gives_up_only_when_no_worker_was_ready_for_the_grace_time(tmp_path: Path) -> None:
    with serving(tmp_path, RESTART_GRACE_S=1) as server:
        [worker] = server.workers()
        worker.send_signal(signal.SIGSTOP)  # the front sees nothing wrong: busy is healthy
        time.sleep(1.5)
        assert server.client.get("/ping").status_code == 200
        worker.kill()
        assert server.client.get("/ping").status_code == 200
        eventually(lambda: server.client.get("/ping").status_code == 503)
        eventually(lambda: server.client.get("/ping").status_code == 200)


@pytest.mark.parametrize("signal_number", [signal.SIGTERM, signal.SIGKILL])
def test_a_worker_that_is_told_to_go_is_replaced(server: Server, signal_number: int) -> None:
    [worker] = server.workers()
    worker.send_signal(signal_number)
    eventually(lambda: replaced(server, worker))
    assert server.probe().status_code == 200
