"""Every shell block of the README, run by bash as a newcomer pastes it: in order, in one shell, on what `frontdesk up` started.

Only the port differs. The stack is the test's own, so that numbers and positions are those that the README promises.
"""

import json
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.embedded.ports import any_free
from tests.support.readme import README, ROOT, paste, responses, run, shell_blocks
from tests.support.shell import own_environment

pytestmark = [pytest.mark.slow, pytest.mark.embedded]

LINK = re.compile(r"\]\((?!\w+:)([^)#]+)")
START_SECONDS = 240
PASTE_SECONDS = 100


@pytest.fixture(scope="module")
def port() -> int:
    return any_free()


@pytest.fixture(scope="module")
def environment() -> Iterator[dict[str, str]]:
    """A shell whose `frontdesk` is the one under test, with a data folder of its own."""
    folder = Path(tempfile.mkdtemp(prefix="frontdesk-readme-"))
    folder.chmod(0o755)  # PostgreSQL may run under another account than ours
    inherited = own_environment()
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    yield inherited | {"PATH": path, "FRONTDESK_HOME": str(folder), "NO_COLOR": "1"}
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def table(port: int, environment: dict[str, str]) -> Iterator[str]:
    """What `frontdesk up` prints; the stack runs until the module is done, or the README has stopped it."""
    try:
        yield run(f"frontdesk up --detach --port {port}", environment, START_SECONDS)
    finally:
        run("frontdesk down --purge", environment, START_SECONDS)


@pytest.fixture(scope="module")
def pasted(table: str, port: int, environment: dict[str, str]) -> dict[str, str]:
    """Output of each block by the heading above it."""
    return paste(shell_blocks(README.replace(":8000", f":{port}")), environment, PASTE_SECONDS)


def test_every_shell_block_is_run(pasted: dict[str, str]) -> None:
    assert len(pasted) == README.count("```bash\n") > 0


def test_the_ids_are_those_that_up_prints(table: str) -> None:
    ids = re.findall(r"^(?:ADA|MAYA)=(.+)$", README, re.MULTILINE)
    assert len(ids) == 2 and all(f'"{one}"' in table for one in ids)


def test_a_booking_gets_the_first_slot(pasted: dict[str, str]) -> None:
    booked = json.loads(pasted["Book"])
    assert (booked["slot"], booked["status"]) == (1, "booked")


def test_a_check_in_gets_the_first_position(pasted: dict[str, str]) -> None:
    entry, status = pasted["Check in"].splitlines()
    assert status == "201"
    assert json.loads(entry)["position"] == 1
    assert json.loads(entry)["appointment_id"] == json.loads(pasted["Book"])["id"]


def test_the_queue_has_who_checked_in(pasted: dict[str, str]) -> None:
    (entry,) = json.loads(pasted["See the queue"])["items"]
    assert entry == json.loads(pasted["Check in"].splitlines()[0])


def test_a_second_check_in_is_refused(pasted: dict[str, str]) -> None:
    problem = json.loads(pasted["Be refused"])
    assert (problem["status"], problem["code"]) == (409, "already_checked_in")


def test_a_booking_sent_twice_is_one_appointment(pasted: dict[str, str]) -> None:
    (first_head, first), (second_head, second) = responses(pasted["Send it twice"])
    assert first_head.startswith("http/1.1 201") and second_head.startswith("http/1.1 201")
    assert first == second and first["slot"] == 2
    assert "idempotent-replayed" not in first_head and "idempotent-replayed: true" in second_head


def test_ten_of_fifty_get_a_place(pasted: dict[str, str]) -> None:
    assert re.search(r"201 booked +10\n +409 full +40\n", pasted["Let them race"])


def test_a_decision_is_explained(pasted: dict[str, str]) -> None:
    told = pasted["Ask why"]
    assert told.index("appointment_booked") < told.index("appointment_checked_in") < told.index("entry_queued")
    assert "0 records are not processed" in told


def test_what_is_cancelled_is_that_appointment(pasted: dict[str, str]) -> None:
    cancelled = json.loads(pasted["Cancel"])
    assert cancelled["status"] == "cancelled"
    assert cancelled["id"] == responses(pasted["Send it twice"])[0][1]["id"]


