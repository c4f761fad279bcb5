"""A small HTTP/1.1 load client: keep-alive sockets, requests made beforehand, bounded in count and time."""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field


@dataclass
class Tally:
    """What a run saw: seconds for each request, answers by status, seconds in all."""

    seconds: list[float] = field(default_factory=list)
    statuses: dict[int, int] = field(default_factory=dict)
    elapsed: float = 0.0

    @property
    def rate(self) -> float:
        """Return requests per second."""
        return len(self.seconds) / self.elapsed

    def percentile(self, share: float) -> float:
        """Return a percentile in milliseconds."""
        ordered = sorted(self.seconds)
        return 1000 * ordered[min(len(ordered) - 1, int(len(ordered) * share))]


async def answer(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    """Read one answer with a Content-Length."""
    head = await reader.readuntil(b"\r\n\r\n")
    status = int(head[9:12])
    lower = head.lower()
    place = lower.find(b"content-length:")
    length = int(lower[place + 15 : lower.find(b"\r", place)]) if place >= 0 else 0
    return status, await reader.readexactly(length) if length else b""


def request(method: str, path: str, token: str = "", body: bytes = b"", extra: str = "") -> bytes:
    """Return the bytes of a request."""
    auth = f"authorization: Bearer {token}\r\n" if token else ""
    head = f"{method} {path} HTTP/1.1\r\nhost: localhost\r\n{auth}{extra}"
    return f"{head}content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n".encode() + body


async def flat_out(port: int, clients: int, seconds: float, make: Callable[[int, int], bytes]) -> Tally:
    """Send as fast as `clients` connections can, for a time; `make(client, number)` gives each request."""
    tally = Tally()
    until = time.perf_counter() + seconds

    async def one(client: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        number = 0
        while time.perf_counter() < until:
            started = time.perf_counter()
            writer.write(make(client, number))
            status, _ = await answer(reader)
            tally.seconds.append(time.perf_counter() - started)
            tally.statuses[status] = tally.statuses.get(status, 0) + 1
            number += 1
        writer.close()

    began = time.perf_counter()
    await asyncio.gather(*(one(c) for c in range(clients)))
    tally.elapsed = time.perf_counter() - began
    return tally


async def at_rate(port: int, rate: float, seconds: float, make: Callable[[int, int], bytes]) -> Tally:
    """Send at a fixed rate whatever the answers do; waiting for a free connection counts as waiting."""
    tally = Tally()
    free: asyncio.Queue[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = asyncio.Queue()
    for _ in range(32):
        free.put_nowait(await asyncio.open_connection("127.0.0.1", port))

    async def one(number: int, due: float) -> None:
        reader, writer = await free.get()
        writer.write(make(number % 16, number))
        status, _ = await answer(reader)
        tally.seconds.append(time.perf_counter() - due)
        tally.statuses[status] = tally.statuses.get(status, 0) + 1
        free.put_nowait((reader, writer))

    began, tasks = time.perf_counter(), list[asyncio.Task[None]]()
    for number in range(int(rate * seconds)):
        due = began + number / rate
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        tasks.append(asyncio.create_task(one(number, due)))
    await asyncio.gather(*tasks)
    tally.elapsed = time.perf_counter() - began
    return tally


async def each(port: int, requests: Sequence[bytes]) -> list[tuple[int, bytes]]:
    """Send requests one after the other on a few connections and return the answers in order."""
    answers: list[tuple[int, bytes]] = [(0, b"")] * len(requests)
    numbers = iter(range(len(requests)))

    async def one() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for number in numbers:
            writer.write(requests[number])
            answers[number] = await answer(reader)
        writer.close()

    await asyncio.gather(*(one() for _ in range(4)))
    return answers
