"""How long a client waits, and which keys it may send."""

import pytest

from services.gateway.http.headers import DEFAULT_WAIT_SECONDS, MAX_WAIT_SECONDS, Preference, key_errors, preference
from shared.contracts.problems import Code
from shared.infra.problems import ProblemError


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([], Preference(DEFAULT_WAIT_SECONDS, None)),
        (["wait=2"], Preference(2, "wait=2")),
        (["Wait = 2"], Preference(2, "wait=2")),
        (["wait=99"], Preference(MAX_WAIT_SECONDS, "wait=30")),
        (["wait=99999999999"], Preference(MAX_WAIT_SECONDS, "wait=30")),
        (["wait-long=yes, respond-async-x"], Preference(DEFAULT_WAIT_SECONDS, None)),
        (["respond-async"], Preference(0, "respond-async")),
        (["respond-async, wait=10"], Preference(0, "respond-async")),
        (["wait=3", "wait=4"], Preference(3, "wait=3")),
        (["return=minimal"], Preference(DEFAULT_WAIT_SECONDS, None)),
        (["return=minimal; x=1, wait=1"], Preference(1, "wait=1")),
        (["waiting=room"], Preference(DEFAULT_WAIT_SECONDS, None)),
    ],
)
def test_what_is_asked_for_is_applied(values: list[str], expected: Preference) -> None:
    assert preference(values) == expected


@pytest.mark.parametrize("value", ["wait=", "wait=soon", "wait=-1", "wait=1.5", "wait", "respond-async=1"])
def test_a_bad_preference_of_ours_is_a_bad_header(value: str) -> None:
    with pytest.raises(ProblemError) as refused:
        preference([value])
    assert refused.value.code == Code.INVALID_HEADER


@pytest.mark.parametrize("key", ["a", "x" * 255, "a key with spaces!"])
def test_printable_keys_are_fine(key: str) -> None:
    assert key_errors([key]) == []


@pytest.mark.parametrize("keys", [[""], ["x" * 256], ["é"], ["a\tb"], ["a", "b"]])
def test_other_keys_are_named(keys: list[str]) -> None:
    assert [error.field for error in key_errors(keys)] == ["Idempotency-Key"]
