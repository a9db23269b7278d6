"""The path of a command as a timeline. Pure: what is left of it in, steps and a summary out.

Times come from three clocks: the databases' (of a transaction's begin), the log's (milliseconds), and the gateway's. So a step
is never put before what it follows from: an effect stands behind the receipt of its batch, a record behind what it tells of.
What a request did follows from no message, and stands where it is.
"""

from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from deploy.inspect import kafka_log
from deploy.inspect.explain.evidence import Evidence, Row, uuid_of
from deploy.inspect.kafka_log import Raw
from shared.contracts.problems import PROBLEMS, Code
from shared.contracts.topics import (
    APPOINTMENT_EVENTS,
    AVAILABILITY_EVENTS,
    GATEWAY_REPLIES,
    QUEUE_EVENTS,
    dead_letter_topics,
    redrive_topics,
)
from shared.infra.kafka import letters

SPEAKERS = {AVAILABILITY_EVENTS.name: "availability", APPOINTMENT_EVENTS.name: "booking", QUEUE_EVENTS.name: "queue"}
DEAD = {topic.name for topic in dead_letter_topics()}
REDRIVEN = {topic.name for topic in redrive_topics()}
SAME_BATCH = timedelta(seconds=1)
"""A receipt so long behind a transaction's begin is still of that transaction."""
OTHER_PURPOSES = ("hold", "move", "displace")
"""For what a slot may be taken, but to be booked at once."""
QUIET = {"subject_id", "slot_id", "reservation_id", "appointment_id", "doctor_id", "patient_id", "type"}
"""What of an audit row's detail a person does not need on its line; `--json` has all."""

UNDECIDED = {
    "running": "Nobody has decided it yet.",
    "done": "It was a call that needs no outcome.",
    "unknown": "No outcome is stored: it is under way, or a call that needs none. The log, which would tell, was not read whole.",
}


@dataclass(frozen=True, order=True)
class Step:
    """One step. `rank` orders what has the same time: sent, received, done, decided, settled."""

    at: datetime
    rank: int
    service: str = field(compare=False)
    what: str = field(compare=False)
    detail: dict[str, Any] = field(compare=False, default_factory=dict)


class Clock:
    """Moves an effect behind the receipt of the message that caused it, which a transaction dates later than its own begin."""

    def __init__(self, receipts: list[Row]) -> None:
        self._of: dict[str, list[datetime]] = {}
        self._by_message: dict[tuple[str, UUID | None], datetime] = {}
        for row in sorted(receipts, key=lambda row: row["received_at"]):
            self._of.setdefault(row.service, []).append(row["received_at"])
            self._by_message[row.service, row["message_id"]] = row["received_at"]

    def after_receipt(self, service: str, at: datetime, cause: UUID | None) -> datetime:
        """Without a known cause the next receipt is taken for its own, if it is of the same batch."""
        if known := self._by_message.get((service, cause)):
            return max(at, known)
        received = self._of.get(service, [])
        place = bisect_left(received, at)
        return received[place] if place < len(received) and received[place] - at < SAME_BATCH else at


def steps_of(evidence: Evidence) -> list[Step]:
    """The timeline."""
    clock = Clock(evidence.inbox)
    return sorted(
        [*_sent(evidence), *_received(evidence), *_done(evidence, clock), *_decided(evidence, clock), *_said(evidence, clock)]
    )


def _sent(evidence: Evidence) -> Iterator[Step]:
    """The command's way in, each time that it was sent."""
    if evidence.outcome and not commands_in(evidence):
        yield Step(evidence.outcome["accepted_at"], 0, "gateway", f"accepted {evidence.outcome['type']}")
    for number, record in enumerate(commands_in(evidence)):
        message = kafka_log.fields(record)
        accepted = _instant(message.get("accepted_at"), _written(record))
        if not number:
            who = {"principal": message.get("principal"), "request": message.get("correlation_id")}
            yield Step(accepted, 0, "gateway", f"accepted {_kind(message)}", who)
        again = "" if not number else ", the same again" if _same(evidence, message) else ", the same key with another body"
        place = {"record": letters.place_of(record)}
        yield Step(max(_written(record), accepted), 1, "gateway", f"sent {_kind(message)}{again}", place)


def _received(evidence: Evidence) -> Iterator[Step]:
    for row in evidence.inbox:
        yield Step(row["received_at"], 2, row.service, f"received {row['type']}")


def _done(evidence: Evidence, clock: Clock) -> Iterator[Step]:
    for row in evidence.audit:
        detail = row["detail"] or {}
        yield Step(
            clock.after_receipt(row.service, row["at"], row["message_id"]) if row["message_id"] else row["at"],
            3,
            row.service,
            row["action"],
            {"code": row["code"], "subject_id": row["subject_id"], **detail},
        )
    for row in evidence.outbox:
        yield Step(
            row["created_at"], 6, row.service, f"wrote {_kind(row['message'])}, not published yet", {"topic": row["topic"]}
        )


def _decided(evidence: Evidence, clock: Clock) -> Iterator[Step]:
    outcome = evidence.outcome
    if outcome:
        service, cause = outcome.service, _cause(evidence, outcome)
        at_once = outcome["settled_at"] == outcome["decided_at"]
        yield Step(clock.after_receipt(service, outcome["decided_at"], cause), 4, service, f"decided {_ending(outcome)}")
        if outcome["settled_at"]:
            settled = clock.after_receipt(service, outcome["settled_at"], cause if at_once else None)
            yield Step(settled, 5, service, "settled: answered from now on")


