"""The path of a command, made of what is left of it: nothing stands before what it follows from."""

import datetime as dt
import json
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from aiokafka import ConsumerRecord

from deploy import installation
from deploy.commands.explain import _only_in_log, explain
from deploy.failure import Misused
from deploy.inspect.explain import appointments, candidates, summary, timeline
from deploy.inspect.explain.candidates import CandidateCommands
from deploy.inspect.explain.databases import MAX_WITHOUT_COMMAND, Snapshots, add_receipts, without_command
from deploy.inspect.explain.log_search import LogSearch, carries
from deploy.inspect.explain.trace import CommandTrace, ServiceRow
from deploy.stores.topics import declared_topics
from services.gateway.access.open_access import OPEN
from services.gateway.commands.kinds import KINDS
from shared.infra.audit import Action

T0 = dt.datetime(2026, 3, 2, 9, 0, 0, 500, tzinfo=dt.UTC)
COMMAND = UUID("3b0cbe5c-6b35-5b6e-9d5c-0a4f1d2c7e11")


def after(milliseconds: float) -> dt.datetime:
    return T0 + dt.timedelta(milliseconds=milliseconds)


def record(topic: str, at: dt.datetime, offset: int = 0, **message: Any) -> "ConsumerRecord[Any, Any]":
    """A record as the log keeps it: its time cut to milliseconds."""
    ids = {"command_id": str(COMMAND), "message_id": str(uuid4()), "causation_id": str(uuid4())}
    body = {**ids, "occurred_at": at.isoformat(), **message}
    return ConsumerRecord(topic, 0, offset, int(at.timestamp() * 1000), 0, b"k", json.dumps(body).encode(), None, 0, 0, [])


def sent(at: dt.datetime, offset: int = 0, body_hash: str = "aa") -> "ConsumerRecord[Any, Any]":
    return record("booking.commands", at, offset, type="BookAppointment", accepted_at=T0.isoformat(), body_hash=body_hash)


def outcome(code: str | None = None, settled: bool = True) -> ServiceRow:
    return ServiceRow("booking", {
        "type": "BookAppointment", "status_code": 409 if code else 201, "code": code, "result": None if code else {"slot": 1},
        "accepted_at": T0, "decided_at": after(8), "settled_at": after(8) if settled else None,
    })  # fmt: skip


def audited(service: str, at: dt.datetime, action: str) -> ServiceRow:
    own = {"subject_id": uuid4(), "message_id": uuid4(), "code": None, "detail": {"number": 1}}
    return ServiceRow(service, {"at": at, "action": action, **own})


def received(service: str, at: dt.datetime, kind: str, message_id: UUID | None = None) -> ServiceRow:
    return ServiceRow(service, {"received_at": at, "type": kind, "message_id": message_id or uuid4()})


def test_an_effect_stands_behind_the_receipt_of_its_batch_and_before_what_it_says() -> None:
    trace = CommandTrace(
        COMMAND,
        outcome(),
        audit=[audited("availability", after(2), "slot_taken"), audited("booking", after(8), "appointment_booked")],
        inbox=[received("availability", after(2.4), "BookAppointment"), received("booking", after(8.4), "SlotReserved")],
        records=[sent(after(0.1)), record("availability.events", after(2), type="SlotReserved")],
    )
    assert [f"{step.service} {step.what}" for step in timeline.steps_of(trace)] == [
        "gateway accepted BookAppointment", "gateway sent BookAppointment",
        "availability received BookAppointment", "availability slot_taken", "availability said SlotReserved",
        "booking received SlotReserved", "booking appointment_booked", "booking decided 201",
        "booking settled: answered from now on",
    ]  # fmt: skip


