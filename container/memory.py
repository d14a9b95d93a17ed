"""Memory that nothing uses: kept for the next forward, and given back to the system in a pause."""

from __future__ import annotations

import asyncio
import ctypes

# As <malloc.h> has them.
_TRIM_THRESHOLD, _MMAP_MAX, _ARENA_MAX = -1, -4, -8
_KEPT_BYTES = 2**31 - 1  # the largest that mallopt takes: nothing is given back by itself


def keep_freed_memory() -> None:
    """Let the heap keep what a forward frees, for the next one; to be called before there are threads.

    glibc maps large blocks anew each time, and those of a thread sooner than those of the first one: the kernel then
    clears the pages of every tensor again. Decoding 384 x 512 on two cores took 1.4 times as long for it. Other C
    libraries have no such call, and nothing happens.
    """
    set_option = getattr(ctypes.CDLL(None), "mallopt", None)
    if set_option is not None:
        for option, value in ((_ARENA_MAX, 1), (_MMAP_MAX, 0), (_TRIM_THRESHOLD, _KEPT_BYTES)):
            set_option(option, value)


def share_one_heap() -> None:
    """Let all threads take from one heap; to be called before there are threads.

    glibc gives each thread a heap of its own, which keeps what was freed in it for that thread. Other C libraries have
    no such call, and nothing happens.
    """
    set_option = getattr(ctypes.CDLL(None), "mallopt", None)
    if set_option is not None:
        set_option(_ARENA_MAX, 1)


async def give_back_for_ever(every_s: float) -> None:
    """Return freed memory to the system now and then."""
    while True:
        await asyncio.sleep(every_s)
        await asyncio.to_thread(give_back_free_memory)


def give_back_free_memory() -> None:
    """Return the pages of freed heap; takes milliseconds.

    glibc keeps them for the next allocation, so a process stays as large as the largest work it ever did. Other C
    libraries have no such call, and nothing happens.
    """
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
