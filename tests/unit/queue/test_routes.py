"""The cursor of a queue's page: ours, or a refusal that names it."""

import pytest

from services.queue.routes import position_of
from shared.contracts.problems import Code
from shared.infra.forms import encode_cursor
from shared.infra.problems import ProblemError


def test_a_page_begins_behind_the_position_of_its_cursor() -> None:
    assert position_of(None) == 0
    assert position_of(encode_cursor("17")) == 17


@pytest.mark.parametrize(
    "foreign", ["x", encode_cursor("a"), encode_cursor("1", "2"), encode_cursor("-1"), encode_cursor("9" * 10)]
)
def test_a_cursor_of_anything_else_is_refused(foreign: str) -> None:
    with pytest.raises(ProblemError) as refused:
        position_of(foreign)
    assert refused.value.code == Code.VALIDATION_FAILED
    assert [error.field for error in refused.value.errors] == ["cursor"]
