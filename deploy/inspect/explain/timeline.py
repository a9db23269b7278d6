"""The path of a command through the services as a timeline. Pure: a trace in, steps out.

Times come from three clocks: the databases' (of a transaction's begin), the log's (milliseconds), and the gateway's. So a step
is never put before what it follows from: an effect stands behind the receipt of its batch, a record behind the effect that it
announces. What an HTTP request did follows from no message, and keeps its own time.
"""

from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import IntEnum
from typing import Any
from uuid import UUID

from deploy import installation
from deploy.inspect import kafka_log
from deploy.inspect.explain.trace import CommandTrace, ServiceRow, uuid_of, written_at
from deploy.inspect.kafka_log import KafkaRecord
from shared.contracts.topics import GATEWAY_REPLIES, dead_letter_topics, redrive_topics
from shared.infra.kafka import letters

DEAD_LETTERS = {topic.name for topic in dead_letter_topics()}
REDRIVEN = {topic.name for topic in redrive_topics()}
SAME_BATCH = timedelta(seconds=1)
"""A receipt so long behind a transaction's begin is still of that transaction."""
OTHER_PURPOSES = ("hold", "move", "displace")
"""For what a slot may be taken, but to be booked at once."""
NOT_ON_LINES = {
    "subject_id", "slot_id", "reservation_id", "appointment_id", "doctor_id", "patient_id", "type", "from_place", "to_place",
}  # fmt: skip
"""What of an audit row's detail a person does not need on its line; `--json` has all."""


class Rank(IntEnum):
    """The order of steps that have the same time."""

    ACCEPTED = 0
    SENT = 1
    RECEIVED = 2
    EFFECT = 3
    DECIDED = 4
    SETTLED = 5
    PUBLISHED = 6
    ANSWERED = 7


@dataclass(frozen=True, order=True)
class TimelineStep:
    """One step: when it was, which service did what, and ids, numbers and dates that belong to it."""

    at: datetime
    rank: Rank
    service: str = field(compare=False)
    what: str = field(compare=False)
    detail: dict[str, Any] = field(compare=False, default_factory=dict)


class ReceiptTimes:
    """When the services admitted messages. An effect is dated by its transaction's begin, which is before the receipts in it."""

    def __init__(self, receipts: list[ServiceRow]) -> None:
        self._of: dict[str, list[datetime]] = {}
        self._by_message: dict[tuple[str, UUID | None], datetime] = {}
        for row in sorted(receipts, key=lambda row: row["received_at"]):
            self._of.setdefault(row.service, []).append(row["received_at"])
            self._by_message[row.service, row["message_id"]] = row["received_at"]

    def after_receipt(self, service: str, at: datetime, cause: UUID | None) -> datetime:
        """The time of an effect, not before the receipt of the message that caused it.

        Without a known cause the next receipt is taken for it, if it is of the same batch.
        """
        if known := self._by_message.get((service, cause)):
            return max(at, known)
        received = self._of.get(service, [])
        following = bisect_left(received, at)
        return received[following] if following < len(received) and received[following] - at < SAME_BATCH else at


def steps_of(trace: CommandTrace) -> list[TimelineStep]:
    """The timeline."""
    receipts = ReceiptTimes(trace.inbox)
    return sorted(
        [
            *_sent(trace),
            *_received(trace),
            *_effects(trace, receipts),
            *_waiting(trace),
            *_decided(trace, receipts),
            *_published(trace, receipts),
        ]
    )


def _sent(trace: CommandTrace) -> Iterator[TimelineStep]:
    """The command's way in, each time that the gateway sent it."""
    if trace.outcome and not trace.commands:
        yield TimelineStep(trace.outcome["accepted_at"], Rank.ACCEPTED, "gateway", f"accepted {trace.outcome['type']}")
    for number, record in enumerate(trace.commands):
        message = kafka_log.fields(record)
        accepted = _instant(message.get("accepted_at"), written_at(record))
        if not number:
            client = {"principal": message.get("principal"), "request": message.get("correlation_id")}
            yield TimelineStep(accepted, Rank.ACCEPTED, "gateway", f"accepted {_type(message)}", client)
        again = "" if not number else ", the same again" if trace.is_repeat(message) else ", the same key with another body"
        what = f"sent {_type(message)}{again}"
        yield TimelineStep(max(written_at(record), accepted), Rank.SENT, "gateway", what, _place(record))


def _received(trace: CommandTrace) -> Iterator[TimelineStep]:
    for row in trace.inbox:
        yield TimelineStep(row["received_at"], Rank.RECEIVED, row.service, f"received {row['type']}")


