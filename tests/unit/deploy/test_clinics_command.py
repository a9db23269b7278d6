"""`frontdesk clinics settings` against a stand-in of the API: what it reads, what it sends, how it ends."""

import json
from collections.abc import Iterator

import pytest
from typer.testing import CliRunner, Result

from deploy.cli import app
from tests.unit.deploy.owner import Answer, StandIn, serving


@pytest.fixture
def api() -> Iterator[StandIn]:
    with serving() as server:
        yield server


def run(api: StandIn, *arguments: str, **changes: str) -> Result:
    return CliRunner().invoke(app, ["clinics", "settings", *arguments], env=api.environment() | changes)


def test_settings_are_shown(api: StandIn) -> None:
    done = run(api)
    assert done.exit_code == 0
    assert "max_daily_capacity           10" in done.stdout and "one_booking_per_patient_day  false" in done.stdout
    assert done.stdout.endswith("clinic default, version 3\n")
    assert json.loads(run(api, "--json").stdout) == api.clinic
    assert api.patched == []


def test_values_are_read_by_the_type_that_is_shown(api: StandIn) -> None:
    changes = {"max_daily_capacity": 20, "one_booking_per_patient_day": True, "time_zone": "Europe/London"}
    done = run(api, "max_daily_capacity=20", "one_booking_per_patient_day=true", "time_zone=Europe/London")
    assert (done.exit_code, api.patched) == (0, [('"v3"', changes)])
    assert "20" in done.stdout and done.stdout.endswith("version 4\n")


def test_whose_clock_shows_another_time_is_named(api: StandIn) -> None:
    one = {"id": "0192", "starts_at": "2026-03-02T09:00:00Z", "time_zone": "Europe/London"}
    api.clinic |= {"wall_time_changed": [one], "wall_time_changed_left": 7, "wall_time_changed_incomplete": True}
    said = run(api, "time_zone=Asia/Kathmandu").stdout
    assert all(part in said for part in (*one.values(), "and 7 more", "booking does not answer"))


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ("shoe_size=3", "changes no setting"),
        ("time_zone", "write NAME=VALUE"),
        ("max_daily_capacity=ten", "is a whole number"),
        ("max_daily_capacity=", "is a whole number"),
        ("one_booking_per_patient_day=1", "is true or false"),
    ],
)
def test_misuse_is_told_and_nothing_is_sent(api: StandIn, change: str, told: str) -> None:
    done = run(api, change)
    assert (done.exit_code, api.patched) == (2, [])
    assert told in done.stderr


@pytest.mark.parametrize(
    ("answer", "code", "told"),
    [
        ((422, {"errors": [{"field": "time_zone", "reason": "is not an IANA time zone"}]}), 2, "time_zone: is not an IANA"),
        ((412, {}), 1, "somebody else"),
        ((503, {}), 1, "answered 503"),
    ],
)
def test_a_refusal_is_told(api: StandIn, answer: Answer, code: int, told: str) -> None:
    api.faults.append(lambda _: answer)
    done = run(api, "time_zone=Mars/Olympus")
    assert done.exit_code == code and told in done.stderr


def test_who_is_not_there_is_named(api: StandIn) -> None:
    done = run(api, API_URL="http://127.0.0.1:1/api/v1")
    assert done.exit_code == 4 and "127.0.0.1:1" in done.stderr
