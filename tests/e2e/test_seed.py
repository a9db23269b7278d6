"""The demo clinic: made once, found again, and what somebody changed of it stays changed."""

from deploy.seed import CATEGORIES, DOCTORS, PRICE_RANGES, seed
from tests.e2e.desk import Desk


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
