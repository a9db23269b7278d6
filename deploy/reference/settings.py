"""What the settings classes say, as `.env.example` and as the tables of `docs/settings.md`. `make docs` writes both."""

import importlib
from collections.abc import Iterator
from dataclasses import dataclass

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from deploy import installation
from shared.infra.settings import PREFIX, ServiceSettings

HEAD = """\
# Every setting of every service process, written by `make docs`. Values shown are the defaults.
# A setting without a value must be given. Each but ENVIRONMENT may be read from a file instead: NAME_FILE=/path.
"""
TABLE_HEAD = """\
# Settings

Written by `make docs` out of the code. A service is configured by its environment only; a name that begins with `FRONTDESK_` and
means nothing is an error. `NAME_FILE=/path` names a file that holds `NAME` (not for `ENVIRONMENT`). `frontdesk env SERVICE` shows
what the embedded stack gives a service.
"""


@dataclass(frozen=True)
class Setting:
    """One setting. `default` is None where a value must be given, `made` says that a process makes one by itself."""

    name: str
    default: str | None
    description: str
    made: bool


def settings_classes() -> dict[str, type[ServiceSettings]]:
    """The settings class of each service, by the service's name."""
    return {name: importlib.import_module(f"services.{name}.settings").Settings for name in installation.names()}


def env_example() -> str:
    """The text of `.env.example`."""
    parts = [HEAD.rstrip()]
    for title, settings in _groups():
        parts += ["", f"# {title}"]
        for one in settings:
            parts += [f"# {one.description}", f"{one.name}=" if one.default is None else f"# {one.name}={one.default}"]
    return "\n".join(parts) + "\n"


def settings_tables() -> str:
    """The text of `docs/settings.md`."""
    parts = [TABLE_HEAD]
    for title, settings in _groups():
        parts += [f"## {title}", "", "| setting | default | meaning |", "| --- | --- | --- |"]
        parts += [f"| `{one.name}` | {_default_text(one)} | {one.description} |" for one in settings]
        parts.append("")
    return "\n".join(parts)


def _groups() -> Iterator[tuple[str, list[Setting]]]:
    """The settings of all services, then what each has besides."""
    common = list(_settings(ServiceSettings, PREFIX))
    yield "Every service", common
    for name, settings in settings_classes().items():
        if own := [one for one in _settings(settings, PREFIX) if one not in common]:
            yield f"{name} only", own


def _settings(model: type[BaseModel], prefix: str) -> Iterator[Setting]:
    for name, info in model.model_fields.items():
        section = info.annotation
        if isinstance(section, type) and issubclass(section, BaseModel):
            yield from _settings(section, f"{prefix}{name}__".upper())
        else:
            alias = info.validation_alias
            full = alias if isinstance(alias, str) else f"{prefix}{name}".upper()
            yield Setting(full, _default(info), str(info.description), made=info.default_factory is not None)


def _default(info: FieldInfo) -> str | None:
    if info.is_required():
        return None
    if isinstance(info.default, SecretStr):
        return info.default.get_secret_value()
    return "" if info.default in (PydanticUndefined, None) else str(getattr(info.default, "value", info.default))


def _default_text(setting: Setting) -> str:
    if setting.default is None:
        return "**must be given**"
    return f"`{setting.default}`" if setting.default else "made at start" if setting.made else "none"
