"""Memory that nothing uses, given back to the system."""

from __future__ import annotations

import ctypes


def give_back_free_memory() -> None:
    """Return the pages of freed heap; takes milliseconds.

    glibc keeps them for the next allocation, so a process stays as large as the largest work it ever did. Other C
    libraries have no such call, and nothing happens.
    """
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
