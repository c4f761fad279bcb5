"""Events between slices: frozen, past-tense Structs with ids only; handlers run in the writer's transaction."""

from collections import defaultdict
from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeVar

from msgspec import Struct

from wellspring.kernel.db import Tx

E = TypeVar("E", bound=Struct)
_HANDLERS: Final[dict[type[Struct], list[Callable[[Tx, Any], Awaitable[None]]]]] = defaultdict(list)


def on(kind: type[E]) -> Callable[[Callable[[Tx, E], Awaitable[None]]], Callable[[Tx, E], Awaitable[None]]]:
    """Register a handler for one kind of event."""

    def add(handler: Callable[[Tx, E], Awaitable[None]]) -> Callable[[Tx, E], Awaitable[None]]:
        _HANDLERS[kind].append(handler)
        return handler

    return add


async def publish(tx: Tx, event: Struct) -> None:
    """Run every handler; if one fails, the writer's transaction fails."""
    for handler in _HANDLERS[type(event)]:
        await handler(tx, event)
