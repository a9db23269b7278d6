"""When the demo says that everything is as it must be."""

import datetime as dt
import json
from zoneinfo import ZoneInfo

import httpx2
import pytest

from deploy.commands import race as demo
from deploy.commands.race import ARRIVALS, PATIENTS, PLACES, BookingAttempt, RaceResult
from deploy.failure import Failure


def race(undecided: int = 0) -> RaceResult:
    """Every place once, the others refused but for some who were told to come back."""
    booked = [BookingAttempt("", "", 201, None, {"slot": slot}, 1) for slot in range(1, PLACES + 1)]
    refused = [BookingAttempt("", "", 409, "full", {}, 1) for _ in range(PATIENTS - PLACES - undecided)]
    running = [BookingAttempt("", "", 202, None, {"status": "running"}, 1) for _ in range(undecided)]
    return RaceResult("", "", [*booked, *refused, *running], [{"position": number} for number in range(1, ARRIVALS + 1)])


@pytest.mark.parametrize(("undecided", "as_it_must"), [(0, True), (1, False), (PATIENTS - PLACES - 1, False)])
def test_who_was_told_to_come_back_was_not_served(undecided: int, as_it_must: bool) -> None:
    assert race(undecided).as_it_must is as_it_must


@pytest.mark.parametrize("zone", ["Etc/GMT+12", "Pacific/Kiritimati"])
async def test_it_books_for_the_date_of_the_clinic(zone: str) -> None:
    """At any time one of these has another date than UTC."""
    asked: list[dict[str, str]] = []

    def api(request: httpx2.Request) -> httpx2.Response:
        if request.url.path.endswith("/clinic"):
            return httpx2.Response(200, json={"settings": {"time_zone": zone}})
        asked.append(json.loads(request.content or "{}"))
        return httpx2.Response(400 if "date" in asked[-1] else 201, json={"id": "d"})

    async with httpx2.AsyncClient(transport=httpx2.MockTransport(api), base_url="http://api") as client:
        with pytest.raises(Failure):
            await demo._run(client)
    assert asked[-1]["date"] == dt.datetime.now(ZoneInfo(zone)).date().isoformat()
