"""One JSON line on stdout for each log event, ours and the libraries', which nothing in it can break or make tell patient data.

Called once by each `__main__`. Our events are names with fields; a library's sentence is the `message` of an event `log`.
"""

import datetime as dt
import json
import logging
import sys
import traceback
from collections.abc import Mapping
from decimal import Decimal
from pathlib import PurePath
from types import TracebackType
from typing import Any
from uuid import UUID

import orjson
import structlog
from structlog.stdlib import ProcessorFormatter
from structlog.typing import EventDict, Processor, WrappedLogger

REDACTED = "[redacted]"
PRIVATE_KEYS = frozenset(
    {
        "name", "given_name", "family_name", "phone", "phone_extension", "email", "date_of_birth", "nhs_number", "postcode",
        "address", "note", "authorization", "password", "secret", "token", "ticket",
    }
)  # fmt: skip
"""Fields with these names are never written, however deep they are."""

_SQL = "sqlalchemy"
_URLS = ("httpx2", "httpcore2")
_LONGEST_MESSAGE = 500
_LONGEST_CHAIN = 10

_FIRST = ("ts", "level", "event", "service", "instance")
_UNSAFE = {code: f"\\u{code:04x}" for code in (0x7F, *range(0x80, 0xA0), 0x2028, 0x2029)}
"""What JSON allows as it is but a terminal obeys or a reader of lines splits at. Below 0x20 JSON escapes by itself."""


def configure_logging(service: str, instance: str, level: str, *, sql: bool = False) -> None:
    """Sends everything through one formatter. `level` is like `info,aiokafka=error`; without `sql` no statement is logged."""
    before: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper("iso", utc=True, key="ts"),
    ]
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(
        ProcessorFormatter(
            processors=[
                structlog.processors.ExceptionRenderer(_exception),
                ProcessorFormatter.remove_processors_meta,
                redact,
                _Line(service, instance),
            ],
            foreign_pre_chain=[*before, _of_library],
        )
    )
    logging.basicConfig(handlers=[handler], force=True)
    _take_over_libraries()
    logging.captureWarnings(capture=True)
    _set_levels(level, sql=sql)
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, *before, ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )


def _take_over_libraries() -> None:
    """A library that was imported before may have a handler of its own: its lines would be no JSON."""
    for name in list(logging.root.manager.loggerDict):
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True


def parse_levels(text: str) -> tuple[int, dict[str, int]]:
    """`info,aiokafka=error` as the root's level and those of named loggers. Raises `ValueError` for what is no level."""
    root, named = logging.INFO, {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, separator, word = part.rpartition("=")
        level = logging.getLevelNamesMapping().get(word.strip().upper())
        if level is None:
            raise ValueError(f"not a log level: {word!r}")
        if separator:
            named[name.strip()] = level
        else:
            root = level
    return root, named


def _set_levels(text: str, *, sql: bool) -> None:
    """Applies the levels, with a floor below loggers that write what must not be read: URLs with their queries, and SQL."""
    root, named = parse_levels(text)
    logging.getLogger().setLevel(root)
    # Our own access log has the route's template; uvicorn's has the whole URL.
    logging.getLogger("uvicorn.access").disabled = True
    floored = _URLS if sql else (*_URLS, _SQL)
    for name, level in {**dict.fromkeys(floored, logging.NOTSET), **named}.items():
        private = name.split(".")[0] in floored
        logging.getLogger(name).setLevel(max(level, root, logging.WARNING) if private else level)


def redact(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Replaces the values of private fields, nested ones too."""
    return {key: _clean(key, value) for key, value in event.items()}


def _clean(key: str, value: Any) -> Any:
    if key.lower() in PRIVATE_KEYS:
        return REDACTED
    if isinstance(value, Mapping):
        return {str(inner): _clean(str(inner), item) for inner, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_clean("", item) for item in value]
    return value


def _of_library(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """A library's record: its sentence is a field, not the name of an event."""
    record: logging.LogRecord = event["_record"]
    return {**event, "event": "log", "message": event["event"], "logger": record.name}


def _exception(exc_info: tuple[type[BaseException], BaseException, TracebackType | None]) -> list[dict[str, Any]]:
    """The exception and its causes, outermost first: class, first line of the message, and where it passed.

    The first line only, because databases and validators put statements, parameters and input into the lines below it.
    """
    chain: list[dict[str, Any]] = []
    error: BaseException | None = exc_info[1]
    while error is not None and len(chain) < _LONGEST_CHAIN:
        frames = traceback.extract_tb(error.__traceback__)
        message = (str(error).splitlines() or [""])[0][:_LONGEST_MESSAGE]
        where = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames]
        chain.append({"type": type(error).__name__, "message": message, "frames": where})
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return chain


class _Line:
    """The last processor: the event as one line of JSON, in an order that is easy to read."""

    def __init__(self, service: str, instance: str) -> None:
        self._process = {"service": service, "instance": instance}

    def __call__(self, _logger: WrappedLogger, _method: str, event: EventDict) -> str:
        event = {**event, **self._process}
        event = {**{name: event.pop(name, None) for name in _FIRST}, **event}
        try:
            line = orjson.dumps(event, default=_plain, option=orjson.OPT_PASSTHROUGH_DATACLASS).decode()
        except TypeError:
            line = json.dumps(event, default=_plain)  # slower, but it can write half a surrogate pair and a huge number
        return line if line.isascii() and "\x7f" not in line else line.translate(_UNSAFE)


def _plain(value: Any) -> str:
    """What JSON lacks, as text. Of an object only its class: its `repr` may show a patient."""
    if isinstance(value, str | UUID | Decimal | PurePath | dt.date | dt.time | dt.timedelta):
        return str(value)
    return f"<{type(value).__name__}>"
