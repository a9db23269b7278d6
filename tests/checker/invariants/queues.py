"""Invariants 8 and 9: positions in the order of check-in, and one check-in for an appointment that lives."""

from collections import Counter
from collections.abc import Iterator

from tests.checker.dump import Record
from tests.checker.evidence import Evidence
from tests.checker.report import Finding, Violation
from tests.checker.sql import Row, Rows

POSITIONS = "positions are 1..n in the order of check-in"
CHECK_INS = "one check-in for a live appointment"
SEEN_BY_DOCTOR = ("checked_in", "fulfilled", "no_show")
"""What an appointment can be after its check-in."""


def in_order(seen: Evidence) -> Finding:
    """Of each doctor's day the positions are 1..n, in the order of the check-ins in the log, and the counter says n."""
    queues, arrivals = _by_day(seen.rows("entries")), _arrivals(seen)
    counters = {_day(row): row["last_position"] for row in seen.rows("queue_days")}
    violations: list[Violation] = []
    for day in sorted(queues.keys() | arrivals.keys() | counters.keys()):
        entries = sorted(queues.get(day, []), key=lambda row: row["position"])
        positions = [row["position"] for row in entries]
        if positions != list(range(1, len(entries) + 1)) or counters.get(day) != len(entries):
            violations.append(Violation(f"positions {positions}, counter {counters.get(day)}", (day,)))
        if [row["appointment_id"] for row in entries] != arrivals.get(day, []):
            violations.append(Violation("positions are not in the order of check-in", (day,)))
    return Finding(8, POSITIONS, {"queues": len(queues), "positions": sum(map(len, queues.values()))}, violations)


def one_each(seen: Evidence) -> Finding:
    """An appointment is checked in once, is so from then on, and is not checked in once it is dead."""
    events, entries = seen.events("PatientCheckedIn"), seen.rows("entries")
    counts = {"PatientCheckedIn": len(events), "queue entries": len(entries)}
    return Finding(9, CHECK_INS, counts, [*_twice(events, entries), *_of_the_dead(seen, events, entries)])


def _by_day(entries: Rows) -> dict[str, Rows]:
    found: dict[str, Rows] = {}
    for row in entries:
        found.setdefault(_day(row), []).append(row)
    return found


def _day(row: Row) -> str:
    return f"{row['clinic_id']}:{row['doctor_id']}:{row['date']}"


def _arrivals(seen: Evidence) -> dict[str, list[str]]:
    """The appointments of each day in the order of their check-in; one that was said again stands where it stood."""
    found: dict[str, dict[str, None]] = {}
    for one in seen.events("PatientCheckedIn"):
        found.setdefault(_day(one.fields), {})[str(one.fields["appointment_id"])] = None
    return {day: list(ids) for day, ids in found.items()}


def _twice(events: list[Record], entries: Rows) -> Iterator[Violation]:
    for what, ids in (
        ("check-ins", Counter(str(one.fields["appointment_id"]) for one in events)),
        ("queue entries", Counter(row["appointment_id"] for row in entries)),
    ):
        for id_, count in ids.items():
            if count > 1:
                yield Violation(f"an appointment has {count} {what}", (id_,))


def _of_the_dead(seen: Evidence, events: list[Record], entries: Rows) -> Iterator[Violation]:
    here = {row["appointment_id"] for row in entries} | {str(one.fields["appointment_id"]) for one in events}
    ended = {id_ for id_, row in seen.appointments.items() if row["status"] in SEEN_BY_DOCTOR}
    for id_ in sorted(here - ended):
        yield Violation(f"checked in, and {seen.appointments.get(id_, {}).get('status', 'unknown')}", (id_,))
    for id_ in sorted(ended - here):
        yield Violation("checked in, and in no queue", (id_,))
