"""A registry call whose transaction a rival undid is done again from the start, and only such a one."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any, cast
from uuid import UUID, uuid4

import pytest
from asyncpg import exceptions as pg
from starlette.requests import Request

from shared.contracts.problems import Code
from shared.infra import calls
from shared.infra.budget import Budget
from shared.infra.caller import Caller
from shared.infra.calls import ATTEMPTS, in_unit
from shared.infra.errors import UnknownClinic
from shared.infra.problems import ProblemError

pytestmark = pytest.mark.unit

CALLER = Caller(uuid4(), "open", "open", None, "req-1", budget=Budget.of(60_000))


class Clinics:
    """Hands out units, and counts them."""

    def __init__(self) -> None:
        self.opened: list[UUID] = []

    @asynccontextmanager
    async def registry(self, clinic: UUID, budget: Budget | None) -> AsyncIterator[int]:
        assert budget is CALLER.budget
        self.opened.append(clinic)
        yield len(self.opened)

    @property
    def request(self) -> Request:
        """A request to a process with these units."""
        state = SimpleNamespace(runtime=SimpleNamespace(units=self))
        return cast(Request, SimpleNamespace(app=SimpleNamespace(state=state)))


def failing(error: Exception, times: int) -> Any:
    """A use case that fails so often, then answers with the number of its unit."""

    async def use_case(unit: Any) -> int:
        if unit <= times:
            raise error
        return int(unit)

    return use_case


@pytest.mark.parametrize("error", [pg.DeadlockDetectedError("deadlock"), pg.UniqueViolationError("faster")], ids=repr)
async def test_a_rival_costs_the_caller_a_moment(error: Exception) -> None:
    clinics = Clinics()
    assert await in_unit(clinics.request, CALLER, failing(error, times=2)) == 3
    assert clinics.opened == [CALLER.clinic_id] * 3


async def test_who_is_always_outrun_is_told_so_in_the_end() -> None:
    clinics = Clinics()
    with pytest.raises(pg.DeadlockDetectedError):
        await in_unit(clinics.request, CALLER, failing(pg.DeadlockDetectedError("deadlock"), times=ATTEMPTS))
    assert len(clinics.opened) == ATTEMPTS


@pytest.mark.parametrize("error", [pg.LockNotAvailableError("locked"), ConnectionResetError(), ZeroDivisionError()], ids=repr)
async def test_what_a_repeat_does_not_mend_at_once_is_not_repeated(error: Exception) -> None:
    clinics = Clinics()
    with pytest.raises(type(error)):
        await in_unit(clinics.request, CALLER, failing(error, times=1))
    assert len(clinics.opened) == 1


async def test_a_call_waits_a_moment_for_the_settings_of_its_clinic(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calls, "SETTINGS_PAUSE_SECONDS", 0.01)
    clinics = Clinics()
    assert await in_unit(clinics.request, CALLER, failing(UnknownClinic(), times=ATTEMPTS + 1)) == ATTEMPTS + 2


async def test_without_the_settings_of_its_clinic_a_call_is_refused_with_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calls, "SETTINGS_SECONDS", 0.05)
    monkeypatch.setattr(calls, "SETTINGS_PAUSE_SECONDS", 0.01)
    with pytest.raises(ProblemError) as refused:
        await in_unit(Clinics().request, CALLER, failing(UnknownClinic(), times=1000))
    assert (refused.value.code, refused.value.headers) == (Code.UNAVAILABLE, {"Retry-After": "2"})
    assert refused.value.detail == calls.NOT_HEARD
