"""The demo clinic: made once, found again however much later, and what somebody changed of it stays changed."""

from collections.abc import Callable
from typing import Any

import pytest

from deploy import installation
from deploy.commands.race import run
from deploy.seed import CATEGORIES, DOCTORS, PRICE_RANGES, seed
from shared.infra import retention
from tests.e2e.desk import Desk

AGE = "UPDATE {table} SET {column} = {column} - make_interval(days => $1)"
HOLDERS = installation.outcome_holders()


async def test_a_second_run_changes_nothing_also_of_what_was_changed_since(desk: Desk) -> None:
    url = desk.services.url("gateway")
    first = seed(url)
    assert len(set(first.doctor_ids)) == len(DOCTORS)
    timed = f"/doctors/{first.doctor_ids[-1]}/schedule"
    before = (await desk.get(timed)).json()
    assert len(before["entries"]) >= 1
    changed = await desk.clients[0].put(f"{timed}", json={"entries": before["entries"][:1]})
    assert changed.status_code == 200, changed.text
    try:
        assert seed(url) == first
        assert (await desk.get(timed)).json() == {name: changed.json()[name] for name in ("entries", "version")}
    finally:
        await desk.clients[0].put(timed, json={"entries": before["entries"]})


async def test_the_tables_have_what_doctors_are_given(desk: Desk) -> None:
    seed(desk.services.url("gateway"))
    for path, names in (("/categories", CATEGORIES), ("/price-ranges", [name for name, *_ in PRICE_RANGES])):
        listed = (await desk.get(path, limit=200)).json()["items"]
        assert {one["name"] for one in listed} >= set(names)
    (mei,) = [one for one in (await desk.get("/doctors", q="mei-chan")).json()["items"] if one["code"] == "mei-chan"]
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
async def test_it_is_found_however_old_the_data_is(desk: Desk, superuser: Callable[..., Any], days: int) -> None:
    url = desk.services.url("gateway")
    first = seed(url)
    assert first.missing == []
    await months_pass(superuser, days)
    assert seed(url) == first


async def test_the_race_can_be_run_again_however_old_the_data_is(desk: Desk, superuser: Callable[..., Any]) -> None:
    api = f"{desk.services.url('gateway')}/api/v1"
    first = await run(api)
    await months_pass(superuser, 34)
    again = await run(api)
    assert first.as_it_must and again.as_it_must
    assert {one.patient_id for one in again.attempts} == {one.patient_id for one in first.attempts}


async def test_who_was_renamed_is_found_and_who_was_deleted_is_told(desk: Desk, superuser: Callable[..., Any]) -> None:
    """On a clinic of users by now nothing of theirs is made again, and nothing stops a start."""
    url = desk.services.url("gateway")
    first = seed(url)
    tom = (await desk.get(f"/patients/{first.patient_ids[1]}")).json()
    renamed = await desk.clients[0].patch(f"/patients/{tom['id']}", json={"name": "Thomas Adeyemi"})
    assert renamed.status_code == 200
    try:
        assert seed(url) == first
        await months_pass(superuser, 34)
        assert seed(url) == first
    finally:
        await desk.clients[0].patch(f"/patients/{tom['id']}", json={"name": tom["name"]})
