"""A batch of any size takes the same statements, and as many as are pinned: of each kind, and of all kinds at once.

The server counts, and the batch goes through the consumer, from the decoding of records to the outbox.
"""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from services.availability import handlers as availability
from services.booking import handlers as booking
from services.queue import handlers as queue
from shared.contracts.envelope import Message
from shared.contracts.topics import consumed_by
from tests.integration.costs import of_availability, of_booking, of_queue
from tests.integration.costs.batches import Batch
from tests.integration.costs.consumer import Consumer, Cost
from tests.integration.costs.pinned import STATEMENTS

SIZES = (1, 10, 100, 500)
EVERYTHING = "everything"
BATCHES: dict[str, tuple[Batch, ...]] = {
    "availability": of_availability.BATCHES,
    "booking": of_booking.BATCHES,
    "queue": of_queue.BATCHES,
}
IGNORED = {"availability": availability.IGNORED, "booking": booking.IGNORED, "queue": queue.IGNORED}

Consumers = Callable[[str], Awaitable[Consumer]]


KINDS = [pytest.param(service, batch, id=f"{service}-{batch.name}") for service, all_ in BATCHES.items() for batch in all_]


@pytest.mark.parametrize(("service", "batch"), KINDS)
async def test_a_batch_of_one_kind_costs_the_same_at_every_size(consumers: Consumers, service: str, batch: Batch) -> None:
    consumer = await consumers(service)
    await consumer.read(await batch.make(consumer, 1))  # a connection asks for types that it meets for the first time
    costs = {size: await consumer.cost(await batch.make(consumer, size)) for size in SIZES}
    assert {size: cost.said for size, cost in costs.items()} == {
        size: {name: number * size for name, number in batch.says.items()} for size in SIZES
    }
    assert totals(costs) == pinned(service, batch.name), statements(costs)


@pytest.mark.parametrize("service", BATCHES)
async def test_a_mixed_batch_costs_the_same_at_every_size(consumers: Consumers, service: str) -> None:
    consumer = await consumers(service)

    async def everything(size: int) -> list[Message]:
        each = max(1, size // len(BATCHES[service]))
        return [message for batch in BATCHES[service] for message in await batch.make(consumer, each)]

    await consumer.read(await everything(1))
    costs = {size: await consumer.cost(await everything(size)) for size in SIZES}
    assert totals(costs) == pinned(service, EVERYTHING), statements(costs)


def totals(costs: dict[int, Cost]) -> dict[int, int]:
    """How many statements a batch of each size took."""
    return {size: cost.statements.total() for size, cost in costs.items()}


def pinned(service: str, name: str) -> dict[int, int | None]:
    """How many it may take: the same at every size."""
    return dict.fromkeys(SIZES, STATEMENTS[service].get(name))


def statements(costs: dict[int, Cost]) -> str:
    """The statements of the smallest and the largest batch, for who has to see which is too many."""
    return f"{costs[SIZES[0]]}\n\n{costs[SIZES[-1]]}"


@pytest.mark.parametrize("service", BATCHES)
def test_no_type_of_message_is_without_a_batch(service: str) -> None:
    read: set[Any] = {message for topic in consumed_by(service) for message in topic.messages}
    assert {batch.kind for batch in BATCHES[service]} | IGNORED[service] == read
    assert STATEMENTS[service].keys() == {batch.name for batch in BATCHES[service]} | {EVERYTHING}
