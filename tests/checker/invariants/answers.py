"""Invariant 4: one idempotency key is one command with one answer."""

import json
from collections.abc import Iterator

from tests.checker.evidence import Evidence
from tests.checker.history import Entry
from tests.checker.report import Finding, Violation
from tests.checker.sql import Row

TITLE = "one key: one command, one answer"
FOUND_OUT_BY_GATEWAYS = ("unknown_doctor", "unknown_patient", "unknown_appointment", "no_such_slot")
"""Refusals that need no outcome: nothing was produced."""
NO_CONTENT = 204


def one_each(seen: Evidence) -> Finding:
    """All final answers of a key say the same, it has one command id, and the stored outcome is what was said."""
    finals = {key: [entry for entry in entries if entry.is_final] for key, entries in seen.answers.items()}
    counts = {
        "keys": len(finals),
        "final answers": sum(map(len, finals.values())),
        "keys answered more than once": sum(len(entries) > 1 for entries in finals.values()),
    }
    violations = [*_differing(finals), *_several_commands(seen), *_not_as_stored(seen), *_several_messages(seen)]
    return Finding(4, TITLE, counts, violations)


def _said(entry: Entry) -> str:
    """Of a refusal the code: the rest of a problem is about the request. A DELETE's answer is without the body."""
    if entry.refused:
        return f"{entry.status} {entry.code}"
    return "done" if entry.status == NO_CONTENT else f"{entry.status} {json.dumps(entry.json, sort_keys=True)}"


def _differing(finals: dict[tuple[str, str], list[Entry]]) -> Iterator[Violation]:
    for (operation, key), entries in finals.items():
        if len({_said(entry) for entry in entries}) > 1:
            yield Violation(f"{operation} was answered differently", (key, *_differences(entries)))


def _differences(entries: list[Entry]) -> Iterator[str]:
    """Of each answer its code, and the fields in which not all bodies are the same."""
    bodies = [entry.json or {} for entry in entries]
    names = sorted({name for body in bodies for name in body if any(other.get(name) != body[name] for other in bodies)})
    for entry, body in zip(entries, bodies, strict=True):
        yield " ".join((str(entry.code or entry.status), *(f"{name}={json.dumps(body.get(name))}" for name in names)))


def _several_commands(seen: Evidence) -> Iterator[Violation]:
    owner: dict[str, tuple[str, str]] = {}
    for key, entries in seen.answers.items():
        ids = {entry.command_id for entry in entries if entry.command_id}
        if len(ids) > 1:
            yield Violation("one key became several commands", (key[1], *sorted(ids)))
        for id_ in ids:
            if owner.setdefault(id_, key) != key:
                yield Violation("one command has several keys", (id_, key[1], owner[id_][1]))


def _several_messages(seen: Evidence) -> Iterator[Violation]:
    for command, arrivals in seen.commands.items():
        if len({one.message_id for one in arrivals}) > 1:
            yield Violation(
                "one command came under several message ids", (command, *sorted({one.message_id for one in arrivals}))
            )


def _not_as_stored(seen: Evidence) -> Iterator[Violation]:
    for command, entry in seen.told.items():
        outcome = seen.outcomes.get(command)
        if outcome is None:
            if entry.code not in FOUND_OUT_BY_GATEWAYS:
                yield Violation(f"a client was told {entry.code or entry.status}, and no outcome says so", (command,))
        elif not _is(outcome, entry):
            yield Violation(f"a client was told {entry.code or entry.status}, the outcome is another", (command,))


def _is(outcome: Row, entry: Entry) -> bool:
    if entry.refused or outcome["code"]:
        return bool(outcome["code"] == entry.code)
    return entry.status == NO_CONTENT or (outcome["status_code"] == entry.status and outcome["result"] == entry.json)
