"""Which ids are asked for, and of whom; only what exists is remembered, and who cannot say is no reason to refuse."""

from uuid import UUID

from services.gateway.owners.known_ids import KnownIds
from tests.unit.gateway.parts import CALLER, CLINIC, DOCTOR, PATIENT, FakeRegistry, FakeStore

BOTH = [("doctor", DOCTOR), ("patient", PATIENT)]


async def test_what_the_owner_knows_is_asked_for_once() -> None:
    store, registry = FakeStore(), FakeRegistry()
    known = KnownIds(store, registry)
    for _ in range(3):
        assert await known.first_unknown(CALLER, BOTH) is None
    assert registry.asked == [DOCTOR, PATIENT]
    assert store.known == {("doctor", CLINIC, DOCTOR), ("patient", CLINIC, PATIENT)}


async def test_what_another_gateway_knows_is_not_asked_for() -> None:
    registry = FakeRegistry()
    known = KnownIds(FakeStore({("doctor", CLINIC, DOCTOR), ("patient", CLINIC, PATIENT)}), registry)
    assert await known.first_unknown(CALLER, BOTH) is None
    assert registry.asked == []


async def test_what_does_not_exist_is_asked_for_each_time() -> None:
    registry = FakeRegistry({DOCTOR})
    known = KnownIds(FakeStore(), registry)
    assert await known.first_unknown(CALLER, BOTH) == "patient"
    registry.existing = {DOCTOR, PATIENT}
    assert await known.first_unknown(CALLER, BOTH) is None


async def test_the_doctor_is_named_first() -> None:
    assert await KnownIds(FakeStore(), FakeRegistry(set())).first_unknown(CALLER, BOTH) == "doctor"


async def test_an_owner_that_cannot_say_refuses_nothing_and_teaches_nothing() -> None:
    store, registry = FakeStore(), FakeRegistry(None)
    known = KnownIds(store, registry)
    assert await known.first_unknown(CALLER, BOTH) is None
    assert store.known == set()
    registry.existing = set()
    assert await known.first_unknown(CALLER, BOTH) == "doctor"


async def test_what_was_removed_is_asked_for_again() -> None:
    store, registry = FakeStore(), FakeRegistry()
    known = KnownIds(store, registry)
    assert await known.first_unknown(CALLER, BOTH) is None
    registry.existing = {PATIENT}
    await known.forget(CALLER, "doctor", DOCTOR)
    assert await known.first_unknown(CALLER, BOTH) == "doctor"
    assert store.known == {("patient", CLINIC, PATIENT)}


async def test_an_id_of_one_clinic_is_not_one_of_another() -> None:
    registry = FakeRegistry()
    known = KnownIds(FakeStore(), registry)
    await known.remember(CALLER, "doctor", DOCTOR)
    registry.existing = set()
    stranger = type(CALLER)(UUID(int=99), "open", "open", "desk-1")
    assert await known.first_unknown(stranger, BOTH[:1]) == "doctor"


async def test_the_memory_is_bounded_and_keeps_what_is_used() -> None:
    registry = FakeRegistry()
    known = KnownIds(FakeStore(), registry, max_known=2)
    ids = [UUID(int=number) for number in (10, 11, 12)]
    for one in ids[:2]:
        await known.remember(CALLER, "doctor", one)
    assert await known.first_unknown(CALLER, [("doctor", ids[0])]) is None
    await known.remember(CALLER, "doctor", ids[2])
    assert [key[2] for key in known._until] == [ids[0], ids[2]]
