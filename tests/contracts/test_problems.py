"""The problem codes: a closed list, each with a meaning."""

import pytest

from shared.contracts.commands import Answer
from shared.contracts.problem_kinds import PROBLEMS
from shared.contracts.problems import Code, FieldError

pytestmark = pytest.mark.contracts


@pytest.mark.parametrize("code", Code)
def test_every_code_has_a_kind(code: Code) -> None:
    kind = PROBLEMS[code]
    assert 400 <= kind.status <= 599
    assert kind.title
    assert not kind.title.endswith(".")
    assert kind.retry in {"same_key", "change", "give_up"}


@pytest.mark.parametrize("code", Code)
def test_every_code_says_why_it_happens_and_what_mends_it(code: Code) -> None:
    kind = PROBLEMS[code]
    for text in (kind.cause, kind.fix):
        assert len(text) > 20 and text.endswith(".") and text.count("`") % 2 == 0
    assert len({kind.title, kind.cause, kind.fix}) == 3


def test_the_list_has_every_code_once() -> None:
    """Each code is listed once, and the list has nothing besides."""
    assert list(PROBLEMS) == list(Code)


@pytest.mark.parametrize("code", Code)
def test_a_failure_of_ours_is_repeated_with_the_same_key_and_a_refusal_is_not(code: Code) -> None:
    kind = PROBLEMS[code]
    assert (kind.retry == "same_key") == (kind.status >= 500)


@pytest.mark.parametrize("code", Code)
def test_a_refusal_answers_with_the_status_of_its_code(code: Code) -> None:
    answer = Answer.refusal(code)
    assert (answer.status_code, answer.code, answer.result) == (PROBLEMS[code].status, code, None)
    assert not answer.succeeded


def test_an_answer_without_a_code_is_a_success() -> None:
    assert Answer(status_code=201, result={}).succeeded


def test_a_field_error_names_the_field() -> None:
    assert FieldError(field="address.en", reason="is missing").model_dump() == {"field": "address.en", "reason": "is missing"}