def test_an_effect_that_was_decided_under_a_lock_keeps_to_its_own_receipt() -> None:
    """It is later than the receipt; the next one is of what followed from it."""
    checked_in = audited("booking", after(8.5), "appointment_checked_in")
    trace = CommandTrace(
        COMMAND,
        ServiceRow("booking", {**outcome().values, "decided_at": after(8.5), "settled_at": after(30)}),
        audit=[checked_in, audited("queue", after(15), "entry_queued")],
        inbox=[
            received("booking", after(8.4), "CheckInPatient", checked_in["message_id"]),
            received("queue", after(15.2), "PatientCheckedIn"),
            received("booking", after(30.2), "PatientQueued"),
        ],
    )
    assert [f"{step.service} {step.what}" for step in timeline.steps_of(trace)][1:] == [
        "booking received CheckInPatient", "booking appointment_checked_in", "booking decided 201",
        "queue received PatientCheckedIn", "queue entry_queued",
        "booking received PatientQueued", "booking settled: answered from now on",
    ]  # fmt: skip


def test_what_a_request_did_waits_for_no_message() -> None:
    revoked = ServiceRow("availability", {**audited("availability", T0, "slot_revoked").values, "message_id": None})
    freed = audited("availability", after(20), "slot_freed")
    trace = CommandTrace(
        None,
        audit=[revoked, freed],
        inbox=[received("availability", after(20), "SlotReleased")],
        records=[record("availability.events", after(1), type="SlotRevoked", command_id=None, causation_id=None)],
    )
    assert [step.what for step in timeline.steps_of(trace)] == [
        "slot_revoked", "said SlotRevoked", "received SlotReleased", "slot_freed",
    ]  # fmt: skip


def test_a_repeat_with_another_body_is_told_from_the_same_again() -> None:
    trace = CommandTrace(COMMAND, outcome(), records=[sent(T0), sent(after(50), 1), sent(after(90), 2, "bb")])
    assert [one["same_body"] for one in summary.repeats_of(trace)] == [True, False]
    assert summary.why(trace)[-1].startswith("It was sent again 2 times: 2026-03-02T09:00:00.050Z, ")


def test_how_far_a_command_is() -> None:
    states = {
        "running": CommandTrace(COMMAND, records=[sent(T0)]),
        "unsettled": CommandTrace(COMMAND, outcome(settled=False)),
        "refused": CommandTrace(COMMAND, outcome("full")),
        "succeeded": CommandTrace(COMMAND, outcome()),
    }
    assert {name: summary.status_of(trace) for name, trace in states.items()} == {name: name for name in states}
    assert any("not settled" in line for line in summary.why(states["unsettled"]))
    assert not CommandTrace(COMMAND)


def test_a_lost_command_says_whether_its_message_is_in_the_log() -> None:
    assert "its message is nowhere in the log" in summary.why(CommandTrace(COMMAND, outcome("lost")))[1]
    assert "in the log all the same" in summary.why(CommandTrace(COMMAND, outcome("lost"), records=[sent(T0)]))[1]


def test_a_hold_tells_its_end_and_a_slot_for_what_it_is_taken() -> None:
    held = outcome()
    held.values["result"]["expires_at"] = "2026-03-02T09:30:00Z"
    assert summary.why(CommandTrace(COMMAND, held))[1].startswith("It is held until 2026-03-02T09:30:00Z: ")
    taken = [record("availability.events", T0, type="SlotReserved", purpose=purpose) for purpose in ("book", "move")]
    assert [step.detail.get("to") for step in timeline.steps_of(CommandTrace(COMMAND, records=taken))] == [None, "move"]


def test_a_dead_letter_and_its_redrive_are_steps() -> None:
    letters = [record("booking.commands.availability.dlq", after(5), type="BookAppointment")]
    letters.append(record("availability.redrive", after(9), type="BookAppointment"))
    steps = [f"{step.service} {step.what}" for step in timeline.steps_of(CommandTrace(COMMAND, records=letters))]
    assert steps == [
        "availability put BookAppointment away as a dead letter: None",
        "operations redrove BookAppointment to availability",
    ]


STRANGE: tuple[dict[str, Any], ...] = (
    {},
    {"type": None, "accepted_at": 7, "occurred_at": "soon", "message_id": "no uuid", "answer": "yes"},
    {"type": {}, "accepted_at": "2026-03-02T09:00:00", "occurred_at": None, "message_id": [1], "answer": {}, "body_hash": []},
)
"""What somebody else may write under a command's id."""


