"""Batches of a service in this process, as its consumer hands them over, and what they emit. Kafka is a list.

Subclassed by what tests of availability and of booking call: each adds what its service has in its database.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TypeVar
from uuid import UUID

from shared.contracts.availability import BookingRefused, SlotReserved
from shared.contracts.commands import Answer
from shared.contracts.envelope import Message
from shared.contracts.problems import Code
from shared.contracts.versions import Version
from shared.infra import inbox
from shared.infra.kafka.consumer import Handler
from shared.infra.outbox import Outbox
from shared.infra.postgres import Database
from shared.infra.unit import Unit, Units
from tests.support import rows
from tests.support.kafka import KeptRecords
from tests.support.waiting import eventually

M = TypeVar("M", bound=Message)


@dataclass(frozen=True)
class BatchResult:
    """What a batch emitted and answered."""

    unit: Unit

    def of(self, kind: type[M]) -> list[M]:
        """The messages of one type, in the order in which they were emitted."""
        return [message for _, message in self.unit.emitted if isinstance(message, kind)]

    @property
    def types(self) -> list[str]:
        return [message.type for _, message in self.unit.emitted]

    @property
    def answers(self) -> list[Answer]:
        """What is replied to the gateway."""
        return [reply.answer for reply in self.unit.replies]

    @property
    def codes(self) -> list[Code | None]:
        """The problems of the replies, None of a success."""
        return [answer.code for answer in self.answers]

    @property
    def refusals(self) -> list[Code]:
        """Why availability took no place, of each booking that it refused."""
        return [message.code for message in self.of(BookingRefused)]

    @property
    def numbers(self) -> list[int]:
        """The numbers of the slots that availability reserved."""
        return [message.slot_number for message in self.of(SlotReserved)]


class Batches:
    """The batches of one service, for one clinic of a test's own."""

    def __init__(self, database: Database, clinic: UUID, handle: Handler) -> None:
        self.database = database
        self.clinic = clinic
        self.publisher = KeptRecords()
        self.units = Units(database, Outbox(self.publisher), self.publisher)
        self._handle = handle

    async def make_known(self, clinic: UUID | None = None) -> UUID:
        """The service has heard of a clinic, which is its own if none is given. Answers which one."""
        clinic = clinic or self.clinic
        async with self.database.batch({clinic}) as (connection, _):
            await rows.make_known(connection, clinic)
        return clinic

    def beside(self, version: Version) -> None:
        """From now on processes of this version run beside this one."""
        self.units = Units(self.database, Outbox(self.publisher), self.publisher, oldest_version=version)

    @asynccontextmanager
    async def batch(self, *messages: Message) -> AsyncIterator[BatchResult]:
        """One batch through the inbox, decided and not committed before the block ends."""
        async with self.units.batch({message.clinic_id for message in messages}) as unit:
            await self._handle(unit, await inbox.admit(unit.connection, messages))
            yield BatchResult(unit)

    async def deliver(self, *messages: Message) -> BatchResult:
        """One committed batch."""
        async with self.batch(*messages) as result:
            return result


async def until_it_waits(database: Database, transactions: int = 1) -> None:
    """Returns when so many transactions of the service wait for a lock that another holds."""
    waiting = "SELECT count(*) >= $1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    await eventually(lambda: database.hot.fetchval(waiting, transactions))
