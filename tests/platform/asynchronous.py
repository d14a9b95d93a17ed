"""An asynchronous endpoint: requests wait in a queue, what the container answers goes to S3.

https://docs.aws.amazon.com/sagemaker/latest/dg/async-inference.html. Nothing is ever sent to a container twice because
it failed. What AWS does not document is a parameter: what failure objects are called, and whether the container is told
the inference id. That they hold the container's own answer is merely plausible.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from serve.s3 import split_uri
from tests.platform.async_request import AsyncRequest
from tests.platform.delivery import Accepted, Delivery, End, Failure
from tests.platform.hosting import Answer, Instance, NoAnswer, TimedOut
from tests.platform.notes import Topics, note_of

_POLL_S = 0.1

log = logging.getLogger(__name__)


class AsynchronousEndpoint:
    """A queue before any number of instances. Requests wait while there is none.

    Args:
        s3: a boto3 client of the platform's own.
        output_path: S3OutputPath, `s3://bucket/folder`.
        failure_path: S3FailurePath.
        at_once: MaxConcurrentInvocationsPerInstance, 1..1000.
        topics: who is told.
        tells_id: whether containers see the inference id as a header.
        failure_name: of a failure object, by inference id.
        clock: seconds; tells how long a request has waited.
    """

    def __init__(
        self,
        name: str,
        s3: Any,
        *,
        output_path: str,
        failure_path: str,
        at_once: int,
        topics: Topics | None = None,
        tells_id: bool = False,
        failure_name: Callable[[str], str] = "{}-error.out".format,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.name = name
        self.ends: dict[str, list[End]] = {}  # by inference id, in the order they came
        # Not `SimpleQueue`: its `get` may forget its timeout when another thread takes what had woken it.
        self.backlog: queue.Queue[Delivery] = queue.Queue()
        self._s3 = s3
        self._output_path = output_path.rstrip("/")
        self._failure_path = failure_path.rstrip("/")
        self._at_once = at_once
        self._topics = topics or Topics(client=None)
        self._tells_id = tells_id
        self._failure_name = failure_name
        self._clock = clock
        self._deliveries: dict[str, Delivery] = {}
        self._senders: dict[Instance, tuple[threading.Event, list[threading.Thread]]] = {}
        self._ended = threading.Condition()
        self._topics.test()

    # -- what callers see -------------------------------------------------------------------------------------

    def submit(self, headers: Mapping[str, str], body: bytes) -> Accepted:
        """Take a call of InvokeEndpointAsync.

        Raises:
            InvalidCall: it is answered 400.
        """
        request = AsyncRequest.parse(headers, body)
        name = request.filename or f"{request.inference_id}.out"
        accepted = Accepted(
            request.inference_id,
            f"{self._output_path}/{request.extension}{name}",
            f"{self._failure_path}/{self._failure_name(request.inference_id)}",
        )
        delivery = Delivery(request, accepted, since=self._clock())
        self._deliveries[request.inference_id] = delivery
        self.ends.setdefault(request.inference_id, [])
        self.backlog.put(delivery)
        return accepted

    def deliver_again(self, inference_id: str) -> None:
        """What a queue that promises at least one delivery may do."""
        self.backlog.put(self._deliveries[inference_id])

    def wait(self, deliveries: int, within_s: float = 600) -> None:
        """Wait until so many have ended, all in all.

        Raises:
            TimeoutError: they have not.
        """
        with self._ended:
            if not self._ended.wait_for(lambda: self.count() >= deliveries, within_s):
                raise TimeoutError(f"{self.count()} of {deliveries} deliveries ended within {within_s} s")

    def count(self) -> int:
        """How many deliveries have ended."""
        return sum(len(ends) for ends in list(self.ends.values()))

    # -- instances --------------------------------------------------------------------------------------------

    def add(self, instance: Instance) -> None:
        """Send to `instance` from now on, so many requests at once as it may have."""
        leaving = threading.Event()
        threads = [
            threading.Thread(target=self._send, args=(instance, leaving), daemon=True) for _ in range(self._at_once)
        ]
        self._senders[instance] = leaving, threads
        for thread in threads:
            thread.start()

    def remove(self, instance: Instance) -> None:
        """Send it nothing more; returns when it has answered what it had."""
        leaving, threads = self._senders.pop(instance)
        leaving.set()
        for thread in threads:
            thread.join()

    def _send(self, instance: Instance, leaving: threading.Event) -> None:
        while not leaving.is_set():
            try:
                delivery = self.backlog.get(timeout=_POLL_S)
            except queue.Empty:
                continue
            end = self._process(delivery, instance)
            with self._ended:
                self.ends[delivery.accepted.inference_id].append(end)
                self._ended.notify_all()

    # -- one delivery -----------------------------------------------------------------------------------------

    def _process(self, delivery: Delivery, instance: Instance) -> End:
        request, accepted = delivery.request, delivery.accepted
        note = note_of(self.name, request.inference_id, request.content_type, request.input_location, delivery.received)
        try:
            answer = self._ask(instance, delivery)
        except Failure as failure:
            log.warning("[%s] %s", request.inference_id, failure.reason)
            self._put(accepted.failure_location, failure.content, "application/json")
            self._topics.failed(note, failure.reason)
            return End(failure.status, accepted.failure_location, failure.reason)
        content_type = answer.headers.get("content-type", "application/octet-stream")
        self._put(accepted.output_location, answer.body, content_type)
        self._topics.completed(note, content_type, accepted.output_location)
        return End("Completed", accepted.output_location)

    def _ask(self, instance: Instance, delivery: Delivery) -> Answer:
        request = delivery.request
        if self._clock() - delivery.since > request.ttl_s:
            raise Failure(f"the request was in the queue for more than {request.ttl_s} s", status="Expired")
        try:
            answer = instance.invoke(
                self._input_of(request),
                content_type=request.content_type,
                accept=request.accept,
                headers=self._headers(request),
                timeout_s=request.timeout_s,
            )
        except TimedOut:
            raise Failure("Your invocation timed out while waiting for a response from container primary") from None
        except NoAnswer as error:
            raise Failure(f"there is no answer from container primary: {error}") from None
        if not 200 <= answer.status < 300:
            kind = "client" if answer.status < 500 else "server"
            raise Failure(f"ClientError: Received {kind} error ({answer.status}) from model", answer.body)
        if "content-length" not in answer.headers:
            raise Failure("The response from container primary did not specify the required Content-Length header")
        return answer

    def _headers(self, request: AsyncRequest) -> dict[str, str]:
        headers = {"X-Amzn-SageMaker-Inference-Id": request.inference_id} if self._tells_id else {}
        if request.custom_attributes is not None:
            headers["X-Amzn-SageMaker-Custom-Attributes"] = request.custom_attributes
        return headers

    def _input_of(self, request: AsyncRequest) -> bytes:
        if request.body is not None:
            return request.body
        bucket, key = split_uri(request.input_location or "")
        try:
            content: bytes = self._s3.get_object(Bucket=bucket, Key=key)["Body"].read()
        except self._s3.exceptions.ClientError as error:
            raise Failure(f"the input could not be downloaded: {error}") from None
        return content

    def _put(self, uri: str, content: bytes, content_type: str) -> None:
        bucket, key = split_uri(uri)
        self._s3.put_object(Bucket=bucket, Key=key, Body=content, ContentType=content_type)
