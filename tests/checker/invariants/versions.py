"""Invariant 7: the versions of an aggregate have no gap in the log, and whoever follows it ends in the last one."""

from collections import Counter
from collections.abc import Iterator, Mapping

from tests.checker.dump import REGISTRY, Record
from tests.checker.evidence import Evidence
from tests.checker.report import Finding, Violation

TITLE = "versions have no gap, consumers end in the last one"
REGISTERED = {"DoctorChanged": ("doctors", "doctor_id", "id"), "PatientChanged": ("patients", "patient_id", "id")}
"""A change of the registry: the table of its owner, and which field is which column."""


def without_gap(seen: Evidence) -> Finding:
    """Of an appointment 1..n in the log, in this order on each day, and n in its row; of a queue likewise; of the registry the
    last."""
    appointments, queues = _appointments(seen), _queues(seen)
    registered = {kind: _last(seen, kind, field) for kind, (_, field, _) in REGISTERED.items()}
    counts = {"appointments": len(appointments), "queues": len(queues), **{k: len(found) for k, found in registered.items()}}
    reached = {id_: row["version"] for id_, row in seen.appointments.items()}
    in_queues = {_day(row): row["version"] for row in seen.rows("queue_days")}
    violations = [
        *_gaps(appointments, reached),
        *_out_of_order("an appointment", _appointments(seen, by_key=True)),
        *_gaps_of_queues(queues, in_queues, _reassignments(seen)),
        *_out_of_order("a queue", queues),
        *_registry(seen, registered),
        *_clinics(seen),
    ]
    return Finding(7, TITLE, counts, violations)


def _appointments(seen: Evidence, *, by_key: bool = False) -> dict[str, list[int]]:
    """The versions of each appointment in the order of the log. Whoever was moved has them on several days, which have no order
    among each other, also where they share a partition: a row waits for older ones of its key only."""
    found: dict[str, list[int]] = {}
    types = {one.type for one in seen.messages if one.topic == "appointment.events"}
    for one in seen.events(*types):
        if one.fields.get("version") is not None and "appointment_id" in one.fields:
            id_ = str(one.fields["appointment_id"])
            found.setdefault(f"{id_} in {one.key!r}" if by_key else id_, []).append(one.fields["version"])
    return found


def _queues(seen: Evidence) -> dict[str, list[int]]:
    """The versions of each queue in the order of the log; who is said to be queued again comes with the version of that time."""
    found: dict[str, list[int]] = {}
    for one in seen.events("PatientQueued"):
        found.setdefault(_day(one.fields), []).append(one.fields["version"])
    return found


def _day(fields: Mapping[str, object]) -> str:
    return f"{fields['clinic_id']}:{fields['doctor_id']}:{fields['date']}"


def _gaps(logged: dict[str, list[int]], rows: dict[str, int]) -> Iterator[Violation]:
    for id_ in sorted(logged.keys() | rows.keys()):
        versions, last = sorted(logged.get(id_, [])), rows.get(id_, 0)
        if versions != list(range(1, last + 1)):
            yield Violation(f"an appointment has versions {versions} in the log and {last} in its row", (id_,))


def _gaps_of_queues(logged: dict[str, list[int]], rows: dict[str, int], reassigned: Counter[str]) -> Iterator[Violation]:
    """An entry that became another patient's counts as a change of its queue, of which no event says the version."""
    for id_ in sorted(logged.keys() | rows.keys()):
        versions, last = sorted(set(logged.get(id_, []))), rows.get(id_, 0)
        if not set(versions) <= set(range(1, last + 1)) or len(versions) + reassigned[id_] != last:
            yield Violation(f"a queue has versions {versions} in the log and {last} in its row", (id_,))


def _reassignments(seen: Evidence) -> Counter[str]:
    """How often entries of a queue became another patient's, by queue."""
    return Counter(day for row in seen.rows("entries") for day in [_day(row)] * (row["version"] - 1))


def _out_of_order(what: str, logged: dict[str, list[int]]) -> Iterator[Violation]:
    for id_, versions in logged.items():
        if versions != sorted(versions):
            yield Violation(f"{what} has versions {versions} in this order", (id_.split(" in ")[0],))


def _last(seen: Evidence, kind: str, field: str) -> dict[str, Record]:
    """The last that was said of each entity; compaction leaves no more for certain."""
    return {str(one.fields.get(field)): one for one in seen.messages if one.topic == REGISTRY and one.type == kind}


def _registry(seen: Evidence, registered: dict[str, dict[str, Record]]) -> Iterator[Violation]:
    for kind, (table, _, column) in REGISTERED.items():
        rows = {row[column]: (row["version"], row["status"]) for row in seen.rows(table)}
        said = {id_: (one.fields.get("version"), one.fields.get("status")) for id_, one in registered[kind].items()}
        for id_ in sorted(rows.keys() | said.keys()):
            if rows.get(id_) != said.get(id_):
                yield Violation(f"{kind} ends with {said.get(id_)}, the row is {rows.get(id_)}", (id_,))


def _clinics(seen: Evidence) -> Iterator[Violation]:
    """Each service that copies the settings of clinics has the newest."""
    for clinic in seen.rows("clinics"):
        for database in ("availability", "booking", "queue"):
            copies = {row["clinic_id"]: row["version"] for row in seen.tables.of(database, "clinic_settings")}
            if copies.get(clinic["id"]) != clinic["version"]:
                yield Violation(f"{database} has settings of version {copies.get(clinic['id'])}", (clinic["id"],))
