"""`kill -9` of each service, of Kafka and of PostgreSQL in the middle of 500 commands; SIGTERM to each service.

Whatever is killed is started again after a while, as a supervisor would. No client sees more of it than a broken connection,
a 202 or a 503, and the checker finds nothing.
"""

import asyncio
import signal

import pytest

from deploy import installation
from tests.faults.load import SHARE, Load
from tests.faults.rounds import TIMEOUT_SECONDS, Round, Rounds, each_round
from tests.faults.system import System, instances

SERVICES = installation.names()

VICTIMS = (*SERVICES, "kafka", "postgres")
AWAY_REQUESTS = round(60 * SHARE)
"""After so many more requests at most what was killed is started again."""

pytestmark = pytest.mark.timeout(TIMEOUT_SECONDS)


@each_round
@pytest.mark.parametrize("victim", VICTIMS)
async def test_killed(rounds: Rounds, victim: str, number: int) -> None:
    async with rounds.round(f"kill {victim}", number) as played:
        load = await Load.of(played.client, played.dice)
        await played.together(load.run(), kill(rounds.system, played, victim))
        assert load.missing() == {}


async def kill(system: System, played: Round, victim: str) -> None:
    """Kills one of a service's processes, or both, or a server; starts them again after a while."""
    names = [victim]
    if victim in SERVICES:
        one, two = instances(victim)
        names = played.dice.choice(([one], [two], [one, two]))
    await played.moment()
    await asyncio.gather(*map(system.crash, names))
    played.tell(f"{' and '.join(names)} killed")
    await played.a_while(AWAY_REQUESTS)
    await asyncio.gather(*map(system.start, names))
    played.tell(f"{' and '.join(names)} back")


@each_round
async def test_asked_to_end(rounds: Rounds, number: int) -> None:
    """SIGTERM to one process of each service, each at a moment of its own."""
    async with rounds.round("SIGTERM", number) as played:
        load = await Load.of(played.client, played.dice)
        await played.together(load.run(), *(end(rounds.system, played, service) for service in SERVICES))
        assert load.missing() == {}


async def end(system: System, played: Round, service: str) -> None:
    """Asks one of a service's processes to end, which it does by itself, and starts it again."""
    name = played.dice.choice(instances(service))
    await played.moment()
    await system.stop(name)
    assert system.services[name].process.exit_code in (0, -signal.SIGTERM), f"{name} did not end by itself"
    played.tell(f"{name} ended")
    await system.start(name)
