"""Networks prepared for some shapes: the same numbers, in every batch, and nothing of a buffer gets out."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, cast

import pytest
import torch
from torch import Generator, Tensor, nn

from model.diffusion.ddim import DDIM
from model.diffusion.noise import seeded
from model.engines.catvton.engine import CatVTON
from model.engines.catvton.networks import CatVTONNetworks
from model.engines.catvton.sampling import sample
from model.errors import WeightsError
from model.runtime.compiling import set_up_compiling
from model.runtime.device import Device
from model.runtime.device_config import DeviceConfig
from model.runtime.network import BatchedNetwork
from model.runtime.prepared import PreparedNetwork, batch_sizes, plainly
from model.runtime.warm_up import WarmCall, warm_up
from model.tryon.pictures import TryOnTensors

CPU = torch.device("cpu")


class Pair(nn.Module):
    """Two inputs of different dtypes, two outputs; remembers how many rows it was really given."""

    def __init__(self) -> None:
        super().__init__()
        self.mix = nn.Linear(3, 3)
        self.seen: list[int] = []

    def forward(self, rows: Tensor, steps: Tensor) -> tuple[Tensor, Tensor]:
        self.seen.append(len(rows))
        return self.mix(rows) * steps[:, None], rows + 1


def inputs(rows: int, seed: int = 0, width: int = 3) -> tuple[Tensor, Tensor]:
    generator = Generator().manual_seed(seed)
    return torch.randn((rows, width), generator=generator), torch.randint(9, (rows,), generator=generator)


@pytest.fixture
def prepared() -> Iterator[PreparedNetwork]:
    """Recorded for batches of 1, 2 and 4 rows."""
    module = PreparedNetwork(Pair(), plainly)
    with torch.no_grad():
        assert list(module.prepare(*inputs(1), batches=[1, 2, 4])) == [4, 2, 1]
        yield module


def test_every_number_of_rows_gets_the_plain_answer_from_the_next_larger_recording(prepared: PreparedNetwork) -> None:
    pair: Any = prepared.module
    pair.seen.clear()
    for rows in (3, 4, 1, 2, 5):  # what is left in a buffer by a larger batch must not matter
        ours = prepared(*inputs(rows, seed=rows))
        plain = pair(*inputs(rows, seed=rows))
        assert all(
            torch.allclose(a, b, rtol=0, atol=1e-6) and a.shape == b.shape for a, b in zip(ours, plain, strict=True)
        )
    assert pair.seen[::2] == [4, 4, 1, 2, 5]


def test_an_answer_stays_as_it_is_when_the_next_is_computed(prepared: PreparedNetwork) -> None:
    first = prepared(*inputs(2))
    kept = [part.clone() for part in first]
    prepared(*inputs(2, seed=1))
    assert all(map(torch.equal, first, kept))


def test_the_callers_tensors_are_read_and_nothing_else(prepared: PreparedNetwork) -> None:
    given = inputs(2)
    prepared(*given)
    prepared(*inputs(2, seed=1))
    assert all(map(torch.equal, given, inputs(2)))


def test_other_shapes_and_dtypes_go_to_the_module_as_they_come(prepared: PreparedNetwork) -> None:
    pair: Any = prepared.module
    pair.seen.clear()
    rows, steps = inputs(3)
    pair.double()
    prepared(rows.double(), steps)
    pair.float()
    prepared(rows, steps.float())
    assert pair.seen == [3, 3]


def test_on_a_cpu_nothing_is_wrapped_and_warming_is_one_forward() -> None:
    device, module = Device(CPU), Pair()
    network = device.batched(device.preparable(module))
    assert network.module is module
    assert list(network.prepare(*inputs(2))) == [2]
    assert module.seen == [2]
    assert device.stats.forwards == 0
    device.close()


@pytest.mark.parametrize(
    ("atom", "most_rows", "expected"),
    [(1, 8, [1, 2, 4, 6, 8]), (1, 7, [1, 2, 4, 6, 7]), (1, 1, [1]), (6, 8, [6]), (6, 24, [6, 12, 24])],
)
def test_hardly_a_batch_is_filled_up(atom: int, most_rows: int, expected: list[int]) -> None:
    assert batch_sizes(atom, most_rows) == expected
    for rows in range(atom, most_rows // atom * atom + 1, atom):
        assert min(batch for batch in expected if batch >= rows) - rows <= atom


class Studio:
    """An engine with one network, which fits up to a size."""

    name = "studio"

    def __init__(self, device: Device) -> None:
        self.network = device.batched(Allocates())

    def warm_calls(self, width: int, height: int) -> Iterator[WarmCall]:
        yield WarmCall("painter", self.network, (torch.zeros((2, 1)), torch.zeros((2, 1)).expand(2, width * height)))


class Allocates(nn.Module):
    """As many terabytes as the picture has pixels beyond a million."""

    def forward(self, rows: Tensor, pixels: Tensor) -> Tensor:
        return rows + torch.empty(max(pixels.shape[1] - 10**6, 0) * 2**40, dtype=torch.uint8).sum()


def test_a_size_that_does_not_fit_stops_the_start_and_is_named() -> None:
    device = Device(CPU)
    studio: Any = Studio(device)
    (step,) = warm_up(device, studio, 768, 1024)
    assert (step.network, step.rows) == ("painter", 2)
    with pytest.raises(WeightsError, match=r"WARM_SIZES=2048x2048 .* memory of cpu \(engine studio\)"):
        list(warm_up(device, studio, 2048, 2048))
    device.close()


def test_a_bug_in_a_network_is_not_taken_for_a_lack_of_memory() -> None:
    class Broken(Studio):
        def warm_calls(self, width: int, height: int) -> Iterator[WarmCall]:
            yield WarmCall("painter", self.network, (torch.zeros(1),))

    device = Device(CPU)
    broken: Any = Broken(device)
    with pytest.raises(TypeError, match="pixels"):
        list(warm_up(device, broken, 64, 64))
    device.close()


@pytest.mark.filterwarnings("ignore:.*torch.jit.*:DeprecationWarning")  # in what inductor imports
def test_warm_shapes_are_compiled_and_no_others_and_that_takes_a_compiler(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("TORCHINDUCTOR_CACHE_DIR", "TRITON_CACHE_DIR"):
        monkeypatch.setenv(name, "")  # so that it is as before when this has ended
    found = shutil.which("g++")
    with monkeypatch.context() as without:
        without.setenv("PATH", str(tmp_path))
        with pytest.raises(WeightsError, match=r"COMPILE=1 needs a C\+\+ compiler.*: No working C\+\+ compiler"):
            set_up_compiling(tmp_path / "compiled", CPU)
    if found is None:
        pytest.skip("there is no C++ compiler")
    set_up_compiling(tmp_path / "compiled", CPU)
    device = Device(CPU, config=DeviceConfig(compiled=True, max_batch_rows=1))
    network = device.batched(device.preparable(Tells()))
    given = torch.randn((1, 8), generator=Generator().manual_seed(0))
    assert [step.rows for step in warm_up(device, one_call(network, given), 64, 64)] == [1]
    assert torch.allclose(device.at_start(lambda: network.module(given)), given.sigmoid() + 1)
    assert list((tmp_path / "compiled").rglob("*.so"))
    for other in (given[:, :4], given.repeat(2, 1)):
        assert torch.equal(device.at_start(partial(network.module, other)), other.sigmoid())
    device.close()


def one_call(network: BatchedNetwork, *tensors: Tensor) -> Any:
    class Engine(Studio):
        def warm_calls(self, width: int, height: int) -> Iterator[WarmCall]:
            yield WarmCall("only", network, tensors)

    return Engine(network._device)


class Tells(nn.Module):
    """One more when it was compiled."""

    def forward(self, rows: Tensor) -> Tensor:
        return rows.sigmoid() + (1 if torch.compiler.is_compiling() else 0)


def test_a_folder_that_others_can_write_to_is_not_compiled_into(tmp_path: Path) -> None:
    tmp_path.chmod(0o777)
    with pytest.raises(WeightsError, match="COMPILE_CACHE"):
        set_up_compiling(tmp_path, CPU)


def test_a_try_on_is_warmed_for_just_what_a_request_calls(tryon: CatVTON, runner: asyncio.Runner) -> None:
    networks, engine = tryon.networks["mask"], cast("Any", tryon)
    warmed, called = Shapes(networks), Shapes(networks)
    with warmed.watched():
        assert [step.network for step in warm_up(tryon.device, engine, 96, 128)] == [
            *("mask encoder", "mask denoiser", "mask decoder")
        ]
    prepared = TryOnTensors(*(torch.zeros(1, channels, 128, 96) for channels in (3, 3, 1)))

    async def dress() -> None:
        async with networks.device.live("tryon", 0):
            condition = await networks.encode(prepared, 1, seeded(0, 1), guided=True)
            steps = sample(networks.denoiser, DDIM(networks.noise_schedule, 1, 0), condition, 2.5, seeded(0, 1))
            await networks.decode([latents async for _, latents in steps][-1])

    with called.watched():
        runner.run(dress())
    assert warmed.seen == called.seen
    assert len(warmed.seen) == 3


@pytest.mark.parametrize("rows", [1, 2, 3, 4])
def test_the_recorded_unet_agrees_with_the_unet(tryon: CatVTON, rows: int) -> None:
    unet = tryon.networks["mask"].denoiser.module
    latents, condition = (torch.randn((rows, channels, 16, 8), generator=Generator()) for channels in (4, 5))
    given = latents, torch.arange(rows), condition
    prepared = PreparedNetwork(unet, plainly)
    with torch.no_grad():
        list(prepared.prepare(*given, batches=batch_sizes(1, 4)))
        ours: Any = prepared(*given)
        assert torch.allclose(ours, unet(*given), rtol=0, atol=1e-5)


class Shapes:
    """The dtypes and shapes that networks are called with, but for the number of rows."""

    def __init__(self, networks: CatVTONNetworks) -> None:
        self._modules = [network.module for network in (networks.encoder, networks.denoiser, networks.decoder)]
        self.seen: set[Any] = set()

    @contextmanager
    def watched(self) -> Iterator[None]:
        handles = [module.register_forward_pre_hook(self._note) for module in self._modules]
        yield
        for handle in handles:
            handle.remove()

    def _note(self, module: nn.Module, tensors: tuple[Tensor, ...]) -> None:
        self.seen.add((type(module), *((tensor.dtype, tensor.shape[1:]) for tensor in tensors)))
