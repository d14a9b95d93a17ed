"""Networks prepared, before there are jobs, for the shapes that requests usually have.

Prepared means compiled, or recorded: a forward on buffers that stay where they are, which a GPU repeats as one piece of
work. For all other shapes a network is what it was.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import torch
from torch import Tensor, nn

Rows = Tensor | tuple[Tensor, ...]
Forward = Callable[..., Rows]
# Makes of a forward and its inputs a function that computes the output of what is in the inputs when it is called.
RecordForward = Callable[[Forward, Sequence[Tensor]], Callable[[], Rows]]


class PreparedNetwork(nn.Module):
    """A module whose rows are independent, and which some shapes of inputs find prepared.

    A recorded batch of n rows takes any number up to n: what is left over computes on what was there before.

    Args:
        module: computes everything else.
        record: how forwards are recorded; None: they are not.
        compiled: whether prepared forwards are compiled. They are then nearly the module's, not to the last bit.
    """

    def __init__(self, module: nn.Module, record: RecordForward | None, *, compiled: bool = False) -> None:
        super().__init__()
        self.module = module
        self._record = record
        # Whole graphs, one for each shape: a part that cannot be compiled is an error, not a slow surprise.
        self._forward = torch.compile(module.forward, fullgraph=True, dynamic=False) if compiled else module
        self._prepared: dict[tuple[object, ...], dict[int, Forward]] = {}

    def prepare(self, *tensors: Tensor, batches: Sequence[int]) -> Iterator[int]:
        """Prepare for inputs like `tensors` in batches of so many rows; yields each number when that is done.

        The largest comes first: the memory of its recording is large enough for the others.
        """
        buffers = [tensor.new_zeros((max(batches), *tensor.shape[1:])) for tensor in tensors]
        forwards = self._prepared[_shapes(tensors)] = {}
        for rows in sorted(batches, reverse=True):
            inputs = [buffer[:rows] for buffer in buffers]
            self._forward(*inputs)
            forwards[rows] = self._forward if self._record is None else Recorded(self._record, self._forward, inputs)
            yield rows

    def forward(self, *tensors: Tensor) -> Rows:
        """As `module`: its inputs, its output."""
        forwards, rows = self._prepared.get(_shapes(tensors), {}), len(tensors[0])
        fitting = [batch for batch in forwards if batch == rows or (self._record is not None and batch > rows)]
        output: Rows = forwards[min(fitting)](*tensors) if fitting else self.module(*tensors)
        return output


class Recorded:
    """A forward whose inputs stay where they are: what comes is written into them, what goes out is a copy."""

    def __init__(self, record: RecordForward, forward: Forward, inputs: Sequence[Tensor]) -> None:
        self._inputs = inputs
        self._compute = record(forward, inputs)

    def __call__(self, *tensors: Tensor) -> Rows:
        rows = len(tensors[0])
        for held, tensor in zip(self._inputs, tensors, strict=True):
            held[:rows].copy_(tensor)
        output = self._compute()
        return output[:rows].clone() if isinstance(output, Tensor) else tuple(part[:rows].clone() for part in output)


def plainly(forward: Forward, inputs: Sequence[Tensor]) -> Callable[[], Rows]:
    """The forward itself, computed every time: what every other way to record must agree with."""
    return lambda: forward(*inputs)


def batch_sizes(atom: int, most_rows: int) -> list[int]:
    """Rows of the batches worth preparing: one atom, every even number of them, and as many as there may be.

    A guided try-on has two rows. So nearly every batch is met exactly, and none by more than one atom too many.
    """
    most = max(most_rows // atom, 1)
    return [atom * count for count in sorted({1, *range(2, most + 1, 2), most})]


def _shapes(tensors: Sequence[Tensor]) -> tuple[object, ...]:
    return tuple((tensor.dtype, tensor.shape[1:]) for tensor in tensors)
