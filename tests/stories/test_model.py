"""The machine of `tests/model` against the services, by lives of fixed seeds: every answer is the model's as well.

More lives in `make soak`.
"""

import asyncio
import os
from collections.abc import Callable
from typing import Any

import pytest

from tests.model.machine import Run, play
from tests.model.office import Office
from tests.support.clinic import Clinic
from tests.support.transports import IN_PROCESS

LIVES = int(os.environ.get("MODEL_LIVES", "0"))
"""How many there are to be, if not as many as each transport has time for."""


@pytest.fixture
async def office(clinic: Clinic, superuser: Callable[..., Any]) -> Callable[[], Office]:
    availability, booking = await superuser("availability"), await superuser("booking")
    return lambda: Office(clinic, availability, booking)


@pytest.fixture
async def run() -> Run[Any]:
    """Runs a coroutine on the loop of the session, which waits while a test that is none runs."""
    return asyncio.get_running_loop().run_until_complete


@pytest.mark.timeout(180 + 20 * LIVES)
def test_the_services_answer_as_the_model_does(run: Run[Any], office: Callable[[], Office], transport: str) -> None:
    first_seed, lives = (2, 2) if transport == IN_PROCESS else (6, 1)
    play(run, office, first_seed=first_seed, examples=LIVES or lives)