def strange(topic: str) -> "list[ConsumerRecord[Any, Any]]":
    """Records of a topic that no service would write."""
    return [
        ConsumerRecord(topic, 0, offset, int(T0.timestamp() * 1000), 0, b"k",
                       json.dumps({"command_id": str(COMMAND), **body}).encode(), None, 0, 0, [])
        for offset, body in enumerate(STRANGE)
    ]  # fmt: skip


@pytest.mark.parametrize("topic", [topic.name for topic in declared_topics()])
def test_records_that_no_service_would_write_are_told_as_they_are(topic: str) -> None:
    trace = CommandTrace(COMMAND, records=strange(topic))
    steps = timeline.steps_of(trace)
    assert {step.at for step in steps} <= {T0.replace(microsecond=0)}
    assert summary.why(trace) and summary.repeats_of(trace) is not None
    if installation.publisher_of(topic):
        assert [step.what for step in steps] == ["said unreadable", "said None", "said {}"]


async def test_what_is_no_id_names_nothing() -> None:
    class Empty:
        """A database that knows nothing."""

        async def fetch(self, _sql: str, messages: list[UUID]) -> list[Any]:
            assert all(isinstance(message, UUID) for message in messages)
            return []

    snapshots: Any = Snapshots({service: Empty() for service in installation.audited()}, [])  # type: ignore[misc]
    command = CommandTrace(COMMAND, records=strange("booking.commands"))
    await add_receipts(snapshots, command)
    log = LogSearch([*command.records, record("booking.commands", T0, command_id="no uuid")], 4)
    assert _only_in_log(log, CandidateCommands("x", ())) == [COMMAND]


def test_without_the_log_nothing_is_said_of_it() -> None:
    undecided = CommandTrace(COMMAND, audit=[audited("availability", T0, "slot_taken")], commands_complete=False)
    assert summary.status_of(undecided) == "unknown" and "was not read whole" in summary.why(undecided)[0]
    undecided.commands_complete = True
    assert summary.status_of(undecided) == "done"
    assert "was not seen" in summary.why(CommandTrace(COMMAND, outcome("lost"), commands_complete=False))[1]


APPOINTMENT, OTHER = uuid4(), uuid4()


def unasked(action: Action, milliseconds: float, command: UUID | None = None, **detail: Any) -> ServiceRow:
    """An effect of the appointment's own, or of what its detail says is the appointment's."""
    subject = uuid4() if "appointment_id" in detail else APPOINTMENT
    return ServiceRow("booking", {
        "at": after(milliseconds), "action": action, "subject_id": subject, "command_id": command, "code": None, "detail": detail,
    })  # fmt: skip


REVOKED = unasked(Action.SLOT_REVOKED, 1, appointment_id=str(APPOINTMENT))
MOVED = {
    "slot_number": 4, "date": "2026-03-05", "doctor_id": str(COMMAND), "from_date": "2026-03-03", "from_doctor_id": str(OTHER),
}  # fmt: skip
CANCELLED = unasked(Action.APPOINTMENT_CANCELLED, 5, reason="clinic")


@pytest.mark.parametrize(("effects", "told"), [
    ([REVOKED, CANCELLED], ["was cancelled by the clinic at 2026-03-02T09:00:00.005Z: its doctor was deleted"]),
    ([CANCELLED], ["was cancelled by the clinic at 2026-03-02T09:00:00.005Z: its patient was deleted"]),
    ([unasked(Action.APPOINTMENT_EXPIRED, 7)], ["expired at 2026-03-02T09:00:00.007Z: it was held, and nobody confirmed it"]),
    ([unasked(Action.APPOINTMENT_MOVED, 2, COMMAND, **MOVED)], [
        f"was moved at 2026-03-02T09:00:00.002Z, from 2026-03-03 with doctor {OTHER} to number 4 of 2026-03-05 with",
    ]),
    ([REVOKED], ["was to be cancelled at 2026-03-02T09:00:00.001Z, and is not"]),
    ([unasked(Action.APPOINTMENT_REASSIGNED, 2, COMMAND, patient_id=str(OTHER))], [f"is patient {OTHER}'s since 2026"]),
    ([unasked(Action.APPOINTMENT_CANCELLED, 2, COMMAND, reason="patient"), unasked(Action.PATIENT_DELETED, 3)], []),
])  # fmt: skip
def test_what_nobody_s_client_asked_for_is_told_with_its_reason(effects: list[ServiceRow], told: list[str]) -> None:
    sentences = appointments.sentences(CommandTrace(None, audit=effects))
    assert len(sentences) == len(told)
    for sentence, part in zip(sentences, told, strict=True):
        assert sentence.startswith(f"Appointment {APPOINTMENT} {part}")


