"""Invariant 15: when faults stop, everything comes to rest."""

from collections.abc import Iterator

from tests.checker.evidence import Evidence
from tests.checker.report import Finding, Violation

TITLE = "when faults stop nothing is left over"


def nothing_left(seen: Evidence) -> Finding:
    """No group is behind, nothing is unsent or unsettled, no transaction idles, and no dead letter but the injected ones."""
    letters = [one for one in seen.log if one.is_dead_letter]
    counts = {"groups": len(seen.lag), "databases": len(seen.owed), "dead letters": len(letters), "seconds": round(seen.seconds)}
    return Finding(15, TITLE, counts, [*_behind(seen), *_owed(seen), *_letters(seen)])


def _behind(seen: Evidence) -> Iterator[Violation]:
    for group, lag in seen.lag.items():
        if lag:
            yield Violation(f"{lag} records are not consumed", (group,))


def _owed(seen: Evidence) -> Iterator[Violation]:
    for database, owed in seen.owed.items():
        for name, count in vars(owed).items():
            if count:
                yield Violation(f"{count} {name}", (database,))


def _letters(seen: Evidence) -> Iterator[Violation]:
    for one in seen.log:
        if one.is_dead_letter and (one.value or b"") not in seen.injected:
            yield Violation("a dead letter", (one.topic, f"{one.partition}:{one.offset}", one.type, one.message_id, one.reason))
