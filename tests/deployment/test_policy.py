"""The execution role may do what the container does, and no more."""

from __future__ import annotations

import json
import re
from fnmatch import fnmatchcase
from typing import Any

import deploy
import pytest
from endpoint import policy

from tests.deployment.conftest import ACCOUNT, IMAGE, REGION
from tests.server import ROOT

TOPIC = f"arn:aws:sns:{REGION}:{ACCOUNT}:done"
QUEUE = f"arn:aws:sqs:{REGION}:{ACCOUNT}:omoib"
PLACES: dict[str, Any] = {
    "image": IMAGE,
    "model_prefix": "s3://weights/atelier/",
    "output_prefix": "s3://data/results/",
}
# boto3's methods, and the permission each needs. PutObject with If-None-Match needs no other than PutObject.
PERMISSIONS = {
    "get_object": "s3:GetObject",
    "generate_presigned_url": "s3:GetObject",  # whoever follows it reads as the signer may
    "put_object": "s3:PutObject",
    "list_objects_v2": "s3:ListBucket",
    "send_message": "sqs:SendMessage",
}
# What AWS grants on everything or not at all.
WITHOUT_RESOURCE = {"ecr:GetAuthorizationToken", "cloudwatch:PutMetricData"}


def statements(**more: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = policy.fill(policy.places_of(**PLACES, **more))["Statement"]
    return found


def allows(action: str, resource: str, **more: Any) -> bool:
    return any(
        action in statement["Action"] and any(fnmatchcase(resource, pattern) for pattern in statement["Resource"])
        for statement in statements(**more)
    )


CALLING = ("s3.py", "clients/omoib.py")  # in the front, AWS


def calls_of_the_container() -> set[str]:
    """The methods of boto3's clients that the front calls."""
    sources = [(ROOT / "serve" / name).read_text() for name in CALLING]
    called = {name for source in sources for name in re.findall(r"self\._client\.(\w+)\(", source)}
    pages = {name for source in sources for name in re.findall(r'get_paginator\("(\w+)"\)', source)}
    return (called | pages) - {"get_paginator"}


def test_every_call_of_the_container_is_known_here() -> None:
    others = [path for path in (ROOT / "serve").rglob("*.py") if "aws.client(" in path.read_text()]
    assert {path.relative_to(ROOT / "serve").as_posix() for path in others} == set(CALLING)
    assert calls_of_the_container() == set(PERMISSIONS)


@pytest.mark.parametrize(
    ("action", "resource"),
    [
        ("s3:GetObject", "arn:aws:s3:::weights/atelier/catvton/vae/config.json"),
        ("s3:GetObject", "arn:aws:s3:::photos/in/me.png"),
        ("s3:GetObject", "arn:aws:s3:::data/results/order-17/manifest.json"),
        ("s3:PutObject", "arn:aws:s3:::data/results/order-17/result.png"),
        ("s3:PutObject", "arn:aws:s3:::data/results/queued/failures/1.out"),
        ("s3:ListBucket", "arn:aws:s3:::photos"),
        ("sqs:SendMessage", QUEUE),
        ("sns:Publish", TOPIC),
        ("ecr:BatchGetImage", f"arn:aws:ecr:{REGION}:{ACCOUNT}:repository/atelier"),
        (
            "logs:PutLogEvents",
            f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/aws/sagemaker/Endpoints/atelier:log-stream:a",
        ),
    ],
)
def test_what_is_needed_is_allowed(action: str, resource: str) -> None:
    assert allows(action, resource, input_prefixes=["s3://photos/in/"], topics=[TOPIC], queues=[QUEUE])


def test_each_permission_the_container_needs_is_granted() -> None:
    granted = {action for statement in statements(queues=[QUEUE]) for action in statement["Action"]}
    assert set(PERMISSIONS.values()) <= granted


@pytest.mark.parametrize(
    ("action", "resource"),
    [
        ("s3:PutObject", "arn:aws:s3:::weights/atelier/catvton/vae/config.json"),
        ("s3:PutObject", "arn:aws:s3:::photos/in/me.png"),
        ("s3:GetObject", "arn:aws:s3:::data/elsewhere/x"),
        ("s3:GetObject", "arn:aws:s3:::weights/other/x"),
        ("s3:DeleteObject", "arn:aws:s3:::data/results/x"),
        ("sns:Publish", TOPIC),
        ("sqs:SendMessage", QUEUE),
        ("kms:Decrypt", "key"),
        ("ec2:CreateNetworkInterface", "x"),
    ],
)
def test_what_is_not_needed_or_not_asked_for_is_not_allowed(action: str, resource: str) -> None:
    assert not allows(action, resource)


def test_nothing_is_granted_wholesale() -> None:
    everything = {
        "input_prefixes": ["s3://photos/in/"],
        "topics": [TOPIC],
        "queues": [QUEUE],
        "keys": ["arn:aws:kms:k"],
    }
    for statement in statements(**everything):
        assert not [action for action in statement["Action"] if "*" in action]
        if "*" in statement["Resource"]:
            assert set(statement["Action"]) <= WITHOUT_RESOURCE
    listing = next(statement for statement in statements(**everything) if "s3:ListBucket" in statement["Action"])
    assert listing["Condition"] == {"StringLike": {"s3:prefix": ["atelier/*", "in/*", "results/*"]}}


def test_a_vpc_and_keys_are_granted_when_asked_for() -> None:
    assert allows("ec2:CreateNetworkInterface", "x", vpc=True)
    assert allows("kms:GenerateDataKey", "arn:aws:kms:k", keys=["arn:aws:kms:k"])


def test_no_placeholder_is_left_and_the_result_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["--image", IMAGE, "--model-prefix", "s3://weights/atelier/", "--output-prefix", "s3://data/results/"]
    assert deploy.main(["policy", *arguments]) == 0
    printed = capsys.readouterr().out
    assert "${" not in printed
    assert json.loads(printed) == {"Version": "2012-10-17", "Statement": statements()}


def test_an_image_from_elsewhere_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["--model-prefix", "s3://weights/atelier/", "--output-prefix", "s3://data/results/"]
    assert deploy.main(["policy", "--image", "docker.io/atelier:1", *arguments]) == 1
    assert "dkr.ecr" in capsys.readouterr().err


def test_the_role_is_sagemaker_s_to_take() -> None:
    trust = json.loads((ROOT / "sagemaker" / "trust.json").read_text())
    assert [s["Principal"] for s in trust["Statement"]] == [{"Service": "sagemaker.amazonaws.com"}]
