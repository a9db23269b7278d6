"""A container that does not come up is an error in time, with its last log lines; nothing of it stays."""

import functools
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import docker
import pytest
from testcontainers.core.labels import LABEL_SESSION_ID, SESSION_ID

from deploy.embedded.failure import StackError
from deploy.embedded.ports import LOOPBACK, any_free
from deploy.stores import probes
from tests.support import containers
from tests.support.containers import LAST_LINES, REDIS_PORT, Container, Image

pytestmark = pytest.mark.docker

REDIS = "redis:8"
LONG_SECONDS = 600.0
"""More than a test has: who waits for that long fails."""


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Callable[..., Container]]:
    """`run("redis-server")` is a created container of Redis' image, which is removed after the test; `port` is any."""
    with ExitStack() as removals:

        def created(*command: str, port: int | None = None) -> Container:
            port = port or any_free()
            ask = functools.partial(probes.redis, f"redis://{LOOPBACK}:{port}/0")
            container = Container(Image(REDIS, command), REDIS_PORT, port, ask, tmp_path / "redis.log")
            removals.callback(container.remove)
            container.create()
            return container

        yield created


def ours() -> set[str]:
    """Containers of this session, running or not."""
    client = docker.from_env()
    try:
        return {found.id for found in client.containers.list(all=True, filters={"label": f"{LABEL_SESSION_ID}={SESSION_ID}"})}
    finally:
        client.close()


def test_one_that_ends_at_once_is_told_with_what_it_said_last(run: Callable[..., Container]) -> None:
    container = run("sh", "-c", "seq 1 100; exit 3")
    with pytest.raises(StackError) as failed:
        container.wait_ready(LONG_SECONDS)
    first, heading, *lines = str(failed.value).splitlines()
    assert first == "the container of redis:8 did not start: it ended with code 3"
    assert heading == "  its last log lines:"
    assert [int(line) for line in lines] == list(range(101 - LAST_LINES, 101))


def test_one_that_never_answers_is_told_at_the_deadline(run: Callable[..., Container]) -> None:
    container = run("sh", "-c", f"echo thinking; exec sleep {LONG_SECONDS:.0f}")
    with pytest.raises(StackError, match=r"no answer within 2 s(?s:.*)\n    thinking$"):
        container.wait_ready(within_seconds=2)


def test_one_that_docker_cannot_make_is_told(run: Callable[..., Container]) -> None:
    port = any_free()
    with socket.create_server((LOOPBACK, port)), pytest.raises(StackError, match=r"redis:8 could not be made: .*already in use"):
        run("redis-server", port=port)


def test_what_it_said_is_kept_when_it_goes(run: Callable[..., Container], tmp_path: Path) -> None:
    container = run("redis-server", "--save", "")
    container.wait_ready()
    before = ours()
    container.remove()
    assert len(ours()) == len(before) - 1
    assert "Ready to accept connections" in (tmp_path / "redis.log").read_text()


def test_if_one_of_the_three_fails_none_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fine, broken = Image(REDIS, ("sleep", f"{LONG_SECONDS:.0f}")), Image(REDIS, ("sh", "-c", "echo no luck; exit 1"))
    images = {"kafka": (broken, REDIS_PORT), "redis": (fine, REDIS_PORT), "postgres": (fine, REDIS_PORT)}
    monkeypatch.setattr(containers, "images", lambda *_: images)
    before = ours()
    with pytest.raises(StackError, match="it ended with code"), containers.containers(tmp_path):
        pytest.fail("it did not start")
    assert ours() == before
