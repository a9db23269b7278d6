"""What a session says of its backend before it starts, and which tests it leaves out."""

from types import SimpleNamespace
from typing import Any, cast

import pytest

from tests.support import selection, summary
from tests.support.given import ADDRESSES


def item(*fixtures: str, marked: str = "") -> Any:
    """A test as pytest collects it."""
    return SimpleNamespace(fixturenames=fixtures, get_closest_marker=lambda name: name == marked)


def run(items: list[Any]) -> tuple[list[Any], list[str]]:
    """The tests that stay, and what the summary says."""
    config = cast(
        pytest.Config, SimpleNamespace(stash=pytest.Stash(), hook=SimpleNamespace(pytest_deselected=lambda items: None))
    )
    selection.leave_out(config, items)
    return items, [line for _, lines in summary.sections(config) for line in lines]


def test_an_unknown_backend_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_BACKEND", "podman")
    with pytest.raises(pytest.UsageError, match="podman is not one of embedded, testcontainers, urls"):
        selection.check()


def test_given_servers_need_all_their_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_BACKEND", "urls")
    for name in ADDRESSES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TEST_REDIS_URL", "redis://127.0.0.1:1")
    with pytest.raises(pytest.UsageError, match=r"needs TEST_POSTGRES_URL, TEST_KAFKA_BOOTSTRAP_SERVERS$"):
        selection.check()


@pytest.mark.parametrize("named", ["", "embedded"])
def test_the_embedded_servers_run_everything_but_what_needs_docker(monkeypatch: pytest.MonkeyPatch, named: str) -> None:
    monkeypatch.setenv("TEST_BACKEND", named)
    stay = [item("stores"), item(marked="embedded")]
    assert run([*stay, item(marked="docker")]) == (stay, ["TEST_BACKEND=embedded left out 1 tests that need Docker"])


def test_containers_leave_out_what_starts_servers_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_BACKEND", "testcontainers")
    stay = [item("stores"), item(marked="docker")]
    items, said = run([*stay, item(marked="embedded")])
    assert items == stay
    assert said == ["TEST_BACKEND=testcontainers left out 1 tests that start embedded servers of their own"]


def test_nobody_kills_given_servers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_BACKEND", "urls")
    stays = item("servers")
    items, said = run([stays, item("servers", "stores"), item("stores"), item(marked="embedded")])
    assert items == [stays]
    assert [line.split(" tests ")[0] for line in said] == [
        "TEST_BACKEND=urls left out 2",
        "TEST_BACKEND=urls left out 1",
    ]


@pytest.mark.parametrize(("chosen", "stay"), [(None, [0, 1, 2]), ("http", [0, 2]), ("in_process", [0, 1])])
def test_stories_run_by_the_transport_that_is_asked_for(chosen: str | None, stay: list[int]) -> None:
    of = [SimpleNamespace(callspec=SimpleNamespace(params={"transport": name})) for name in ("in_process", "http")]
    items: list[Any] = [item("stack"), *of]
    before = list(items)
    hook = SimpleNamespace(pytest_deselected=lambda items: None)
    selection.by_transport(cast(pytest.Config, SimpleNamespace(hook=hook, getoption=lambda _: chosen)), items)
    assert items == [before[number] for number in stay]
