"""Reading within a request: light models at once, the encoder on one thread of its own, never beyond a limit.

Rules and the light model read a short text in the caller's thread, a long one on another. The encoder reads on a thread
of its own (onnxruntime lets other threads run meanwhile); at most a few texts wait for it. Whoever would wait too long
gets the light reading, and a job finishes it. What is measured here tells how often that happens, never what was read.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from threading import BoundedSemaphore
from typing import Final, Literal, Protocol

from msgspec import Struct
from prometheus_client import Counter

from wellspring.kernel import logs, memory
from wellspring.kernel.metrics import REGISTRY
from wellspring.language.reader import read
from wellspring.language.schemas import Reading

log = logs.get("language")

READERS: Final = "readers"
"""The port under which a process keeps its `Readers`."""
LIMIT_S: Final = 0.1
"""How long a request waits for the encoder."""
WAITING: Final = 8
"""Texts that may wait for the encoder's thread: at 8 ms each, the last of them is read before the limit."""
_BESIDE: Final = 1_500
"""Characters from which on rules and the light model read on a thread: at up to 20 µs each where every sentence speaks
of danger, a long text would keep all other requests of the process waiting."""
_LONG: Final = 800
"""Characters from which on a text takes so much memory to read that it is given back afterwards: about 12 MB, and 50 MB
at 2,000, since a long text is read at once. Giving it back takes 2 ms."""

Outcome = Literal["full", "light", "late", "crowded", "failed"]
READINGS: Final = Counter(
    "text_readings_total", "Texts read, by how far the reading got in its time", ["outcome"], registry=REGISTRY
)


class Models(Protocol):
    """The models of one process: `wellspring.language.model.Models`, or a stand-in of the tests."""

    @property
    def has_encoder(self) -> bool:
        """Whether a full reading is more than a light one."""
        ...

    def open(self) -> object:
        """Open the encoder, which is otherwise opened when it is first needed."""
        ...

    def lightly(self, text: str, hint: str | None = None) -> Reading:
        """Read by rules and the light model."""
        ...

    def fully(self, text: str, hint: str | None = None, lightly: Reading | None = None) -> Reading:
        """Read by all; `lightly` is what `lightly` gave for the same text."""
        ...


class Read(Struct, frozen=True):
    """A text read. `finished` is false when more would have been read with more time: a job then does it."""

    reading: Reading
    finished: bool


class _NotLoaded(Exception):
    """The encoder of this process does not load."""


class Readers:
    """Reads texts for one process. Without model files it reads by rules alone."""

    def __init__(self, models: Callable[[], Models | None], *, waiting: int = WAITING) -> None:
        """Take what loads the models (called once, when the first text comes or at `start`)."""
        self._load = models
        self._models: Models | None = None
        self._loaded = False
        self._broken = False
        self._is_open = False
        self._slots = BoundedSemaphore(waiting + 1)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="encoder")

    def start(self) -> None:
        """Load the models now: the light ones here, the encoder on its thread."""
        models = self._known()
        if models is not None and models.has_encoder:
            self._thread.submit(self._start, models)

    def close(self) -> None:
        """Stop after the text that is being read; those that wait get their light reading."""
        self._thread.shutdown(cancel_futures=True)

    def lightly(self, text: str, *, hint: str | None = None) -> Reading:
        """Return what can be said at once. `hint` is the person's language tag."""
        models = self._known()
        return read(text, hint=hint) if models is None else models.lightly(text, hint)

    async def read(self, text: str, *, hint: str | None = None, limit_s: float | None = LIMIT_S) -> Read:
        """Return the full reading, or the light one when that does not come within `limit_s` seconds.

        Without a limit (jobs) the text waits as long as it takes. A model that fails leaves the light reading; only
        what rules and light models raise is raised.
        """
        models = self._known()
        if len(text) < _BESIDE:
            light = self.lightly(text, hint=hint)
        else:
            light = await asyncio.to_thread(self.lightly, text, hint=hint)
        if self._broken:  # a job is read elsewhere, perhaps with models that load; there it ends
            return _done("light", light, finished=limit_s is None)
        if models is None or not models.has_encoder:
            return _done("light", light, finished=True)
        future = self._submit(models, text, hint, light, bounded=limit_s is not None)
        if future is None:
            return _done("crowded", light, finished=False)
        try:
            async with asyncio.timeout(limit_s):
                return _done("full", await asyncio.wrap_future(future), finished=True)
        except TimeoutError:
            return _done("late", light, finished=False)
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise
            return _done("crowded", light, finished=False)  # this pool was closed while the text waited
        except _NotLoaded:  # as above, for those who asked before this was known
            return _done("light", light, finished=limit_s is None)
        except Exception as error:  # noqa: BLE001  whatever breaks in a model, the light reading stands
            log.error("encoder_failed", error=error)
            return _done("failed", light, finished=False)

    def _known(self) -> Models | None:
        """Return the models; where they do not load, this process reads by rules until it starts again."""
        if not self._loaded:
            self._loaded = True
            try:
                self._models = self._load()
            except Exception as error:  # noqa: BLE001  whatever is wrong with a file, the rules read on
                self._broken = True
                log.error("models_not_loaded", error=error)
        return self._models

    def _submit(
        self, models: Models, text: str, hint: str | None, light: Reading, *, bounded: bool
    ) -> "Future[Reading] | None":
        """Hand a text to the thread; None when too many wait already, or when this pool is closed."""
        if bounded and not self._slots.acquire(blocking=False):
            return None
        try:
            future = self._thread.submit(self._read, models, text, hint, light)
        except RuntimeError:  # closed
            if bounded:
                self._slots.release()
            return None
        if bounded:
            future.add_done_callback(lambda _: self._slots.release())
        return future

    def _start(self, models: Models) -> None:
        if self._open(models):
            memory.give_back()

    def _open(self, models: Models) -> bool:
        """Open the encoder; where it does not load, say so once: this process reads lightly until it starts again."""
        if self._is_open:
            return True
        if not self._broken:
            try:
                models.open()
            except Exception as error:  # noqa: BLE001  whatever is wrong with it, the light reading stands
                self._broken = True
                log.error("encoder_not_loaded", error=error)
            else:
                self._is_open = True
        return self._is_open

    def _read(self, models: Models, text: str, hint: str | None, light: Reading) -> Reading:
        if not self._open(models):
            raise _NotLoaded
        found = models.fully(text, hint, light)
        if len(text) >= _LONG:
            memory.give_back()
        return found


def _done(outcome: Outcome, reading: Reading, *, finished: bool) -> Read:
    READINGS.labels(outcome).inc()
    return Read(reading, finished)
