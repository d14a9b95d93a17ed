"""Every attention kernel at the engines' own shapes: the table that the order of `attention_backends` is made from."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from statistics import median

import torch
from torch import Generator, Tensor

from bench.ceiling import Ceiling, measured_ceiling
from bench.pairs import finished
from bench.report import Report, Row, Target
from model.diffusion.attention import attend_plainly
from model.diffusion.attention_backends import Attend, Kernel, attend_by, order, takes

RUNS = 5
TYPES = {  # that the engines compute in
    "cpu": (torch.float32, torch.bfloat16),
    "cuda": (torch.float32, torch.bfloat16, torch.float16),
}
MOST_SCORES = 2**29  # of the form that writes them out; beyond, it is left out
SMALL_TOKENS = 320  # at which outputs are compared
MOST_DIFFERENCE = {torch.float32: 1e-5, torch.float16: 5e-3, torch.bfloat16: 4e-2}  # of the plain form's largest number
WRITTEN_OUT = "scores written out"


@dataclass(frozen=True)
class AttentionShape:
    """One attention: `rows` of the network's batch, `keys` for each of the `queries`, heads of `width`."""

    what: str
    rows: int
    heads: int
    queries: int
    keys: int
    width: int

    @property
    def gflop(self) -> float:
        return 4e-9 * self.rows * self.heads * self.queries * self.keys * self.width

    def tensors(self, dtype: torch.dtype, device: torch.device, most_tokens: int | None = None) -> list[Tensor]:
        """Query, key and value, laid out as the projections leave them: tokens before heads."""
        generator = Generator().manual_seed(0)
        counts = [min(count, most_tokens or count) for count in (self.queries, self.keys, self.keys)]
        laid_out = (torch.randn(self.rows, count, self.heads, self.width, generator=generator) for count in counts)
        return [tensor.to(device, dtype).transpose(1, 2) for tensor in laid_out]


def tryon(width: int, height: int) -> Iterator[AttentionShape]:
    """The four levels of a guided try-on; person above garment."""
    for level, head_width in enumerate((40, 80, 160, 160)):
        tokens = (2 * height // 8 // 2**level) * (width // 8 // 2**level)
        yield AttentionShape(f"try-on {width} x {height}, level {level}", 2, 8, tokens, tokens, head_width)


def avatar(side: int) -> Iterator[AttentionShape]:
    """The two finest levels of a guided avatar; the references are two photos for each view."""
    for level, heads in enumerate((5, 10)):
        cells = side // 8 // 2**level
        tokens, size = cells**2, f"avatar {side} x {side}, level {level}"
        yield AttentionShape(f"{size}, itself", 12, heads, tokens, tokens, 64)
        yield AttentionShape(f"{size}, references", 6, heads, tokens, 2 * tokens, 64)
        yield AttentionShape(f"{size}, rows of views", 2 * cells, heads, 6 * cells, 6 * cells, 64)
        yield AttentionShape(f"{size}, text", 2, heads, 6 * tokens, 77, 64)


SHAPES = [*tryon(384, 512), *tryon(768, 1024), *avatar(768)]


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench.attention", description=__doc__)
    parser.add_argument("--device", default="cpu", help="cpu, cuda, cuda:1 ...")
    parser.add_argument("--gflop", type=float, help="leave out what needs more; on the CPU, 100 if not given")
    options = parser.parse_args()
    device = torch.device(options.device)
    most = options.gflop or (100 if device.type == "cpu" else float("inf"))
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else f"cpu, {torch.get_num_threads()} threads"
    report = Report(
        name=f"attention_{device.type}",
        title="Attention kernels at the engines' shapes",
        how=f"Random numbers, laid out as projections leave them; the median of {RUNS} runs after one to warm up; "
        f"shapes of at most {most:.3g} GFLOP. A multiply-add counts as two; the ceiling is a large matrix product of "
        "the same type. Kernels are listed in the order in which they are tried. Before, each kernel's output was "
        f"compared with the form that writes the scores out, at {SMALL_TOKENS} tokens.",
        device=name,
    )
    with torch.no_grad():
        for dtype in TYPES[device.type]:
            what = f"{short(dtype)}: largest difference from the plain form, as a share of its maximum"
            differs = max(difference(shape, dtype, device) for shape in SHAPES)
            report.targets.append(Target(what, differs, MOST_DIFFERENCE[dtype], ""))
            ceiling = measured_ceiling(device, dtype)
            for shape in SHAPES:
                if shape.gflop <= most:
                    report.rows += rows(shape, dtype, device, ceiling)
                    report.save()
    report.publish()


def rows(shape: AttentionShape, dtype: torch.dtype, device: torch.device, ceiling: Ceiling) -> Iterator[Row]:
    """One for each kernel that takes the shape."""
    tensors = shape.tensors(dtype, device)
    forms = candidates(tensors)
    if shape.rows * shape.heads * shape.queries * shape.keys <= MOST_SCORES:
        forms[WRITTEN_OUT] = attend_plainly
    for kernel, attend in forms.items():
        seconds, cpu_seconds = timed(lambda attend=attend: attend(*tensors), device)  # type: ignore[misc]
        yield {
            "shape": shape.what,
            "tokens": f"{shape.queries} x {shape.keys}",
            "head": float(shape.width),
            "type": short(dtype),
            "kernel": kernel,
            "ms": 1e3 * seconds,
            "CPU ms": 1e3 * cpu_seconds,
            "GFLOP/s": shape.gflop / seconds,
            "of ceiling": 1e9 * shape.gflop / seconds / ceiling.flops_per_s,
        }


def candidates(tensors: list[Tensor]) -> dict[str, Attend]:
    """Every kernel that takes tensors like these, in the order in which they are tried."""
    device = tensors[0].device
    if device.type != "cuda":
        return {"flash": attend_by("flash")}
    tried = order(torch.cuda.get_device_capability(device))
    others: list[Kernel] = [kernel for kernel in order((9, 0)) if kernel not in tried]
    return {kernel: attend_by(kernel) for kernel in (*tried, *others) if takes(kernel, *tensors)}


def difference(shape: AttentionShape, dtype: torch.dtype, device: torch.device) -> float:
    """The largest of any kernel, at a small number of tokens."""
    tensors = shape.tensors(dtype, device, SMALL_TOKENS)
    expected = attend_plainly(*(tensor.float() for tensor in tensors))
    found = [attend(*tensors).float() for attend in candidates(tensors).values()]
    return max(float((one - expected).abs().max() / expected.abs().max()) for one in found)


def timed(call: Callable[[], object], device: torch.device) -> tuple[float, float]:
    """Median seconds of a call, on the clock and of the processor."""
    run = finished(call, device)
    run()
    seconds, cpu_seconds = [], []
    for _ in range(RUNS):
        began, used_s = time.perf_counter(), time.process_time()
        run()
        seconds.append(time.perf_counter() - began)
        cpu_seconds.append(time.process_time() - used_s)
    return median(seconds), median(cpu_seconds)


def short(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")


if __name__ == "__main__":
    main()
