"""The machine of `tests/model` against handlers and registry on the real Postgres: every answer is the model's as well."""

import asyncio
import os
from collections.abc import Callable
from typing import Any

import pytest

from tests.flow.system import System
from tests.model.in_process import InProcess
from tests.model.machine import Run, play
from tests.model.office import Office

LIVES = int(os.environ.get("MODEL_LIVES", "2"))


@pytest.fixture
async def wire(system: System, superuser: Callable[..., Any]) -> InProcess:
    return InProcess(system, await superuser("availability"), await superuser("booking"))


@pytest.fixture
async def run() -> Run[Any]:
    """Runs a coroutine on the loop of the session, which waits while a test that is none runs."""
    return asyncio.get_running_loop().run_until_complete


@pytest.mark.timeout(180 + 20 * LIVES)
@pytest.mark.parametrize("first_seed", [2])
def test_the_services_answer_as_the_model_does(run: Run[Any], wire: InProcess, first_seed: int) -> None:
    play(run, lambda: Office(wire), first_seed=first_seed, examples=LIVES)
