"""The settings that every service process has, from its environment. Unknown `FRONTDESK_` names are errors, secrets may be files.

Each service subclasses `ServiceSettings` in its `settings.py` and adds what is its own.
"""

import os
import socket
from enum import StrEnum
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, FilePath, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from shared.contracts.versions import Version

PREFIX = "FRONTDESK_"


class Environment(StrEnum):
    """Where the process runs; production refuses what is only fit for development."""

    DEVELOPMENT = "development"
    PRODUCTION = "production"
    INTEGRATION_TEST = "integration-test"


class Section(BaseModel):
    """A group of settings, written `FRONTDESK_GROUP__NAME`."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)


class HttpSettings(Section):
    """Where the process listens."""

    host: str = "127.0.0.1"
    """Address to listen on; open access is refused beyond loopback."""
    port: int = Field(default=8000, ge=1, le=65535)
    """Port to listen on."""


class PostgresSettings(Section):
    """The service's own database, reached as its `_app` role."""

    url: SecretStr
    """`postgresql://user:password@host:port/database` of the `_app` role; TLS by `?sslmode=verify-full&sslrootcert=/ca.pem`."""
    pool_size: int = Field(default=8, ge=2, le=100)
    """Connections of each of the two pools: batches, and registry with reads."""
    statement_timeout_ms: int = Field(default=15_000, ge=100)
    """A statement that takes longer is ended by the server."""
    lock_timeout_ms: int = Field(default=5_000, ge=100)
    """A lock that is waited for longer ends the statement; a batch then tries again."""


class KafkaConnection(Section):
    """Where the brokers are, and how a client shows who it is. The commands read the same by `KAFKA_` names."""

    bootstrap_servers: str
    """`host:port`, several separated by commas."""
    security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    """`PLAINTEXT`, `SSL`, `SASL_PLAINTEXT` or `SASL_SSL`, as the brokers' listener has it."""
    ssl_cafile: FilePath | None = None
    """With TLS: who signs the brokers' certificates, as PEM; by default whom this machine trusts."""
    ssl_certfile: FilePath | None = None
    """With TLS: our own certificate, as PEM, for brokers that ask for one."""
    ssl_keyfile: FilePath | None = None
    """With TLS: the private key of our certificate, as PEM."""
    sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = "SCRAM-SHA-512"
    """With SASL: `PLAIN`, `SCRAM-SHA-256` or `SCRAM-SHA-512`."""
    sasl_username: str | None = None
    """With SASL: our name."""
    sasl_password: SecretStr | None = None
    """With SASL: our password."""

    @model_validator(mode="after")
    def _whole(self) -> Self:
        """What the protocol needs is there, and nothing is given that it would not use."""
        names = {name for name in KafkaConnection.model_fields if name.startswith("ssl_") and getattr(self, name) is not None}
        if names and not self.uses_tls:
            raise ValueError(f"{', '.join(sorted(names))}: only with security_protocol SSL or SASL_SSL")
        if (self.ssl_certfile is None) != (self.ssl_keyfile is None):
            raise ValueError("ssl_certfile and ssl_keyfile belong together")
        if {self.sasl_username is not None, self.sasl_password is not None} != {self.uses_sasl}:
            raise ValueError("sasl_username and sasl_password: both with SASL_PLAINTEXT or SASL_SSL, neither without")
        return self

    @property
    def uses_tls(self) -> bool:
        return self.security_protocol in ("SSL", "SASL_SSL")

    @property
    def uses_sasl(self) -> bool:
        return self.security_protocol.startswith("SASL_")


class KafkaSettings(KafkaConnection):
    """The brokers, and the bounds of one consumer's batch."""

    batch_max_records: int = Field(default=500, ge=1, le=5_000)
    """Records in one transaction at most; a batch never waits to be filled."""
    request_timeout_ms: int = Field(default=5_000, ge=500)
    """How long a request to a broker may take."""
    session_timeout_ms: int = Field(default=10_000, ge=1_000)
    """How long a killed process keeps its partitions; not below the brokers' `group.min.session.timeout.ms` (6 s by default)."""

    letter_records: str = ""
    """`topic:partition:offset`, several separated by commas: events that stop their partition and become dead letters instead."""


