"""The demo clinic: made once, found again however much later, and what somebody changed of it stays changed."""

from collections.abc import Callable
from typing import Any

import pytest

from deploy import installation
from deploy.commands.race import run
from deploy.embedded.services import Services
from deploy.seed import CATEGORIES, DOCTORS, PRICE_RANGES, seed
from shared.infra import retention
from tests.support.clinic import Clinic

AGE = "UPDATE {table} SET {column} = {column} - make_interval(days => $1)"
HOLDERS = installation.outcome_holders()


async def test_a_second_run_changes_nothing_also_of_what_was_changed_since(clinic: Clinic, stack: Services) -> None:
    url = stack.url("gateway")
    first = seed(url)
    assert len(set(first.doctor_ids)) == len(DOCTORS)
    timed = f"/doctors/{first.doctor_ids[-1]}/schedule"
    before = (await clinic.get(timed)).json()
    assert len(before["entries"]) >= 1
    changed = await clinic.put(timed, {"entries": before["entries"][:1]})
    assert changed.status_code == 200, changed.text
    try:
        assert seed(url) == first
        assert (await clinic.get(timed)).json() == {name: changed.json()[name] for name in ("entries", "version")}
    finally:
        await clinic.put(timed, {"entries": before["entries"]})


async def test_the_tables_have_what_doctors_are_given(clinic: Clinic, stack: Services) -> None:
    seed(stack.url("gateway"))
    for path, names in (("/categories", CATEGORIES), ("/price-ranges", [name for name, *_ in PRICE_RANGES])):
        listed = (await clinic.get(path, limit=200)).json()["items"]
        assert {one["name"] for one in listed} >= set(names)
    (mei,) = [one for one in (await clinic.get("/doctors", q="mei-chan")).json()["items"] if one["code"] == "mei-chan"]
    assert (mei["category"]["name"], mei["price_range"]["name"], len(mei["locations"])) == ("Paediatrics", "Public", 2)


async def months_pass(superuser: Callable[..., Any], days: int) -> None:
    """What commands have left becomes so many days older, and goes as retention removes it."""
    for service in HOLDERS:
        connection = await superuser(service)
        for table, column in (("inbox", "received_at"), ("outcomes", "decided_at")):
            await connection.execute(AGE.format(table=table, column=column), days)
        await connection.fetch(retention.OLD_INBOX, retention.INBOX_KEPT_DAYS, 10**6)
        await connection.fetch(retention.OLD_OUTCOMES, retention.OUTCOMES_KEPT_DAYS, 10**6)


@pytest.mark.parametrize("days", [1, 34, 400])
async def test_it_is_found_however_old_the_data_is(stack: Services, superuser: Callable[..., Any], days: int) -> None:
    url = stack.url("gateway")
    first = seed(url)
    assert first.missing == []
    await months_pass(superuser, days)
    assert seed(url) == first


async def test_the_race_can_be_run_again_however_old_the_data_is(stack: Services, superuser: Callable[..., Any]) -> None:
    api = f"{stack.url('gateway')}/api/v1"
    first = await run(api)
    await months_pass(superuser, 34)
    again = await run(api)
    assert first.as_it_must and again.as_it_must
    assert {one.patient_id for one in again.attempts} == {one.patient_id for one in first.attempts}


async def test_who_was_renamed_is_found_and_who_was_deleted_is_told(
    clinic: Clinic, stack: Services, superuser: Callable[..., Any]
) -> None:
    """On a clinic of users by now nothing of theirs is made again, and nothing stops a start."""
    url = stack.url("gateway")
    first = seed(url)
    tom = (await clinic.get(f"/patients/{first.patient_ids[1]}")).json()
    renamed = await clinic.patch(f"/patients/{tom['id']}", {"name": "Thomas Adeyemi"})
    assert renamed.status_code == 200
    try:
        assert seed(url) == first
        await months_pass(superuser, 34)
        assert seed(url) == first
    finally:
        await clinic.patch(f"/patients/{tom['id']}", {"name": tom["name"]})
