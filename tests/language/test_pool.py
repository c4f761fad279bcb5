"""Reading within a request: full when there is time, light when there is not, rules alone without model files."""

import asyncio
import time

import pytest
import structlog

from tests.support.models import CORRIDOR, TUNNEL, StandIn
from wellspring.kernel import memory
from wellspring.language import read
from wellspring.language.pool import READINGS, Readers

pytestmark = pytest.mark.anyio
TEXT = f"All I see is {TUNNEL}. I feel stuck."


def counted(outcome: str) -> float:
    found = READINGS.labels(outcome)._value.get()
    assert isinstance(found, float)
    return found


async def test_with_time_the_whole_reading_comes() -> None:
    readers = Readers(StandIn)
    before = counted("full")
    found = await readers.read(TEXT, hint="en")
    readers.close()
    assert found.finished
    assert (found.reading.level, found.reading.rules_level) == ("high", "low")
    assert found.reading.versions["encoder"] == "e1"
    assert [TEXT[s.start : s.end] for s in found.reading.evidence] == [f"All I see is {TUNNEL}"]
    assert counted("full") == before + 1


async def test_a_long_text_gives_its_memory_back_and_a_short_one_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[int] = []
    monkeypatch.setattr(memory, "give_back", lambda: given.append(1))
    readers = Readers(StandIn)
    await readers.read(TEXT)
    assert not given
    await readers.read(f"{TEXT} " * 60)
    readers.close()
    assert given == [1]


async def test_without_model_files_the_rules_read_as_they_always_did() -> None:
    readers = Readers(lambda: None)
    readers.start()
    for text in ("I am going to kill myself tonight, goodbye", "this deadline is killing me", "Je veux mourir", ""):
        found = await readers.read(text, hint="fr")
        assert found.finished
        assert found.reading == read(text, hint="fr")
    readers.close()


async def test_without_an_encoder_the_light_reading_is_all_there_is() -> None:
    readers = Readers(lambda: StandIn(has_encoder=False))
    found = await readers.read(f"I walk along {CORRIDOR}.")
    assert found.finished
    assert (found.reading.level, "encoder" in found.reading.versions) == ("moderate", False)
    readers.close()


async def test_past_the_limit_the_light_reading_stands_and_is_not_finished() -> None:
    models = StandIn()
    models.go.clear()
    readers = Readers(lambda: models)
    before, began = counted("late"), time.perf_counter()
    found = await readers.read(TEXT, limit_s=0.05)
    assert 0.04 < time.perf_counter() - began < 1
    assert not found.finished
    assert (found.reading.level, found.reading.versions.get("encoder")) == ("low", None)
    assert counted("late") == before + 1
    models.go.set()
    readers.close()


async def test_a_text_that_nobody_waits_for_any_more_is_not_read() -> None:
    models = StandIn()
    models.go.clear()
    readers = Readers(lambda: models)
    first = asyncio.create_task(readers.read("one", limit_s=None))
    await asyncio.sleep(0.02)
    assert not (await readers.read("two", limit_s=0.02)).finished
    models.go.set()
    assert (await first).finished
    assert (await readers.read("three")).finished
    assert models.read_by_encoder == ["one", "three"]
    readers.close()


async def test_when_too_many_wait_the_next_does_not_wait_at_all() -> None:
    models = StandIn()
    models.go.clear()
    readers = Readers(lambda: models, waiting=2)
    before = counted("crowded")
    waiting = [asyncio.create_task(readers.read(f"text {n}", limit_s=5)) for n in range(3)]
    await asyncio.sleep(0.02)
    began = time.perf_counter()
    found = await readers.read("one too many", limit_s=5)
    assert time.perf_counter() - began < 0.5
    assert not found.finished
    assert counted("crowded") == before + 1
    models.go.set()
    assert all(one.finished for one in await asyncio.gather(*waiting))
    assert (await readers.read("there is room again")).finished
    readers.close()


async def test_jobs_wait_however_many_they_are() -> None:
    readers = Readers(StandIn, waiting=1)
    found = await asyncio.gather(*(readers.read(f"text {n}", limit_s=None) for n in range(40)))
    assert all(one.finished for one in found)
    readers.close()


