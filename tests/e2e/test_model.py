"""The machine of `tests/model` against the running system, by lives of fixed seeds; more of them in `make soak`."""

import asyncio
import os
from collections.abc import Callable
from typing import Any

import pytest

from tests.model.machine import Run, play
from tests.model.office import Office
from tests.model.over_http import OverHttp
from tests.support.clinic import Clinic

LIVES = int(os.environ.get("MODEL_LIVES", "1"))


@pytest.fixture
async def wire(clinic: Clinic, superuser: Callable[..., Any]) -> OverHttp:
    return OverHttp(clinic, await superuser("availability"), await superuser("booking"))


@pytest.fixture
async def run() -> Run[Any]:
    """Runs a coroutine on the loop of the session, which waits while a test that is none runs."""
    return asyncio.get_running_loop().run_until_complete


@pytest.mark.timeout(180 + 20 * LIVES)
@pytest.mark.parametrize("first_seed", [6])
def test_the_running_system_answers_as_the_model_does(run: Run[Any], wire: OverHttp, first_seed: int) -> None:
    play(run, lambda: Office(wire), first_seed=first_seed, examples=LIVES)