async def test_without_a_command_an_id_names_what_it_is_about() -> None:
    slot, asked = uuid4(), []

    class Trail:
        """A database that remembers for whom it was asked."""

        async def fetch(self, _sql: str, _clinics: list[UUID], *wanted: Any) -> list[Any]:
            asked.append(wanted)
            return []

    snapshots: Any = Snapshots({service: Trail() for service in installation.audited()}, [])  # type: ignore[misc]
    about = {"at": T0, "detail": {"appointment_id": str(APPOINTMENT)}, "subject_id": slot, "action": Action.SLOT_TAKEN}
    held = {**about, "detail": {}, "subject_id": APPOINTMENT, "action": Action.APPOINTMENT_HELD}
    booking = CommandTrace(COMMAND, audit=[ServiceRow("availability", about), ServiceRow("booking", held)])
    for name in (str(APPOINTMENT).upper(), "its-request"):
        assert not await without_command(snapshots, name, [booking])
        assert asked == [(sorted([APPOINTMENT, slot]), [APPOINTMENT], MAX_WITHOUT_COMMAND)] * len(installation.audited())
        asked.clear()
    assert not await without_command(snapshots, "a-request", [])
    assert asked == [("a-request", MAX_WITHOUT_COMMAND)] * len(installation.audited())


def test_the_keys_that_are_tried_are_those_of_the_gateway() -> None:
    document = json.loads((Path(__file__).parents[3] / "docs" / "openapi.json").read_text())
    posts = {path["post"]["operationId"] for path in document["paths"].values() if "post" in path}
    assert set(candidates.OPERATIONS) == posts >= {kind.operation for kind in KINDS}
    assert candidates.PRINCIPALS == (OPEN,)


@pytest.mark.parametrize(("cut", "commands"), [("gateway.replies", True), ("booking.commands", False)])
def test_of_commands_their_own_topics_tell(cut: str, commands: bool) -> None:
    """A gateway may get more replies than a look reads, while all commands of that time were seen."""
    log = LogSearch([], 0, frozenset({cut}))
    assert (log.complete, log.commands_complete) == (False, commands)


@pytest.mark.parametrize("text", ["", " "])
def test_without_an_id_nothing_is_explained(text: str) -> None:
    with pytest.raises(Misused, match="needs an id"):
        explain(text, as_json=False)


@pytest.mark.parametrize("carried", [str(COMMAND), "slot-1", "slot-2"])
def test_a_record_carries_an_id_as_a_whole_value(carried: str) -> None:
    assert carries(record("availability.events", T0, slots=[{"id": "slot-1"}, {"id": "slot-2"}]), {carried})


@pytest.mark.parametrize("part", ["a", "slot", "2026", str(COMMAND)[:8], "command_id"])
def test_a_part_of_a_value_is_no_id(part: str) -> None:
    assert not carries(record("availability.events", T0, slots=[{"id": "slot-1"}]), {part})


def test_however_deep_a_value_stands_it_is_found() -> None:
    deep = b'{"a":' * 600 + b'"abc"' + b"}" * 600
    assert carries(ConsumerRecord("booking.commands", 0, 0, 0, 0, b"k", deep, None, 0, 0, []), {"abc"})


def test_what_is_no_message_carries_what_stands_in_it() -> None:
    broken = ConsumerRecord("booking.commands", 0, 0, 0, 0, b"k", b'{"command_id": "abc', None, 0, 0, [])
    assert carries(broken, {"abc"}) and not carries(broken, {"abd"})
