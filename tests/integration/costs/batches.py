"""A kind of batch: `size` messages of one kind, and what each of them has to say.

What a batch needs to find is made by the consumer itself, by batches before it. The kinds are in `of_*.py`.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from shared.contracts.envelope import Message
from shared.contracts.registry import ClinicChanged
from tests.integration.availability.availability import settings_changed
from tests.integration.costs.consumer import Consumer

REPLY = {"CommandAnswered": 1}


@dataclass(frozen=True)
class Batch:
    """A kind of batch. What it says is checked, so that none is counted that did nothing."""

    name: str
    kind: type[Message]
    make: Callable[[Consumer, int], Awaitable[list[Message]]]
    says: Mapping[str, int] = field(default_factory=dict)


async def clinic_settings(consumer: Consumer, size: int) -> list[Message]:
    return [settings_changed(consumer.clinic, version) for version in range(1, size + 1)]


CLINIC_SETTINGS = Batch("clinic settings", ClinicChanged, clinic_settings)
"""All owners keep them."""
