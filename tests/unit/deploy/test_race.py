"""When the demo says that everything is as it must be."""

import pytest

from deploy.commands.race import ARRIVALS, PATIENTS, PLACES, BookingAttempt, RaceResult


def race(undecided: int = 0) -> RaceResult:
    """Every place once, the others refused but for some who were told to come back."""
    booked = [BookingAttempt("", "", 201, None, {"slot": slot}, 1) for slot in range(1, PLACES + 1)]
    refused = [BookingAttempt("", "", 409, "full", {}, 1) for _ in range(PATIENTS - PLACES - undecided)]
    running = [BookingAttempt("", "", 202, None, {"status": "running"}, 1) for _ in range(undecided)]
    return RaceResult("", "", [*booked, *refused, *running], [{"position": number} for number in range(1, ARRIVALS + 1)])


@pytest.mark.parametrize(("undecided", "as_it_must"), [(0, True), (1, False), (PATIENTS - PLACES - 1, False)])
def test_who_was_told_to_come_back_was_not_served(undecided: int, as_it_must: bool) -> None:
    assert race(undecided).as_it_must is as_it_must
