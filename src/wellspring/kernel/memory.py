"""Memory given back to the system."""

import ctypes
from collections.abc import Callable
from typing import Any, Final


def trimmer() -> Callable[[int], Any] | None:
    """Return what gives free memory back, or None where the C library has no such thing."""
    try:
        found: Callable[[int], Any] = ctypes.CDLL(None).malloc_trim
    except (AttributeError, OSError, TypeError):  # not glibc
        return None
    return found


_TRIM: Final = trimmer()


def give_back() -> None:
    """Return what is free to the system; glibc keeps it otherwise. Takes some milliseconds without the GIL."""
    if _TRIM is not None:
        _TRIM(0)