def _cause(evidence: Evidence, outcome: Row) -> UUID | None:
    """The message by which a command was decided, as the effect says that was noted with the decision."""
    same = (row for row in evidence.audit if (row.service, row["at"]) == (outcome.service, outcome["decided_at"]))
    return next((row["message_id"] for row in same), None)


def _said(evidence: Evidence, clock: Clock) -> Iterator[Step]:
    """What the services told each other and the gateway."""
    seen: set[UUID | None] = set()
    for record in evidence.records:
        message, place = kafka_log.fields(record), {"record": letters.place_of(record)}
        message_id = uuid_of(message.get("message_id"))
        again = ", the same again" if message_id and message_id in seen else ""
        if record.topic in DEAD:
            error = letters.headers_of(record).get(letters.ERROR)
            yield Step(
                _written(record), 6, record.topic.split(".")[-2], f"put {_kind(message)} away as a dead letter: {error}", place
            )
        elif record.topic in REDRIVEN:
            yield Step(_written(record), 6, "operations", f"redrove {_kind(message)} to {record.topic.split('.')[0]}", place)
        elif record.topic == GATEWAY_REPLIES.name:
            replayed = " from the stored answer" if message.get("replayed") else ""
            yield Step(_written(record), 7, "reply", f"answered {_status(message.get('answer'))}{replayed}", place)
        elif speaker := SPEAKERS.get(record.topic):
            occurred = _instant(message.get("occurred_at"), _written(record))
            cause = uuid_of(message.get("causation_id"))
            effect = clock.after_receipt(speaker, occurred, cause) if cause else occurred
            seen.add(message_id)
            if message.get("purpose") in OTHER_PURPOSES:
                place["to"] = message["purpose"]
            yield Step(max(_written(record), effect), 6, speaker, f"said {_kind(message)}{again}", place)


def commands_in(evidence: Evidence) -> list[Raw]:
    """The records of the client's command itself, in the order in which they were sent."""
    return [record for record in evidence.records if record.topic.endswith(".commands")]


def repeats_of(evidence: Evidence) -> list[dict[str, Any]]:
    """Each time that the command came again: when, and whether it was the same."""
    return [
        {"at": _written(record), "same_body": _same(evidence, kafka_log.fields(record))} for record in commands_in(evidence)[1:]
    ]


def _same(evidence: Evidence, message: dict[str, Any]) -> bool:
    return bool(message.get("body_hash") == kafka_log.fields(commands_in(evidence)[0]).get("body_hash"))


def status_of(evidence: Evidence) -> str:
    """How far the command is."""
    outcome = evidence.outcome
    if outcome is None:
        return "running" if commands_in(evidence) else "done" if evidence.commands_complete else "unknown"
    if outcome["settled_at"] is None:
        return "unsettled"
    return "refused" if outcome["code"] else "succeeded"


def why(evidence: Evidence) -> list[str]:
    """The end of the story in sentences for a person."""
    outcome = evidence.outcome
    lines = []
    if outcome is None:
        lines.append(UNDECIDED[status_of(evidence)])
    elif outcome["code"]:
        kind = PROBLEMS[Code(outcome["code"])]
        lines.append(f"{outcome['status_code']} {outcome['code']}: {kind.title}. {kind.cause} {kind.fix}")
    else:
        lines.append(f"{outcome['status_code']}: {', '.join(f'{name} {value}' for name, value in _result(outcome).items())}")
    if outcome and not outcome["code"] and (outcome["result"] or {}).get("expires_at"):
        lines.append(f"It is held until {outcome['result']['expires_at']}: unless it is confirmed by then, it expires.")
    if outcome and outcome["code"] == Code.LOST:
        late = outcome["decided_at"] - outcome["accepted_at"]
        lines.append(f"It was closed {late.total_seconds():.0f} s after it had been accepted; {_arrival(evidence)}.")
    if outcome and outcome["settled_at"] is None:
        lines.append("It is decided and not settled: a service still owes its last step, so clients are told 202.")
    again = repeats_of(evidence)
    if again:
        times = "once" if len(again) == 1 else f"{len(again)} times"
        lines.append(f"It was sent again {times}: {', '.join(iso(one['at']) for one in again)}.")
    return lines


def _arrival(evidence: Evidence) -> str:
    if commands_in(evidence):
        return "its message is in the log all the same"
    return "its message is nowhere in the log" if evidence.commands_complete else "whether its message is in the log was not seen"


def _result(outcome: Row) -> dict[str, Any]:
    """The result without what is not set; its times are among the steps."""
    return {name: value for name, value in (outcome["result"] or {}).items() if value is not None and not name.endswith("_at")}


def _ending(outcome: Row) -> str:
    return f"{outcome['status_code']}{' ' + outcome['code'] if outcome['code'] else ''}"


def line_of(step: Step, first: datetime) -> str:
    """A step on one line."""
    offset = (step.at - first).total_seconds() * 1000
    told = " ".join(f"{name} {value}" for name, value in step.detail.items() if value is not None and name not in QUIET)
    return f"{offset:>+11.1f} ms  {step.service:<14}{step.what}{'  ' + told if told else ''}"


def iso(at: datetime) -> str:
    """An instant as the API writes it."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _instant(value: object, otherwise: datetime) -> datetime:
    """An instant that a message tells; the time of its record if it tells none."""
    try:
        found = datetime.fromisoformat(str(value))
    except ValueError:
        return otherwise
    return found if found.tzinfo else otherwise


def _kind(message: dict[str, Any]) -> str:
    return str(message.get("type", "unreadable"))


def _status(answer: object) -> str:
    return str(answer.get("status_code", "unreadable")) if isinstance(answer, dict) else "unreadable"


def _written(record: Raw) -> datetime:
    return datetime.fromtimestamp(record.timestamp / 1000, UTC)
