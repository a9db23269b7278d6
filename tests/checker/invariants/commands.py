"""Invariant 2: each accepted command has exactly one outcome, or is known never to have arrived; nothing succeeds too late."""

from collections.abc import Iterator
from datetime import datetime

from tests.checker.dump import COMMANDS, Record
from tests.checker.evidence import Evidence
from tests.checker.history import RUNNING, Entry
from tests.checker.report import Finding, Violation
from tests.checker.sql import Row

TITLE = "an accepted command has one outcome, decided in time"
LOST = "lost"
"""The outcome of a command that was asked for in vain until its deadline was over."""


def one_outcome(seen: Evidence) -> Finding:
    """What arrived is decided and settled once; what did not arrive was not promised, and has no outcome but `lost`."""
    accepted = {key: entries for key, entries in seen.answers.items() if any(entry.was_sent for entry in entries)}
    counts = {
        "accepted commands": len(accepted),
        "arrived commands": len(seen.commands),
        "outcomes": len(seen.outcomes),
        "successes": sum(row["code"] is None for row in seen.outcomes.values()),
    }
    return Finding(2, TITLE, counts, [*_undecided(seen), *_invented(seen), *_late(seen), *_never_arrived(seen), *_refused(seen)])


def _undecided(seen: Evidence) -> Iterator[Violation]:
    for command in (*seen.commands, *seen.displaced):
        outcome = seen.outcomes.get(command)
        if outcome is None:
            yield Violation("an arrived command has no outcome", (command,))
        elif outcome["settled_at"] is None:
            yield Violation("an outcome is not settled", (command,))


def _invented(seen: Evidence) -> Iterator[Violation]:
    arrived = {one.fields.get("command_id") for one in seen.log if one.topic in COMMANDS}
    for command, outcome in seen.outcomes.items():
        if command not in arrived | seen.displaced and outcome["code"] != LOST:
            yield Violation("a command that never arrived has an outcome", (command,))


def _late(seen: Evidence) -> Iterator[Violation]:
    for command, outcome in seen.outcomes.items():
        arrivals = seen.commands.get(command, [])
        if outcome["code"] is None and arrivals and outcome["decided_at"] > _deadline(outcome, arrivals):
            yield Violation("a command succeeded after its deadline", (command,))


def _deadline(outcome: Row, arrivals: list[Record]) -> datetime:
    """A repeat carries a deadline of its own: what counts is that of the arrival that was decided."""
    deadlines = {_instant(one, "accepted_at"): _instant(one, "decide_by") for one in arrivals}
    return deadlines.get(outcome["accepted_at"], max(deadlines.values()))


def _instant(one: Record, name: str) -> datetime:
    return datetime.fromisoformat(one.fields[name])


def _never_arrived(seen: Evidence) -> Iterator[Violation]:
    """202 and a command's own answer are given to what the broker has, unless the request rode on another one of its key."""
    for entries in seen.answers.values():
        for entry in entries:
            outcome = seen.outcomes.get(entry.command_id or "")
            lost = outcome is not None and outcome["code"] == LOST
            promised = entry.succeeded or (entry.status == RUNNING and not _rode(entry, entries))
            if promised and not lost and entry.command_id not in seen.commands:
                yield Violation(f"a command that was answered {entry.status} never arrived", (entry.command_id or entry.key,))


def _rode(entry: Entry, entries: list[Entry]) -> bool:
    others = (one for one in entries if one is not entry)
    return any(one.started <= entry.ended and entry.started <= one.ended for one in others)


def _refused(seen: Evidence) -> Iterator[Violation]:
    """What was refused before it was produced must not have been produced."""
    for entries in seen.answers.values():
        if any(entry.was_sent for entry in entries):
            continue
        for command in {entry.command_id for entry in entries if entry.code == "not_accepted"}:
            if command in seen.commands:
                yield Violation("a command arrived that was never accepted", (command or "",))
