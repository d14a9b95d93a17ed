"""Memory that is not used is not kept."""

from __future__ import annotations

import ctypes
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from tests.fuzz import valid_tryon
from tests.server import Server, eventually, serving
from tests.untrained import untrained_pack

FREED = """
import os, psutil
from container.memory import give_back_free_memory
blocks = [b"x" * 65536 + bytes([i % 256]) for i in range(1600)]  # 100 MiB, in pieces the heap holds
last = blocks.pop()  # lies above the others, so that glibc cannot simply lower the top of the heap
del blocks
before = psutil.Process().memory_info().rss
give_back_free_memory()
print(before - psutil.Process().memory_info().rss)
"""


def test_freed_heap_goes_back_to_the_system() -> None:
    done = subprocess.run([sys.executable, "-c", FREED], check=True, capture_output=True, text=True)
    assert int(done.stdout) > 90 * 2**20


_HEAP = """
import ctypes, threading
from container.memory import share_one_heap

malloc = ctypes.CDLL(None).malloc
malloc.restype = ctypes.c_void_p
{first}
found = []
thread = threading.Thread(target=lambda: found.append(malloc(1000)))
thread.start()
thread.join()
[heap] = [line.split()[0] for line in open("/proc/self/maps") if line.rstrip().endswith("[heap]")]
begin, end = (int(address, 16) for address in heap.split("-"))
print(begin <= found[0] < end)
"""


@pytest.mark.skipif(sys.platform != "linux" or not hasattr(ctypes.CDLL(None), "mallopt"), reason="needs glibc")
@pytest.mark.parametrize(("first", "shared"), [("share_one_heap()", "True"), ("", "False")])
def test_threads_share_a_heap_that_is_told_to_be_shared(first: str, shared: str) -> None:
    done = subprocess.run([sys.executable, "-c", _HEAP.format(first=first)], stdout=subprocess.PIPE, check=True)
    assert done.stdout.decode().strip() == shared


_AGAIN = """
import asyncio, psutil
from container.memory import give_back_for_ever

def resident():
    return psutil.Process().memory_info().rss

async def twice():
    giving = asyncio.create_task(give_back_for_ever(0.01))
    for _ in range(2):
        blocks = [b"x" * 65536 + bytes([i % 256]) for i in range(800)]
        last = blocks.pop()
        before = resident()
        del blocks
        while resident() > before - 40 * 2**20:
            await asyncio.sleep(0.01)
    giving.cancel()

asyncio.run(twice())
"""


def test_freed_memory_is_given_back_again_and_again() -> None:
    subprocess.run([sys.executable, "-c", _AGAIN], check=True, timeout=180)


def test_a_worker_that_rests_becomes_smaller(tmp_path: Path) -> None:
    with serving(tmp_path, MODEL_DIR=untrained_pack(), ENGINES="") as server:
        large = valid_tryon() | {"width": 512, "height": 512}
        assert server.invoke(large).status_code == 200
        after_work = resident(server)
        eventually(lambda: resident(server) < after_work - 20 * 2**20)


def resident(server: Server) -> int:
    [worker] = server.workers()
    return int(psutil.Process(worker.pid).memory_info().rss)


_FAULTS = """
import resource, threading, torch
from container.memory import keep_freed_memory

def faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt

def forwards():
    for _ in range(20):  # some, until the heap has room for aligned blocks
        torch.ones(10**7)
    before = faults()
    for _ in range(10):
        torch.ones(10**7)
    print(faults() - before)

{first}
thread = threading.Thread(target=forwards)
thread.start()
thread.join()
"""


@pytest.mark.skipif(sys.platform != "linux" or not hasattr(ctypes.CDLL(None), "mallopt"), reason="needs glibc")
def test_what_a_forward_frees_is_there_for_the_next_one() -> None:
    """Ten times 40 MB are 97,656 pages."""

    def faults(first: str) -> int:
        done = subprocess.run([sys.executable, "-c", _FAULTS.format(first=first)], stdout=subprocess.PIPE, check=True)
        return int(done.stdout)

    assert faults("keep_freed_memory()") < 1_000 < 50_000 < faults("")