def test_the_commands_show_the_stack_and_stop_it(pasted: dict[str, str], port: int, environment: dict[str, str]) -> None:
    assert "✓ gateway" in pasted["Look"]
    assert f"API_URL=http://127.0.0.1:{port}/api/v1" in pasted["Look"]
    assert '"service":"booking"' in pasted["Look"]
    assert pasted["Stop"].startswith("stopped\n")
    assert "nothing is running" in run("frontdesk status || test $? = 4", environment, PASTE_SECONDS)


def test_what_is_offered_is_made(pasted: dict[str, str]) -> None:
    category, prices = map(json.loads, pasted["What is offered"].splitlines())
    assert (category["name"], prices["name"], prices["min"], prices["max"]) == ("Cardiology", "Private", 9000, 18000)


def test_a_doctor_is_read_in_the_reader_s_language(pasted: dict[str, str]) -> None:
    doctor = json.loads(pasted["A doctor"])
    assert (doctor["category"]["name"], doctor["price_range"]["name"]) == ("Cardiology", "Private")
    assert [place["address"] for place in doctor["locations"]] == ["倫敦海港路12號", "倫敦磨坊巷3號"]


def test_a_week_is_read_as_it_was_written(pasted: dict[str, str]) -> None:
    week, (harbour, mill) = json.loads(pasted["Her week"]), [place["id"] for place in json.loads(pasted["A doctor"])["locations"]]
    assert [entry["weekday"] for entry in week["entries"]] == ["mon", "mon", "tue", "wed", "thu", "fri", "sat", "sun"]
    assert [entry["location_id"] for entry in week["entries"]] == [harbour, mill, *[harbour] * 4, mill, mill]
    assert week["displaced"] == []


def test_the_earliest_open_slot_is_booked(pasted: dict[str, str]) -> None:
    slots, booked = json.loads(pasted["Her open slots"])["items"], json.loads(pasted["Book one"])
    assert len(slots) == 2 and slots[0]["local_start"][11:16] in ("09:00", "10:00")
    taken = {name: slots[0][name] for name in ("doctor_id", "location_id", "starts_at", "ends_at", "date")}
    assert {name: booked[name] for name in taken} == taken
    assert (booked["slot_id"], booked["status"]) == (slots[0]["id"], "booked")


def test_a_day_off_displaces_the_appointment_and_leaves_nothing_open(pasted: dict[str, str]) -> None:
    closed, left = map(json.loads, pasted["A day off"].splitlines())
    assert [one["id"] for one in closed["displaced"]] == [json.loads(pasted["Book one"])["id"]]
    assert left["items"] == []


def test_what_is_found_is_held_and_confirmed(pasted: dict[str, str]) -> None:
    slots, held, confirmed = (json.loads(pasted[heading]) for heading in ("Search", "Hold", "Confirm"))
    assert len(slots["items"]) == 3 and {slot["doctor_id"] for slot in slots["items"]} == {json.loads(pasted["A doctor"])["id"]}
    assert (held["slot_id"], held["status"]) == (slots["items"][0]["id"], "pending") and held["expires_at"]
    assert confirmed == held | {
        "status": "booked", "expires_at": None, "version": 2, "updated_at": confirmed["updated_at"],
    }  # fmt: skip


def test_what_was_booked_is_moved_and_given_back(pasted: dict[str, str]) -> None:
    confirmed, moved = json.loads(pasted["Confirm"]), json.loads(pasted["Move"])
    assert moved["id"] == confirmed["id"] and moved["status"] == "booked"
    assert moved["date"] > confirmed["date"] and moved["slot_id"] != confirmed["slot_id"]
    cancelled, history = map(json.loads, pasted["Give it back"].splitlines())
    assert (cancelled["id"], cancelled["status"]) == (moved["id"], "cancelled")
    assert [change["event"] for change in history["items"]] == ["held", "confirmed", "moved", "cancelled"]
    assert (history["items"][-1]["reason"], history["items"][-1]["note"]) == ("patient", "Well again")


def test_what_the_readme_links_to_exists() -> None:
    links = LINK.findall(README)
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []
