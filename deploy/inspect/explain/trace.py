"""What is left of one command in the databases and in Kafka's log, gathered by `databases` and `log_search` beside this module.

The same holds what happened without a client's command: a hold expired, a doctor or patient was deleted, patients were merged.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import asyncpg

from deploy.inspect import kafka_log
from deploy.inspect.kafka_log import KafkaRecord


@dataclass(frozen=True)
class ServiceRow:
    """A row of a service's table."""

    service: str
    values: asyncpg.Record | dict[str, Any]

    def __getitem__(self, column: str) -> Any:
        return self.values[column]


@dataclass
class CommandTrace:
    """Everything that is left of one command, or of what happened without one: then `command_id` is None.

    It is true if anything at all is left of the command itself.
    """

    command_id: UUID | None
    outcome: ServiceRow | None = None
    audit: list[ServiceRow] = field(default_factory=list)
    inbox: list[ServiceRow] = field(default_factory=list)
    outbox: list[ServiceRow] = field(default_factory=list)
    records: list[KafkaRecord] = field(default_factory=list)
    commands_complete: bool = True
    """Whether a command that is not among the records is not in the log."""

    def __bool__(self) -> bool:
        return bool(self.outcome or self.audit or self.records)

    @property
    def began(self) -> datetime | None:
        """The first time that the databases know of."""
        times = [row["at"] for row in self.audit] + ([self.outcome["accepted_at"]] if self.outcome else [])
        return min(times, default=None)

    @property
    def commands(self) -> list[KafkaRecord]:
        """The records of the client's command itself, in the order in which the gateway sent them."""
        return [record for record in self.records if record.topic.endswith(".commands")]

    def is_repeat(self, message: dict[str, Any]) -> bool:
        """Whether a command's message has the body of the first one."""
        return bool(message.get("body_hash") == kafka_log.fields(self.commands[0]).get("body_hash"))


def written_at(record: KafkaRecord) -> datetime:
    """The time of a record."""
    return datetime.fromtimestamp(record.timestamp / 1000, UTC)


def iso(at: datetime) -> str:
    """An instant as the API writes it."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def uuid_of(value: object) -> UUID | None:
    """A value as an id; None if it is none. What stands in the log may be anybody's."""
    try:
        return UUID(str(value))
    except ValueError:
        return None
