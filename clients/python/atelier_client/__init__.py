"""Asks an Atelier service: `Atelier`, and `AsyncAtelier`, which is the same with `await`."""

from atelier_client.aio import AsyncAtelier
from atelier_client.answers import Answer, Job, Output, Progress, TakenJob
from atelier_client.client import Atelier
from atelier_client.problems import Problem
from atelier_client.requests import Picture, avatar, tryon

__all__ = [
    "Answer",
    "AsyncAtelier",
    "Atelier",
    "Job",
    "Output",
    "Picture",
    "Problem",
    "Progress",
    "TakenJob",
    "avatar",
    "tryon",
]
