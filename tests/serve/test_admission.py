"""What is said to work that would end too late: what would fit, or when."""

from __future__ import annotations

from typing import Any

import pytest

from model.engines.catvton.request import Request
from serve.admission import Admission
from serve.errors import Overloaded, TooMuchWork

ADMISSION = Admission(max_queued=4, job_deadline_s=3500, wait=False)


def tryon(**fields: Any) -> Request:
    return Request.model_validate({"person": "a", "garment": "b", "mask": "c", "steps": 50, **fields})


def refusal(alone_s: float, *, durable: bool = False, deadline_s: float = 55, **fields: Any) -> str:
    with pytest.raises(TooMuchWork) as caught:
        ADMISSION.refuse_if_late(tryon(**fields), alone_s, alone_s + 10, deadline_s, durable=durable)
    assert (caught.value.code, caught.value.field) == ("too_much_work", "deadline_s")
    assert (caught.value.status, caught.value.retryable) == (422, False)
    return caught.value.detail


def test_what_ends_in_time_is_taken() -> None:
    ADMISSION.refuse_if_late(tryon(), 55, 55, 55, durable=False)


def test_what_can_never_fit_is_told_what_would() -> None:
    said = refusal(100)
    assert "about 100 s even alone, and its deadline is 55 s" in said
    steps = int(said.partition(" steps instead of 50")[0].split()[-1])
    work = [tryon(steps=n).work() / tryon().work() for n in (steps, steps + 1)]
    assert work[0] <= 0.55 < work[1]
    assert "hand it in as a job (POST /api/jobs), which has 3500 s" in said


def test_advice_is_only_given_where_it_is_true() -> None:
    assert "/api/jobs" not in refusal(4000)
    assert "/api/jobs" not in refusal(100, durable=True)
    assert "'deadline_s' of 150" in refusal(100, durable=True)
    assert "deadline_s'" not in refusal(3000, durable=True, deadline_s=1000)
    assert "steps instead" not in refusal(10_000, steps=1)


def test_what_no_number_of_steps_makes_fit_is_told_what_to_ask_less_of() -> None:
    assert "much smaller values of width, height, samples, steps" in refusal(1e6)
    assert "about 0.03 s even alone" in refusal(0.03, deadline_s=0.001)


def test_what_fits_later_is_told_when() -> None:
    with pytest.raises(Overloaded, match="in about 90 s, after its deadline of 55 s") as caught:
        ADMISSION.refuse_if_late(tryon(), 20, 90, 55, durable=False)
    assert (caught.value.retryable, caught.value.retry_after_s) == (True, 35)


def test_a_full_queue_says_when_a_place_is_free() -> None:
    ADMISSION.refuse_if_full(3, 30)
    for expected_s, retry_after_s in ((40.0, 10.0), (0.0, 10), (0.4, 1.0)):
        with pytest.raises(Overloaded, match="4 jobs are waiting") as caught:
            ADMISSION.refuse_if_full(4, expected_s)
        assert caught.value.retry_after_s == retry_after_s


def test_who_shall_wait_waits() -> None:
    Admission(max_queued=4, job_deadline_s=3500, wait=True).refuse_if_late(tryon(), 1000, 1000, 55, durable=False)
