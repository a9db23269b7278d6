"""`frontdesk clinics settings`: what it changes, every service hears of."""

from collections.abc import AsyncIterator

import pytest

from deploy import installation
from tests.e2e.cli import Cli
from tests.support.waiting import eventually


@pytest.fixture(autouse=True)
async def as_it_was(cli: Cli) -> AsyncIterator[None]:
    """The clinic is everybody's: what a test changes of it is put back."""
    before = (await cli.json("clinics", "settings", "--json"))["settings"]
    yield
    await cli.text("clinics", "settings", *(f"{name}={str(value).lower() if value is True or value is False else value}"
                                            for name, value in before.items()))  # fmt: skip


async def known_to(cli: Cli, service: str) -> list[list[object]]:
    """Version and cut-off that a service has of the default clinic."""
    sql = (
        "SELECT version, settings->'cancel_cutoff_minutes', settings->'one_booking_per_patient_day' FROM clinic_settings "
        "WHERE clinic_id = '00000000-0000-7000-8000-000000000001'"
    )
    rows: list[list[object]] = (await cli.json("psql", service, "-c", sql, "--json"))["rows"]
    return rows


async def test_a_change_reaches_every_service(cli: Cli) -> None:
    before = await cli.json("clinics", "settings", "--json")
    minutes = before["settings"]["cancel_cutoff_minutes"] + 5
    after = await cli.json(
        "clinics", "settings", f"cancel_cutoff_minutes={minutes}", "one_booking_per_patient_day=true", "--json"
    )
    assert after["settings"] == before["settings"] | {
        "cancel_cutoff_minutes": minutes, "one_booking_per_patient_day": True,
    }  # fmt: skip
    assert after["version"] == before["version"] + 1
    for service in (spec.name for spec in installation.SERVICES if spec.copies_settings):

        async def heard(service: str = service) -> bool:
            assert await known_to(cli, service) == [[after["version"], minutes, True]]
            return True

        await eventually(heard)


async def test_what_is_so_already_changes_nothing(cli: Cli) -> None:
    before = await cli.json("clinics", "settings", "--json")
    after = await cli.json("clinics", "settings", f"region={before['settings']['region']}", "--json")
    assert after == before | {"wall_time_changed": [], "wall_time_changed_incomplete": False, "wall_time_changed_left": 0}
    assert f"region                       {before['settings']['region']}" in await cli.text("clinics", "settings")


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        (["time_zone=Mars/Olympus"], "time_zone: "),
        (["region=ZZ", "max_daily_capacity=0"], "max_daily_capacity: "),
        (["default_daily_capacity=11", "max_daily_capacity=10"], "default_daily_capacity: "),
    ],
)
async def test_what_the_clinic_cannot_be_is_misuse(cli: Cli, changes: list[str], told: str) -> None:
    before = await cli.json("clinics", "settings", "--json")
    done = await cli.run("clinics", "settings", *changes)
    assert done.exit_code == 2 and told in done.stderr
    assert await cli.json("clinics", "settings", "--json") == before
