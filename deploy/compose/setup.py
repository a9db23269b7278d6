"""Prepares the stores of a composed system: roles, databases, schemas, topics. Services start after it has ended well.

It runs at every `docker compose up`, so that a newer image brings its migrations. Called by `python -m deploy.compose`.
"""

from collections.abc import Awaitable, Callable
from pathlib import Path

import asyncpg
import structlog
from tenacity import AsyncRetrying, retry_if_not_exception_type, stop_after_delay, wait_fixed

from deploy import blocking
from deploy.addresses import Addresses
from deploy.compose.secrets import SETUP, superuser_dsn
from deploy.failure import Failure
from deploy.secrets import Secrets
from deploy.stores import probes
from deploy.stores.migrations import prepare_and_migrate
from deploy.stores.topics import create_topics

log = structlog.get_logger()

WAIT_SECONDS = 60
RETRY_SECONDS = 0.5


def set_up(folder: Path) -> None:
    """Everything that services expect of their stores, made or brought to its newest."""
    secrets, kafka = Secrets(folder / SETUP), Addresses().kafka()
    server = superuser_dsn(secrets)
    blocking.run(_wait_until_served("postgres", lambda: probes.postgres(server)))
    log.info("schemas_newest", services=prepare_and_migrate(server, secrets))
    blocking.run(_wait_until_served("kafka", lambda: probes.kafka(kafka)))
    # The one broker here acknowledges before its disk has the record: a power cut could take commands that a client was promised.
    topics = blocking.run(create_topics(kafka, flush_commands=True))
    log.info("topics_ready", made=len(topics.created), there=len(topics.existing))
    for change in topics.changed:
        log.info("topic_brought_into_line", change=change)
    for difference in topics.differences:
        log.warning("topic_not_as_declared", difference=difference)


async def _wait_until_served(store: str, probe: Callable[[], Awaitable[None]]) -> None:
    """Wait until a store answers as a client needs it: its container is healthy before that."""
    try:
        async for attempt in AsyncRetrying(
            stop=stop_after_delay(WAIT_SECONDS),
            wait=wait_fixed(RETRY_SECONDS),
            retry=retry_if_not_exception_type(asyncpg.InvalidPasswordError),
            reraise=True,
        ):
            with attempt:
                await probe()
    except asyncpg.InvalidPasswordError:
        raise Failure(
            "PostgreSQL's data has another password than the secrets: their volumes belong together"
            "\n  try: docker compose down --volumes, which removes all data"
        ) from None
    except Exception as error:
        raise Failure(f"{store} does not serve after {WAIT_SECONDS} s: {type(error).__name__}") from error
