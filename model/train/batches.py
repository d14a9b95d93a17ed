"""Batches in an order that is a function of the seed, read ahead in the background.

Nothing here has a state: which samples batch n holds follows from n alone, so a training that stops goes on with the
batch it would have had.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Generator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import lru_cache
from typing import TypeVar

import numpy as np

from model.train.examples import Source

Batch = TypeVar("Batch")

_AHEAD = 2  # batches read ahead by each thread


class Order:
    """Every epoch is a permutation of all samples; batches run on across its end."""

    def __init__(self, samples: int, batch_size: int, seed: int) -> None:
        self._samples = samples
        self._batch_size = batch_size
        self._epoch = lru_cache(maxsize=2)(lambda epoch: np.random.default_rng((seed, epoch)).permutation(samples))

    def numbers(self, batch: int) -> list[int]:
        """The samples of a batch."""
        first = batch * self._batch_size
        places = [divmod(i, self._samples) for i in range(first, first + self._batch_size)]
        return [int(self._epoch(epoch)[place]) for epoch, place in places]


def read_ahead(
    source: Source[Batch], order: Order, first: int, stride: int, threads: int
) -> Generator[Batch, None, None]:
    """Batches `first`, `first + stride`, ... for ever. Ends its threads when it is closed."""
    pool = ThreadPoolExecutor(threads, thread_name_prefix="read-ahead")
    waiting: deque[Future[Batch]] = deque()
    batch = first
    try:
        while True:
            while len(waiting) < _AHEAD * threads:
                waiting.append(pool.submit(source.batch, order.numbers(batch)))
                batch += stride
            yield waiting.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)