def _effects(trace: CommandTrace, receipts: ReceiptTimes) -> Iterator[TimelineStep]:
    for row in trace.audit:
        at = receipts.after_receipt(row.service, row["at"], row["message_id"]) if row["message_id"] else row["at"]
        detail = {"code": row["code"], "subject_id": row["subject_id"], **(row["detail"] or {})}
        yield TimelineStep(at, Rank.EFFECT, row.service, row["action"], detail)


def _waiting(trace: CommandTrace) -> Iterator[TimelineStep]:
    for row in trace.outbox:
        what = f"wrote {_type(row['message'])}, not published yet"
        yield TimelineStep(row["created_at"], Rank.PUBLISHED, row.service, what, {"topic": row["topic"]})


def _decided(trace: CommandTrace, receipts: ReceiptTimes) -> Iterator[TimelineStep]:
    outcome = trace.outcome
    if outcome is None:
        return
    service, cause = outcome.service, _cause(trace, outcome)
    decided = receipts.after_receipt(service, outcome["decided_at"], cause)
    code = f" {outcome['code']}" if outcome["code"] else ""
    yield TimelineStep(decided, Rank.DECIDED, service, f"decided {outcome['status_code']}{code}")
    if outcome["settled_at"]:
        at_once = outcome["settled_at"] == outcome["decided_at"]
        settled = receipts.after_receipt(service, outcome["settled_at"], cause if at_once else None)
        yield TimelineStep(settled, Rank.SETTLED, service, "settled: answered from now on")


def _cause(trace: CommandTrace, outcome: ServiceRow) -> UUID | None:
    """The message by which a command was decided: that of the effect which was audited in the same transaction."""
    same = (row for row in trace.audit if (row.service, row["at"]) == (outcome.service, outcome["decided_at"]))
    return next((row["message_id"] for row in same), None)


def _published(trace: CommandTrace, receipts: ReceiptTimes) -> Iterator[TimelineStep]:
    """What the services published for each other and for the gateway, and what became a dead letter."""
    seen: set[UUID | None] = set()
    for record in trace.records:
        message = kafka_log.fields(record)
        if record.topic in DEAD_LETTERS:
            yield _dead_letter(record, message)
        elif record.topic in REDRIVEN:
            what = f"redrove {_type(message)} to {record.topic.split('.')[0]}"
            yield TimelineStep(written_at(record), Rank.PUBLISHED, "operations", what, _place(record))
        elif record.topic == GATEWAY_REPLIES.name:
            replayed = " from the stored answer" if message.get("replayed") else ""
            what = f"answered {_status_code(message.get('answer'))}{replayed}"
            yield TimelineStep(written_at(record), Rank.ANSWERED, "reply", what, _place(record))
        elif publisher := installation.publisher_of(record.topic):
            message_id = uuid_of(message.get("message_id"))
            again = ", the same again" if message_id and message_id in seen else ""
            seen.add(message_id)
            yield _event(record, message, publisher, again, receipts)


def _dead_letter(record: KafkaRecord, message: dict[str, Any]) -> TimelineStep:
    group, error = record.topic.split(".")[-2], letters.headers_of(record).get(letters.ERROR)
    what = f"put {_type(message)} away as a dead letter: {error}"
    return TimelineStep(written_at(record), Rank.PUBLISHED, group, what, _place(record))


def _event(record: KafkaRecord, message: dict[str, Any], publisher: str, again: str, receipts: ReceiptTimes) -> TimelineStep:
    occurred = _instant(message.get("occurred_at"), written_at(record))
    cause = uuid_of(message.get("causation_id"))
    effect = receipts.after_receipt(publisher, occurred, cause) if cause else occurred
    purpose = {"to": message["purpose"]} if message.get("purpose") in OTHER_PURPOSES else {}
    what = f"said {_type(message)}{again}"
    return TimelineStep(max(written_at(record), effect), Rank.PUBLISHED, publisher, what, {**_place(record), **purpose})


def line_of(step: TimelineStep, first: datetime) -> str:
    """A step on one line, with its time since the first one."""
    offset = (step.at - first).total_seconds() * 1000
    shown = " ".join(f"{name} {value}" for name, value in step.detail.items() if value is not None and name not in NOT_ON_LINES)
    return f"{offset:>+11.1f} ms  {step.service:<14}{step.what}{'  ' + shown if shown else ''}"


def _instant(value: object, otherwise: datetime) -> datetime:
    """An instant that a message states; `otherwise`, the time of its record, if it states none."""
    try:
        found = datetime.fromisoformat(str(value))
    except ValueError:
        return otherwise
    return found if found.tzinfo else otherwise


def _type(message: dict[str, Any]) -> str:
    return str(message.get("type", "unreadable"))


def _status_code(answer: object) -> str:
    return str(answer.get("status_code", "unreadable")) if isinstance(answer, dict) else "unreadable"


def _place(record: KafkaRecord) -> dict[str, Any]:
    return {"record": letters.place_of(record)}
