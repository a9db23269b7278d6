"""Given servers: those that cannot be used are named, somebody's data is not touched, what a session made is gone after it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from deploy import blocking
from deploy.embedded.failure import StackError
from deploy.embedded.ports import LOOPBACK, any_free
from deploy.embedded.servers import EmbeddedServers
from deploy.stores import databases, topics
from tests.support import given as given_servers
from tests.support.given import ADDRESSES, KAFKA, OURS, POSTGRES, REDIS, Content, content, given
from tests.support.servers import own_folder
from tests.support.waiting import eventually

pytestmark = pytest.mark.embedded


@pytest.fixture(scope="module")
def empty() -> Iterator[EmbeddedServers]:
    """Somebody's servers, on which nothing is."""
    with own_folder() as folder:
        servers = EmbeddedServers(folder)
        try:
            servers.start()
            yield servers
        finally:
            servers.stop()
            servers.purge()


@pytest.fixture(autouse=True)
def addresses(monkeypatch: pytest.MonkeyPatch, empty: EmbeddedServers) -> None:
    """They are given."""
    for name, address in zip(ADDRESSES, (empty.postgres_dsn(), empty.kafka_bootstrap, empty.redis_url), strict=True):
        monkeypatch.setenv(name, address)


def found(servers: EmbeddedServers) -> Content:
    """What is on the servers."""
    return blocking.run(content(servers))


def listed(servers: EmbeddedServers) -> Content:
    """What is on the servers once every declared topic is: a broker lists a new one a moment after it has made it."""

    async def look() -> Content:
        now = await content(servers)
        assert now.topics >= OURS.topics
        return now

    return blocking.run(eventually(look))


def test_each_server_that_does_not_answer_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    nobody = f"{LOOPBACK}:{any_free()}"
    monkeypatch.setenv(POSTGRES, f"postgresql://postgres@{nobody}")
    monkeypatch.setenv(KAFKA, nobody)
    monkeypatch.setenv(REDIS, f"redis://{nobody}/0")
    with pytest.raises(StackError) as failed, given(tmp_path):
        pytest.fail("nobody is there")
    first, *lines = str(failed.value).splitlines()
    assert first == "TEST_BACKEND=urls: not every server can be used"
    assert [line.strip().partition(":")[0] for line in lines] == [*ADDRESSES]


def test_what_a_session_made_is_gone_after_it(empty: EmbeddedServers, tmp_path: Path) -> None:
    before = found(empty)
    with given(tmp_path):
        for ours, now in zip(OURS, listed(empty), strict=True):
            assert ours <= now
    assert found(empty) == before


def test_what_a_killed_session_left_is_replaced(monkeypatch: pytest.MonkeyPatch, empty: EmbeddedServers, tmp_path: Path) -> None:
    async def killed(*_: Any) -> None: ...

    before = found(empty)
    with monkeypatch.context() as killing:
        killing.setattr(given_servers, "_reduce_to", killed)
        with given(tmp_path / "killed"):
            pass
    assert found(empty).databases > before.databases
    with given(tmp_path / "next"):
        assert found(empty).databases == before.databases | OURS.databases
    assert found(empty) == before


def test_databases_and_topics_of_somebody_are_left_alone(empty: EmbeddedServers, tmp_path: Path) -> None:
    before = found(empty)
    databases.prepare(empty.postgres_dsn(), empty.secrets.passwords(databases.role_names()))
    blocking.run(topics.create_topics(empty.kafka_connection))
    somebodys = listed(empty)
    with pytest.raises(StackError, match=r"tests have not made these.*availability.*booking\.commands"), given(tmp_path):
        pytest.fail("they are somebody's")
    assert found(empty) == somebodys != before