async def test_one_thread_reads_and_the_loop_goes_on() -> None:
    models = StandIn()
    models.go.clear()
    readers = Readers(lambda: models)
    reading = asyncio.create_task(readers.read(TEXT, limit_s=5))
    for _ in range(10):
        await asyncio.sleep(0.001)
    assert not reading.done()
    models.go.set()
    assert (await reading).finished
    readers.close()


async def test_an_encoder_that_breaks_leaves_the_light_reading_and_no_words_in_the_log() -> None:
    models = StandIn()
    models.broken = True
    readers = Readers(lambda: models)
    with structlog.testing.capture_logs() as lines:
        found = await readers.read(f"{TEXT} quokkaberry")
    assert not found.finished
    assert found.reading.rules_level == "low"
    assert [line["event"] for line in lines] == ["encoder_failed"]
    assert "quokkaberry" not in repr(lines)
    readers.close()


async def test_an_encoder_that_does_not_load_is_told_once_and_never_asked() -> None:
    models = StandIn()
    models.unloadable = True
    readers = Readers(lambda: models)
    with structlog.testing.capture_logs() as lines:
        readers.start()
        await asyncio.sleep(0.05)
        found = await readers.read(TEXT)
    assert not found.finished, "the encoder of another process may load"
    assert (await readers.read(TEXT, limit_s=None)).finished, "a job does not come back for it for ever"
    assert [line["event"] for line in lines] == ["encoder_not_loaded"]
    readers.close()


async def test_an_encoder_that_does_not_load_ends_the_jobs_of_a_worker_that_never_started_it() -> None:
    models = StandIn()
    models.unloadable = True
    readers = Readers(lambda: models)
    before = counted("light")
    with structlog.testing.capture_logs() as lines:
        found = await asyncio.gather(*(readers.read(f"{TEXT} {n}", limit_s=None) for n in range(3)))
        in_a_request = await readers.read(TEXT)
    readers.close()
    assert all(one.finished for one in found)
    assert not in_a_request.finished
    assert [line["event"] for line in lines] == ["encoder_not_loaded"]
    assert counted("light") == before + 4


async def test_models_that_do_not_load_leave_the_rules_and_a_job() -> None:
    def damaged() -> StandIn:
        raise ValueError("light.npz")

    readers = Readers(damaged)
    with structlog.testing.capture_logs() as logs:
        readers.start()
        found, in_a_job = await readers.read("I want to die."), await readers.read("I want to die.", limit_s=None)
    readers.close()
    assert (found.reading, found.finished) == (read("I want to die."), False)
    assert (in_a_job.reading, in_a_job.finished) == (found.reading, True)
    assert [line["event"] for line in logs] == ["models_not_loaded"]


async def test_other_requests_go_on_while_a_long_text_full_of_danger_is_read() -> None:
    readers = Readers(lambda: None)
    text = ("I want to die. " * 1400)[:20_000]
    reading, turns = asyncio.create_task(readers.read(text)), 0
    while not reading.done():
        await asyncio.sleep(0.001)
        turns += 1
    readers.close()
    assert (await reading).reading == read(text)
    assert turns > 3, "the whole text was read on the event loop"


async def test_closing_answers_those_who_wait_and_reads_go_on_lightly() -> None:
    models = StandIn()
    models.go.clear()
    readers = Readers(lambda: models)
    waiting = [asyncio.create_task(readers.read(f"text {n}", limit_s=5)) for n in range(3)]
    await asyncio.to_thread(models.begun.wait, 5)
    closing = asyncio.create_task(asyncio.to_thread(readers.close))
    others = await asyncio.gather(*waiting[1:])
    models.go.set()
    await closing
    assert (await waiting[0]).finished
    assert not any(one.finished for one in others)
    assert not (await readers.read("after the end")).finished


async def test_a_request_that_goes_away_is_not_answered() -> None:
    models = StandIn()
    models.go.clear()
    readers = Readers(lambda: models)
    gone = asyncio.create_task(readers.read(TEXT, limit_s=5))
    await asyncio.sleep(0.02)
    gone.cancel()
    with pytest.raises(asyncio.CancelledError):
        await gone
    models.go.set()
    readers.close()
