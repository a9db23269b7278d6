"""Commands over a real Kafka: what is produced, the reply that answers, and what happens without one."""

from datetime import timedelta
from uuid import UUID

from shared.contracts.commands import DECIDE_WITHIN_SECONDS, Answer
from shared.contracts.envelope import day_key
from shared.contracts.later_values import value_of
from shared.contracts.problems import Code
from tests.integration.gateway.conftest import API, BOOKED, CLINIC, Commands, FakeOwners, Process, stored

RUNNING = 202


async def test_a_command_is_answered_by_its_reply(gateway: Process, commands: Commands) -> None:
    asked = gateway.book()
    key, command = await commands.next()
    assert key == day_key(CLINIC, command.doctor_id, command.date)
    assert command.reply_partition in gateway.app.state.gateway.replies.partitions
    assert command.decide_by - command.accepted_at == timedelta(seconds=DECIDE_WITHIN_SECONDS)
    await commands.reply(command, BOOKED)
    answer = await asked
    assert (answer.status_code, answer.json()) == (201, BOOKED.result)
    assert answer.headers["Location"] == f"{API}/appointments/{UUID(int=4)}"
    assert answer.headers["Command-Id"] == str(command.command_id)
    assert "Idempotent-Replayed" not in answer.headers


async def test_a_refusal_is_a_problem_and_a_stored_answer_says_so(gateway: Process, commands: Commands) -> None:
    asked = gateway.book(**{"Idempotency-Key": "k", "Prefer": "wait=20"})
    _, command = await commands.next()
    await commands.reply(command, Answer.refusal(Code.FULL), replayed=True)
    answer = await asked
    assert (answer.status_code, answer.json()["code"]) == (409, "full")
    assert answer.headers["Idempotent-Replayed"] == "true"
    assert answer.headers["Preference-Applied"] == "wait=20"


async def test_a_refusal_by_a_code_of_a_later_release_is_told_as_it_came(
    gateway: Process, commands: Commands, owners: FakeOwners
) -> None:
    later = Answer(status_code=422, code=value_of(Code, "of_a_later_release"))
    for told in (commands.reply, None):
        asked = gateway.book(Prefer="wait=30")
        _, command = await commands.next()
        if told:
            await told(command, later)
        else:
            owners.outcomes = [stored(command).model_copy(update={"answer": later})]
        answer = await asked
        assert (answer.status_code, answer.json()["status"], answer.json()["code"]) == (422, 422, later.code)
    looked = (await gateway.http.get(f"{API}/commands/{command.command_id}")).json()
    assert (looked["status_code"], looked["problem"]["status"], looked["problem"]["code"]) == (422, 422, later.code)


async def test_an_outcome_that_cannot_be_read_hides_no_other(gateway: Process, commands: Commands, owners: FakeOwners) -> None:
    asked = gateway.book(Prefer="wait=30")
    _, command = await commands.next()
    known = stored(command).model_dump(mode="json")
    owners.answers["/internal/commands/look"] = (200, {"outcomes": [{"clinic_id": 7, "answer": {}}, known]})
    assert (await asked).status_code == 201


async def test_replies_that_cannot_be_read_stop_nothing(gateway: Process, commands: Commands) -> None:
    asked = gateway.book()
    _, command = await commands.next()
    await commands.babble(command.reply_partition)
    await commands.reply(command, BOOKED)
    assert (await asked).status_code == 201


async def test_without_its_reply_an_outcome_is_found_by_polling(gateway: Process, commands: Commands, owners: FakeOwners) -> None:
    asked = gateway.book(Prefer="wait=30")
    _, command = await commands.next()
    owners.outcomes = [stored(command)]
    assert (await asked).status_code == 201


async def test_a_key_that_belongs_to_another_request_is_found_by_polling(
    gateway: Process, commands: Commands, owners: FakeOwners
) -> None:
    asked = gateway.book(Prefer="wait=30")
    _, command = await commands.next()
    owners.outcomes = [stored(command, body_hash="another")]
    assert (await asked).json()["code"] == "key_reused"