class RedisSettings(Section):
    """Admission only: nothing is wrong while it is away."""

    url: SecretStr = SecretStr("redis://127.0.0.1:6379/0")
    """`redis://user:password@host:port/database`; with TLS `rediss://…?ssl_ca_certs=/ca.pem`."""
    timeout_ms: int = Field(default=50, ge=1)
    """How long the server may take to answer before it counts as away."""

    @field_validator("url")
    @classmethod
    def _known_scheme(cls, url: SecretStr) -> SecretStr:
        if not url.get_secret_value().startswith(("redis://", "rediss://")):
            raise ValueError("a URL that begins with redis:// or, with TLS, rediss://")
        return url


class ServiceSettings(BaseSettings):
    """What every service needs to run."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, extra="forbid", populate_by_name=True, use_attribute_docstrings=True, hide_input_in_errors=True
    )

    environment: Environment = Field(default=Environment.DEVELOPMENT, validation_alias="ENVIRONMENT")
    """`development`, `production` or `integration-test`."""
    log_level: str = "info"
    """For all loggers, and for single ones: `info,aiokafka=error`."""
    instance: str = Field(default_factory=lambda: f"{socket.gethostname()}-{os.getpid()}")
    """The name of this process in logs and at the stores; made from host and pid if not given."""
    oldest_version: Version = Version.PRESENT
    """The oldest version of which processes run beside this one, as in an upgrade: what it cannot read is not written yet."""
    drain_seconds: float = Field(default=5.0, ge=0)
    """How long after SIGTERM it still serves, not ready: a load balancer's probe interval and a little more; 0 without one."""
    shutdown_grace_seconds: float = Field(default=20.0, gt=0)
    """How long requests and the batch in hand may take to end after that."""
    http: HttpSettings = HttpSettings()
    postgres: PostgresSettings
    kafka: KafkaSettings
    redis: RedisSettings = RedisSettings()

    @classmethod
    def from_environment(cls, environ: dict[str, str] | None = None) -> Self:
        """Reads the process's environment; `NAME_FILE` gives the path of a file that holds `NAME`.

        Raises `pydantic.ValidationError` or `ValueError`, naming what is missing, unknown or not valid.
        """
        environ = dict(os.environ if environ is None else environ)
        values = _from_files({name: value for name, value in environ.items() if name.startswith(PREFIX)})
        _refuse_unknown(values, set(cls.model_fields))
        tree = _nested(values)
        if "ENVIRONMENT" in environ:
            tree["environment"] = environ["ENVIRONMENT"]
        return cls(**tree)

    @classmethod
    def settings_customise_sources(
        cls, settings_cls: type[BaseSettings], init_settings: PydanticBaseSettingsSource, *_: Any, **__: Any
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Only what `from_environment` read: a second look at the environment would miss the files and the unknown names."""
        return (init_settings,)


def _from_files(values: dict[str, str]) -> dict[str, str]:
    """Replaces each `NAME_FILE` by `NAME` with the file's content."""
    files = {name: value for name, value in values.items() if name.endswith("_FILE")}
    contents = {name.removesuffix("_FILE"): Path(value).read_text().strip() for name, value in files.items()}
    return {name: value for name, value in values.items() if name not in files} | contents


def _refuse_unknown(values: dict[str, str], fields: set[str]) -> None:
    """Unknown names are errors: a misspelt setting must not be silently ignored."""
    unknown = [name for name in values if name.removeprefix(PREFIX).lower().split("__")[0] not in fields]
    if unknown:
        raise ValueError(f"unknown settings: {', '.join(sorted(unknown))}")


def _nested(values: dict[str, str]) -> dict[str, Any]:
    """`FRONTDESK_KAFKA__BATCH_MAX_RECORDS=64` becomes `{"kafka": {"batch_max_records": "64"}}`."""
    tree: dict[str, Any] = {}
    for name, value in values.items():
        *groups, leaf = name.removeprefix(PREFIX).lower().split("__")
        node = tree
        for group in groups:
            node = node.setdefault(group, {})
        node[leaf] = value
    return tree
