"""Who is who: people as they write themselves, found as others type them, and what the id of a merged patient stands for."""

from uuid import uuid4

from tests.support.clinic import Clinic, bad_fields, problem_of


async def test_residents_of_a_home_are_told_apart_by_their_extensions(clinic: Clinic) -> None:
    number = f"0161 {uuid4().int % 10**7:07d}"
    first = await clinic.post("/patients", {"name": "Ada Lovelace", "phone": f"{number} x12"})
    second = await clinic.post("/patients", {"name": "Byron King", "phone": f"{number};ext=13"})
    assert [(answer.status_code, answer.json()["phone_extension"]) for answer in (first, second)] == [(201, "12"), (201, "13")]
    found = await clinic.get("/patients", phone=f"{number} ext 13")
    assert [one["id"] for one in found.json()["items"]] == [second.json()["id"]]
    shortened = await clinic.post("/patients", {"name": "Ada", "phone": "4.47701E+11", "nhs_number": "9999999999"})
    assert bad_fields(shortened) == {"phone", "nhs_number"}


async def test_a_name_is_found_without_its_marks_and_a_plus_that_came_as_a_blank(clinic: Clinic) -> None:
    family = f"Núñez{uuid4().hex[:8]}"
    made = (await clinic.post("/patients", {"name": f"José {family}", "phone": "+45 32 58 63 90"})).json()
    plain = family.replace("ú", "u").replace("ñ", "n")
    for query in ({"name": f"jose {plain}"}, {"name": plain.upper(), "phone": " 4532586390"}):
        assert [one["id"] for one in (await clinic.get("/patients", **query)).json()["items"]] == [made["id"]]
    assert (await clinic.delete(f"/patients/{made['id']}")).status_code == 204


async def test_a_merged_id_says_whose_it_is_now(clinic: Clinic) -> None:
    person = {"name": f"Ann‑Marie O’Brien {uuid4().hex[:8]}", "phone": f"+4478{uuid4().int % 10**8:08d}"}
    loser, survivor = (await clinic.post("/patients", person)).json()["id"], await clinic.patient()
    assert (await clinic.post(f"/patients/{loser}/merge", {"into": survivor})).status_code == 200
    typed = person["name"].replace("‑", "-").replace("’", "'")
    again = await clinic.post("/patients", {**person, "name": typed})
    read = await clinic.get(f"/patients/{loser}")
    for answer in (again, read):
        assert (answer.status_code, answer.json()["id"], answer.json()["merged_into"]) == (200, survivor, survivor)
    refused = await clinic.delete(f"/patients/{loser}")
    assert problem_of(refused) == (409, "patient_merged") and refused.json()["merged_into"] == survivor
    assert (await clinic.get(f"/patients/{survivor}")).json()["status"] == "active"
