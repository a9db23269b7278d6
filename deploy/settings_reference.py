"""Writes `.env.example` out of the settings classes; `python -m deploy.settings_reference` prints it. A test keeps both equal."""

import sys
from collections.abc import Iterator

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from services.availability.settings import Settings as Availability
from services.booking.settings import Settings as Booking
from services.gateway.settings import Settings as Gateway
from services.queue.settings import Settings as Queue
from shared.infra.settings import PREFIX, ServiceSettings

SERVICES: dict[str, type[ServiceSettings]] = {
    "availability": Availability,
    "booking": Booking,
    "queue": Queue,
    "gateway": Gateway,
}
HEAD = """\
# Every setting of every service process, written by `python -m deploy.settings_reference`. Values shown are the defaults.
# A setting without a value must be given. Each may be read from a file instead: NAME_FILE=/path.
"""


def env_example() -> str:
    """The text of `.env.example`."""
    common = list(_lines(ServiceSettings, PREFIX))
    parts = [HEAD, "# Every service", *common]
    for name, settings in SERVICES.items():
        own = [line for line in _lines(settings, PREFIX) if line not in common]
        parts += ["", f"# {name} only", *own] if own else []
    return "\n".join(parts) + "\n"


def _lines(model: type[BaseModel], prefix: str) -> Iterator[str]:
    for name, info in model.model_fields.items():
        section = info.annotation
        if isinstance(section, type) and issubclass(section, BaseModel):
            yield from _lines(section, f"{prefix}{name}__".upper())
        else:
            yield f"# {info.description}"
            yield _assignment(info, f"{prefix}{name}".upper())


def _assignment(info: FieldInfo, name: str) -> str:
    """`NAME=default`, commented out when it need not be given."""
    name = info.validation_alias if isinstance(info.validation_alias, str) else name
    if info.is_required():
        return f"{name}="
    default = "" if info.default in (PydanticUndefined, None) else getattr(info.default, "value", info.default)
    return f"# {name}={default}"


if __name__ == "__main__":
    sys.stdout.write(env_example())
