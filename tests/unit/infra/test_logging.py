"""Whatever is logged, by whomever: one JSON line, no patient data, no SQL, no terminal codes."""

import dataclasses
import datetime as dt
import json
import logging
from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID

import pytest
import structlog

from shared.infra.logging import PRIVATE_KEYS, REDACTED, configure_logging, parse_levels

pytestmark = pytest.mark.unit

ID = UUID("00000000-0000-7000-8000-000000000001")
NAMES = ("availability.probe", "aiokafka", "aiokafka.consumer", "sqlalchemy", "sqlalchemy.engine", "httpx2", "httpcore2")

Lines = Callable[[], list[dict[str, Any]]]


@pytest.fixture(autouse=True)
def _restored() -> Iterator[None]:
    """Leaves logging to the other tests as it was."""
    root, uvicorn = logging.getLogger(), logging.getLogger("uvicorn.access")
    handlers, level, disabled = root.handlers[:], root.level, uvicorn.disabled
    levels = {name: logging.getLogger(name).level for name in NAMES}
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    uvicorn.disabled = disabled
    logging.captureWarnings(capture=False)
    for name, before in levels.items():
        logging.getLogger(name).setLevel(before)
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()


@pytest.fixture
def lines(capsys: pytest.CaptureFixture[str]) -> Lines:
    """What was written since the last call, a line an event."""
    return lambda: [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_an_event_is_one_line_with_where_and_why(lines: Lines) -> None:
    configure_logging("booking", "booking-1", "info")
    structlog.contextvars.bind_contextvars(correlation_id="r-1", clinic_id=str(ID))
    structlog.get_logger("probe").info("slot_taken", slot_id=ID, day=dt.date(2030, 1, 2), duration_ms=1.5)
    [line] = lines()
    assert list(line)[:5] == ["ts", "level", "event", "service", "instance"]
    assert line.pop("ts").endswith("Z")
    assert line == {
        "level": "info", "event": "slot_taken", "service": "booking", "instance": "booking-1", "correlation_id": "r-1",
        "clinic_id": str(ID), "slot_id": str(ID), "day": "2030-01-02", "duration_ms": 1.5,
    }  # fmt: skip


def test_a_librarys_sentence_is_a_field(lines: Lines) -> None:
    configure_logging("booking", "booking-1", "info")
    logging.getLogger("aiokafka.consumer").warning("lost %s of %d", "partition", 3)
    [line] = lines()
    assert (line["event"], line["message"], line["level"]) == ("log", "lost partition of 3", "warning")
    assert (line["logger"], line["service"]) == ("aiokafka.consumer", "booking")


def test_a_level_holds_for_its_logger_and_those_below(lines: Lines) -> None:
    configure_logging("booking", "booking-1", "info,aiokafka=error,availability.probe=debug")
    for name in ("aiokafka.consumer", "faststream"):
        logging.getLogger(name).warning(name)
    structlog.get_logger("availability.probe").debug("seen")
    structlog.get_logger("other").debug("unseen")
    assert [line.get("message", line["event"]) for line in lines()] == ["faststream", "seen"]


@pytest.mark.parametrize(
    ("text", "root", "named"),
    [
        ("", logging.INFO, {}),
        ("DEBUG", logging.DEBUG, {}),
        (" warning , aiokafka = error ", logging.WARNING, {"aiokafka": logging.ERROR}),
    ],
)
def test_levels_are_read(text: str, root: int, named: dict[str, int]) -> None:
    assert parse_levels(text) == (root, named)


@pytest.mark.parametrize("text", ["loud", "info,aiokafka=loud", "info,aiokafka="])
def test_an_unknown_level_is_an_error(text: str) -> None:
    with pytest.raises(ValueError, match="not a log level"):
        parse_levels(text)


@pytest.mark.parametrize("asked", ["debug", "info,sqlalchemy.engine=debug,httpx2=info,sqlalchemy=debug"])
def test_sql_and_urls_are_never_logged(lines: Lines, asked: str) -> None:
    configure_logging("booking", "booking-1", asked)
    for name in ("sqlalchemy.engine.Engine", "sqlalchemy.pool", "httpx2", "httpcore2.connection"):
        logging.getLogger(name).info("SELECT 1")
    logging.getLogger("uvicorn.access").critical("GET /patients?phone=1")
    assert lines() == []


def test_sql_is_logged_when_a_developer_asks(lines: Lines) -> None:
    configure_logging("booking", "booking-1", "info,sqlalchemy.engine=info", sql=True)
    logging.getLogger("sqlalchemy.engine.Engine").info("SELECT 1")
    assert [line["message"] for line in lines()] == ["SELECT 1"]


@pytest.mark.parametrize("key", sorted(PRIVATE_KEYS))
def test_private_fields_are_redacted_however_deep(lines: Lines, key: str) -> None:
    configure_logging("booking", "booking-1", "info")
    log = structlog.get_logger("probe")
    log.info("seen", **{key: "Zebedee"})
    log.info("seen", body={"items": [{key.upper(): "Zebedee", "id": 1}]}, pair=({key: {"x": "Zebedee"}},))
    first, second = lines()
    assert first[key] == REDACTED
    assert second["body"] == {"items": [{key.upper(): REDACTED, "id": 1}]}
    assert second["pair"] == [{key: REDACTED}]


def test_an_object_shows_its_class_only(lines: Lines) -> None:
    @dataclasses.dataclass
    class Patient:
        name: str

    configure_logging("booking", "booking-1", "info")
    structlog.get_logger("probe").info("seen", patient=Patient("Zebedee"), error=ValueError("Zebedee"), ids={ID})
    [line] = lines()
    assert (line["patient"], line["error"], line["ids"]) == ("<Patient>", "<ValueError>", [str(ID)])


NASTY = "a\r\nb\x1b[31m\x9b31m\x7f\u2028\u0085\ud800"


def test_nothing_breaks_the_line_or_reaches_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("booking", "booking-1", "info")
    structlog.get_logger("probe").info("seen", text=NASTY, **{"k\n\x9b": 1})
    structlog.get_logger("probe").info("seen", text=NASTY[:-1])
    structlog.get_logger("probe").info("seen", number=2**80)
    logging.getLogger("library").info(NASTY)
    written = capsys.readouterr().out
    printed = written.removesuffix("\n").split("\n")
    assert all(line.isascii() and line.isprintable() for line in printed)
    first, second, third, fourth = (json.loads(line) for line in printed)
    assert (first["text"], first["k\n\x9b"]) == (NASTY, 1)
    assert second["text"] == NASTY[:-1]
    assert third["number"] == 2**80
    assert fourth["message"] == NASTY


def test_letters_stay_letters(lines: Lines, capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("booking", "booking-1", "info")
    structlog.get_logger("probe").info("seen", text="Gedränge 候诊")
    assert "Gedränge 候诊" in capsys.readouterr().out


def test_an_exception_shows_where_it_passed_and_no_line_below_the_first(lines: Lines) -> None:
    configure_logging("booking", "booking-1", "info")
    try:
        try:
            raise ValueError("no such row\n[SQL: SELECT phone]\n[parameters: ('07700900123',)]")
        except ValueError as cause:
            raise RuntimeError("booking failed") from cause
    except RuntimeError:
        structlog.get_logger("probe").exception("batch_failed")
        logging.getLogger("library").exception("failed")
    for line in lines():
        outer, inner = line["exception"]
        assert (outer["type"], outer["message"], inner["message"]) == ("RuntimeError", "booking failed", "no such row")
        assert "test_logging.py" in inner["frames"][-1]
        assert "07700900123" not in json.dumps(line)
        assert "SELECT" not in json.dumps(line)
