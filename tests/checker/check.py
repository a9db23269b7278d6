"""The one call: gather what can be seen, judge it by every invariant, report. Called by the fault tests and by hand."""

from collections.abc import Callable, Collection, Mapping

from tests.checker.evidence import Evidence, gather
from tests.checker.history import History
from tests.checker.invariants import (
    answers,
    commands,
    effects,
    events,
    histories,
    promises,
    queues,
    quiet,
    removals,
    slots,
    times,
    versions,
)
from tests.checker.report import Finding, Report

QUIET_WITHIN_SECONDS = 60.0
INVARIANTS: tuple[Callable[[Evidence], Finding], ...] = (
    slots.agree,
    commands.one_outcome,
    promises.kept,
    answers.one_each,
    effects.once,
    events.published,
    versions.without_gap,
    queues.in_order,
    queues.one_each,
    times.holds,
    times.overlaps,
    histories.complete,
    quiet.nothing_left,
    removals.nothing_left,
)
"""Invariants 1 to 11, 13, 15 and 16, in this order."""


async def check(
    history: History,
    bootstrap: str,
    dsns: Mapping[str, str],
    *,
    doctors: Collection[str] | None = None,
    injected: Collection[bytes] = (),
    within_seconds: float = QUIET_WITHIN_SECONDS,
) -> Report:
    """Judges a system whose faults have stopped.

    `dsns` are URLs of the four databases by service, of a role that sees the rows of all clinics. `doctors` (ids) leaves all
    others out of account; `injected` are the bodies of records that are meant to be dead letters. Waits until nothing is owed any
    more, so long at most: what is left then is a violation of invariant 15.
    """
    evidence = await gather(history, bootstrap, dsns, doctors=doctors, injected=injected, within_seconds=within_seconds)
    return judge(evidence)


def judge(evidence: Evidence) -> Report:
    """Every invariant on the same evidence."""
    return Report([invariant(evidence) for invariant in INVARIANTS])
