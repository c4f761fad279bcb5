"""Memory that is free goes back to the system when it is asked for."""

from pathlib import Path

import pytest

from wellspring.kernel import memory


def resident() -> int:
    """Bytes of this process that are in memory."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


@pytest.mark.skipif(memory.trimmer() is None, reason="this C library keeps nothing back that could be given")
def test_what_is_free_in_the_middle_is_given_back() -> None:
    """A block at the end of the heap keeps what is free before it, until that is asked for."""
    blocks = [b"x" * 100_000 for _ in range(600)]
    last = b"y" * 100_000
    del blocks
    before = resident()
    memory.give_back()
    assert before - resident() > 20_000_000
    assert len(last) == 100_000
