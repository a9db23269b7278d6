"""Which ids are asked for, and of whom; only what exists is remembered, and who cannot say is no reason to refuse."""

from uuid import UUID

from services.gateway.access.caller import ApiCaller
from services.gateway.owners.known_ids import TTL_SECONDS, EntityId, KnownIds
from shared.contracts.problems import Code
from shared.infra.clockwork import Clock
from shared.infra.problems import ProblemError
from tests.support.clock import FakeClock
from tests.unit.gateway.parts import CALLER, CLINIC, DOCTOR, PATIENT, FakeIdOwners, FakeSharedIds

BOTH: tuple[EntityId, ...] = (("doctor", DOCTOR), ("patient", PATIENT))


async def unknown(known: KnownIds, *entities: EntityId, caller: ApiCaller = CALLER) -> Code | None:
    """What is refused of these ids, or None if they are all taken for known."""
    try:
        await known.require(caller, *entities)
    except ProblemError as problem:
        return problem.code
    return None


async def test_what_the_owner_knows_is_asked_for_once() -> None:
    shared, owners = FakeSharedIds(), FakeIdOwners()
    known = KnownIds(shared, owners, Clock())
    for _ in range(3):
        assert await unknown(known, *BOTH) is None
    assert owners.asked == [DOCTOR, PATIENT]
    assert shared.known == {("doctor", CLINIC, DOCTOR), ("patient", CLINIC, PATIENT)}


async def test_what_another_gateway_knows_is_not_asked_for() -> None:
    owners = FakeIdOwners()
    known = KnownIds(FakeSharedIds({("doctor", CLINIC, DOCTOR), ("patient", CLINIC, PATIENT)}), owners, Clock())
    assert await unknown(known, *BOTH) is None
    assert owners.asked == []


async def test_what_does_not_exist_is_asked_for_each_time() -> None:
    owners = FakeIdOwners({DOCTOR})
    known = KnownIds(FakeSharedIds(), owners, Clock())
    assert await unknown(known, *BOTH) == Code.UNKNOWN_PATIENT
    owners.existing = {DOCTOR, PATIENT}
    assert await unknown(known, *BOTH) is None


async def test_the_doctor_is_named_first() -> None:
    assert await unknown(KnownIds(FakeSharedIds(), FakeIdOwners(set()), Clock()), *BOTH) == Code.UNKNOWN_DOCTOR


async def test_an_owner_that_cannot_say_refuses_nothing_and_teaches_nothing() -> None:
    shared, owners = FakeSharedIds(), FakeIdOwners(None)
    known = KnownIds(shared, owners, Clock())
    assert await unknown(known, *BOTH) is None
    assert shared.known == set()
    owners.existing = set()
    assert await unknown(known, *BOTH) == Code.UNKNOWN_DOCTOR


async def test_what_was_removed_is_asked_for_again() -> None:
    shared, owners = FakeSharedIds(), FakeIdOwners()
    known = KnownIds(shared, owners, Clock())
    assert await unknown(known, *BOTH) is None
    owners.existing = {PATIENT}
    await known.forget(CALLER, "doctor", DOCTOR)
    assert await unknown(known, *BOTH) == Code.UNKNOWN_DOCTOR
    assert shared.known == {("patient", CLINIC, PATIENT)}


async def test_an_id_of_one_clinic_is_not_one_of_another() -> None:
    owners = FakeIdOwners()
    known = KnownIds(FakeSharedIds(), owners, Clock())
    await known.remember(CALLER, "doctor", DOCTOR)
    owners.existing = set()
    stranger = type(CALLER)(UUID(int=99), "open", "open", "desk-1")
    assert await unknown(known, BOTH[0], caller=stranger) == Code.UNKNOWN_DOCTOR


async def test_the_memory_is_bounded_and_keeps_what_is_used() -> None:
    owners = FakeIdOwners()
    known = KnownIds(FakeSharedIds(), owners, Clock(), max_known=2)
    ids = [UUID(int=number) for number in (10, 11, 12)]
    for one in ids[:2]:
        await known.remember(CALLER, "doctor", one)
    assert await unknown(known, ("doctor", ids[0])) is None
    await known.remember(CALLER, "doctor", ids[2])
    assert [key[2] for key in known._until] == [ids[0], ids[2]]


async def test_what_is_known_is_known_for_five_minutes() -> None:
    clock, owners = FakeClock(), FakeIdOwners()
    known = KnownIds(FakeSharedIds(), owners, clock)
    await known.remember(CALLER, "doctor", DOCTOR)
    known._shared = FakeSharedIds()
    clock.now = TTL_SECONDS - 1
    await known.require(CALLER, BOTH[0])
    assert owners.asked == []
    clock.now = TTL_SECONDS
    await known.require(CALLER, BOTH[0])
    assert owners.asked == [DOCTOR]
