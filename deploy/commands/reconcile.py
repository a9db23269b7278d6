"""`frontdesk reconcile --dry-run`: compares what the services hold and says what would mend each difference.

Two databases cannot be read at one instant: what differs is compared again, once all that is under way has had time to arrive.
"""

import asyncio
import datetime as dt
import time
from collections.abc import Iterator
from uuid import UUID

from deploy.commands.addresses import ADDRESSES
from deploy.commands.output import out
from deploy.exit_codes import FAILED, OK
from deploy.failure import Misused, Unreachable
from deploy.inspect.lag import GROUPS, lag_of
from deploy.inspect.reconcile.differences import Difference, differences
from deploy.inspect.reconcile.snapshot_rows import Scope, read

AT_LEAST_SECONDS = 2.0
"""Between two comparisons: longer than any step takes that is not stuck."""
DRAIN_INTERVAL_SECONDS = 0.5
DAYS_BACK = 7


def reconcile(
    dry_run: bool, clinic: str | None, since: str | None, older_than_seconds: float, wait_seconds: float, as_json: bool
) -> int:
    """Compare; 1 if something differs."""
    if not dry_run:
        raise Misused("reconcile only compares, it does not mend yet\n  try: frontdesk reconcile --dry-run")
    scope = Scope(_clinic(clinic), _date(since), older_than_seconds)
    found, counts = asyncio.run(_persisting(scope, wait_seconds))
    value = {
        "from": scope.since,
        "looked_at": counts,
        "differences": [
            {"kind": one.kind, "service": one.service, "ids": dict(one.ids), "detail": one.detail, "mend": one.mend}
            for one in found
        ],
    }
    out(value, as_json, _lines(found, counts))
    return FAILED if found else OK


async def _persisting(scope: Scope, wait_seconds: float) -> tuple[list[Difference], dict[str, int]]:
    """What differs in a first comparison and still does in a second, and how much the last one read."""
    rows = await read(ADDRESSES, scope)
    first = {one.name for one in differences(rows)}
    if not first:
        return [], rows.counts()
    await _wait_for_arrivals(wait_seconds)
    rows = await read(ADDRESSES, scope)
    return [one for one in differences(rows) if one.name in first], rows.counts()


async def _wait_for_arrivals(wait_seconds: float) -> None:
    """Wait until every group has processed everything, or the time is over: under load there is always something new."""
    began = time.monotonic()
    await asyncio.sleep(min(AT_LEAST_SECONDS, wait_seconds))
    try:
        while time.monotonic() - began < wait_seconds and await _lag():  # noqa: ASYNC110  # other processes raise no event here
            await asyncio.sleep(DRAIN_INTERVAL_SECONDS)
    except Unreachable:  # nobody says how far they are: what is under way gets all of its time
        await asyncio.sleep(began + wait_seconds - time.monotonic())


async def _lag() -> int:
    return sum(row["lag"] for row in await lag_of(ADDRESSES.kafka(), GROUPS))


def _lines(found: list[Difference], counts: dict[str, int]) -> Iterator[str]:
    for one in found:
        ids = " ".join(f"{name} {value}" for name, value in one.ids)
        yield f"{one.kind}  {one.service}  {ids}\n    {one.detail}\n    to mend it: {one.mend}"
    looked_at = ", ".join(f"{count} {name}" for name, count in counts.items())
    yield f"{len(found) or 'nothing'} to mend ({looked_at} compared)"


def _clinic(text: str | None) -> UUID | None:
    try:
        return UUID(text) if text else None
    except ValueError:
        raise Misused(f"{text} is not the id of a clinic") from None


def _date(text: str | None) -> dt.date:
    """The first date that is compared."""
    if text is None:
        return dt.datetime.now(dt.UTC).date() - dt.timedelta(days=DAYS_BACK)
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        raise Misused(f"{text} is not a date, YYYY-MM-DD") from None