async def test_who_does_not_wait_gets_a_ticket(gateway: Process, commands: Commands, owners: FakeOwners) -> None:
    answer = await gateway.book(Prefer="respond-async")
    assert (answer.status_code, answer.json()["status"]) == (RUNNING, "running")
    assert answer.headers["Retry-After"] == "1"
    _, command = await commands.next()

    location = answer.headers["Location"]
    waiting = await gateway.http.get(location)
    assert (waiting.status_code, waiting.json()["command_id"]) == (RUNNING, str(command.command_id))
    owners.outcomes = [stored(command)]
    done = await gateway.http.get(location)
    assert (done.status_code, done.json()["status"], done.json()["result"]) == (200, "succeeded", BOOKED.result)


async def test_without_its_ticket_a_running_command_is_unknown(gateway: Process) -> None:
    location = (await gateway.book(Prefer="respond-async")).headers["Location"]
    path, _, ticket = location.partition("?")
    other = f"{API}/commands/{UUID(int=9)}"
    for asked in (path, f"{path}?ticket=a.b", f"{other}?{ticket}"):
        answer = await gateway.http.get(asked)
        assert (answer.status_code, answer.json()["code"]) == (404, "unknown_command")


async def test_an_outcome_is_told_to_its_principal_only(gateway: Process, commands: Commands, owners: FakeOwners) -> None:
    await gateway.book(Prefer="respond-async")
    _, command = await commands.next()
    owners.outcomes = [stored(command).model_copy(update={"principal": "somebody"})]
    assert (await gateway.http.get(f"{API}/commands/{command.command_id}")).status_code == 404


async def test_a_decided_command_is_known_without_a_ticket(gateway: Process, commands: Commands, owners: FakeOwners) -> None:
    """The service that replies last may be faster than the event by which the holder settles the outcome."""
    await gateway.book(Prefer="respond-async")
    _, command = await commands.next()
    owners.outcomes = [stored(command).model_copy(update={"settled_at": None})]
    answer = await gateway.http.get(f"{API}/commands/{command.command_id}")
    assert (answer.status_code, answer.json()["status"]) == (RUNNING, "running")
    assert (answer.headers["Location"], answer.headers["Retry-After"]) == (f"{API}/commands/{command.command_id}", "1")


async def test_ids_that_do_not_exist_are_refused_before_kafka(gateway: Process, commands: Commands, owners: FakeOwners) -> None:
    body = {"doctor_id": str(UUID(int=11)), "patient_id": str(UUID(int=12)), "date": "2026-03-02"}
    owners.unknown = {str(UUID(int=12))}
    answer = await gateway.http.post(f"{API}/appointments", json=body)
    assert (answer.status_code, answer.json()["code"]) == (404, "unknown_patient")
    owners.unknown = {str(UUID(int=11)), str(UUID(int=12))}

    asked = gateway.book()
    _, command = await commands.next()
    assert command.doctor_id != UUID(int=11)
    await commands.reply(command, BOOKED)
    assert (await asked).status_code == 201


async def test_owners_that_are_away_hold_up_no_command(gateway: Process, commands: Commands, owners: FakeOwners) -> None:
    owners.away = True
    asked = gateway.book()
    _, command = await commands.next()
    await commands.reply(command, BOOKED)
    assert (await asked).status_code == 201


async def test_a_ticket_tells_of_its_own_body(gateway: Process, commands: Commands, owners: FakeOwners) -> None:
    """The same key with another body: the outcome of the first request is not the second one's."""
    accepted = await gateway.book(Prefer="respond-async")
    _, command = await commands.next()
    owners.outcomes = [stored(command, body_hash="another")]
    answer = await gateway.http.get(accepted.headers["Location"])
    assert (answer.status_code, answer.json()["status"], answer.json()["problem"]["code"]) == (200, "refused", "key_reused")
    assert answer.json().get("result") is None
