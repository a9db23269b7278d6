"""A service is one entry in the table: whatever goes through the services has a fifth one then; and the table is true."""

import datetime as dt
import importlib
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from types import ModuleType
from typing import Any
from uuid import UUID

import pytest
from aiokafka import ConsumerRecord
from sqlalchemy import MetaData
from typer.main import get_command

from deploy import cli, installation
from deploy.addresses import Addresses, variables
from deploy.compose.secrets import files_of_readers, readers
from deploy.embedded.backend import Backend
from deploy.embedded.environment import settings_of
from deploy.embedded.services import Services
from deploy.failure import NotThere
from deploy.importing.file_kinds import KINDS
from deploy.inspect.explain import candidates, databases, timeline
from deploy.inspect.explain.trace import CommandTrace
from deploy.inspect.reconcile import snapshot_rows
from deploy.installation import ServiceSpec
from deploy.reference.settings import env_example, settings_classes
from deploy.secrets import Secrets
from deploy.stores.databases import app_dsns, owner_dsns, role_names
from services.gateway.settings import OwnerSettings, Settings
from shared.contracts.topics import ALL_TOPICS, GATEWAY_REPLIES, REGISTRY_EVENTS
from shared.infra.settings import ServiceSettings
from tests.unit.deploy.fifth import FIFTH

ROOT = Path(__file__).parents[3]
SERVER = "postgresql://postgres:x@127.0.0.1:5433/postgres"
COMMAND = UUID(int=7)


@pytest.fixture
def fifth(monkeypatch: pytest.MonkeyPatch) -> ServiceSpec:
    """One more entry in the table, for everybody."""
    monkeypatch.setattr(installation, "SERVICES", (*installation.SERVICES, FIFTH))
    return FIFTH


class Nowhere(Backend):
    """Servers that nobody starts."""

    kafka_bootstrap = "127.0.0.1:1"
    redis_url = "redis://127.0.0.1:1/0"

    def postgres_dsn(self, database: str = "postgres") -> str:
        return SERVER


class Sql:
    """The database of a service. Only that of the fifth has a row, whatever is asked."""

    def __init__(self, service: str) -> None:
        row = {"id": COMMAND, "command_id": COMMAND, "message_id": COMMAND, "body": b"{}"}
        self._rows = [row] if service == FIFTH.name else []

    async def fetch(self, *_: object) -> list[dict[str, Any]]:
        return self._rows

    async def fetchrow(self, *_: object) -> dict[str, Any] | None:
        return next(iter(self._rows), None)


@asynccontextmanager
async def snapshot(_: Addresses, service: str) -> AsyncIterator[Any]:
    """Stands in for a transaction on a real database."""
    yield Sql(service)


@pytest.fixture
def services(fifth: ServiceSpec, tmp_path: Path) -> Iterator[Services]:
    """Processes that nobody starts, on ports of their own."""
    servers = Nowhere(tmp_path)
    yield Services(servers, preferred_ports=installation.ports())
    servers.claims.release()


def test_it_has_a_process_with_a_port(services: Services, fifth: ServiceSpec) -> None:
    assert installation.ports()[fifth.name] == fifth.port
    process = services[fifth.name].process
    assert list(process.command)[1:] == ["-m", f"services.{fifth.name}"]
    assert process.env["FRONTDESK_HTTP__PORT"] == str(services[fifth.name].port)


def test_it_has_a_database_with_roles_and_urls(fifth: ServiceSpec) -> None:
    roles = role_names()
    assert {f"{fifth.name}_owner", f"{fifth.name}_app"} <= set(roles)
    passwords = dict.fromkeys(roles, "p")
    assert owner_dsns(SERVER, passwords)[fifth.name] == f"postgresql://{fifth.name}_owner:p@127.0.0.1:5433/{fifth.name}"
    assert app_dsns(SERVER, passwords)[fifth.name] == f"postgresql://{fifth.name}_app:p@127.0.0.1:5433/{fifth.name}"


def test_its_environment_has_its_keys_and_the_gateway_s_its_address(fifth: ServiceSpec, tmp_path: Path) -> None:
    servers, ports = Nowhere(tmp_path), installation.ports()
    own = settings_of(fifth.name, fifth.name, servers, ports)
    assert Path(own["FRONTDESK_WEBHOOK_KEY_FILE"]).read_text()
    assert f"/{fifth.name}" in own["FRONTDESK_POSTGRES__URL"]
    gateway = settings_of("gateway", "gateway", servers, ports)
    assert gateway["FRONTDESK_NOTICES__URL"] == f"http://127.0.0.1:{fifth.port}"
    assert "FRONTDESK_WEBHOOK_KEY_FILE" not in gateway


def test_its_container_gets_its_secrets_and_no_other_one_does(fifth: ServiceSpec, tmp_path: Path) -> None:
    files = files_of_readers(Secrets(tmp_path))
    assert set(files[fifth.name]) == {"postgres.url", *fifth.keys}
    assert [reader for reader, names in files.items() if set(fifth.keys) & set(names)] == [fifth.name]
    assert set(readers()) == {"setup", *files}


def test_its_settings_are_in_the_reference(fifth: ServiceSpec, monkeypatch: pytest.MonkeyPatch) -> None:
    class OfFifth(ServiceSettings):
        """Settings of a package that is not there."""

        webhook_key: str

    module = ModuleType(f"services.{fifth.name}.settings")
    module.Settings = OfFifth  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, f"services.{fifth.name}", ModuleType(f"services.{fifth.name}"))
    monkeypatch.setitem(sys.modules, module.__name__, module)
    assert settings_classes()[fifth.name] is OfFifth
    assert f"# {fifth.name} only" in env_example() and "FRONTDESK_WEBHOOK_KEY=" in env_example()


def test_commands_find_its_address(fifth: ServiceSpec, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "NOTICES_URL" in variables()
    monkeypatch.setenv("NOTICES_URL", "http://notices:8000/")
    assert Addresses().service(fifth.name) == "http://notices:8000"
    with pytest.raises(NotThere, match=fifth.name):
        installation.named("nobody")


async def test_explain_reads_what_it_knows(fifth: ServiceSpec, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(databases, "snapshot", snapshot)
    async with databases.opened(Addresses()) as snapshots:
        trace = await databases.trace_of(snapshots, COMMAND)
        await databases.add_receipts(snapshots, trace)
        found = await candidates.candidates_of(snapshots, str(COMMAND))
    assert trace.outcome is not None and trace.outcome.service == fifth.name
    assert {row.service for rows in (trace.audit, trace.outbox, trace.inbox) for row in rows} == {fifth.name}
    assert found.commands == (COMMAND,)


def test_explain_knows_what_it_publishes(fifth: ServiceSpec) -> None:
    body = f'{{"type": "NoticeSent", "command_id": "{COMMAND}"}}'.encode()
    record: ConsumerRecord[Any, Any] = ConsumerRecord(fifth.publishes[0], 0, 0, 0, 0, b"k", body, None, 0, 0, [])
    [step] = timeline.steps_of(CommandTrace(COMMAND, records=[record]))
    assert (step.service, step.what) == (fifth.name, "said NoticeSent")


async def test_reconcile_reads_its_outbox_and_its_settings(fifth: ServiceSpec, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snapshot_rows, "snapshot", snapshot)
    rows = await snapshot_rows.read(Addresses(), snapshot_rows.Scope(None, dt.date(2026, 3, 2), 60))
    assert [service for service, found in rows.outboxes.items() if found] == [fifth.name]
    assert [service for service, found in rows.settings.items() if found] == [fifth.name]


def test_every_package_of_a_service_is_in_the_table() -> None:
    assert {path.parent.name for path in (ROOT / "services").glob("*/__main__.py")} == set(installation.names())


@pytest.mark.parametrize("spec", installation.SERVICES, ids=lambda spec: spec.name)
def test_the_tables_of_a_service_are_what_its_entry_says(spec: ServiceSpec) -> None:
    models = vars(importlib.import_module(f"services.{spec.name}.models")).values()
    tables = set().union(*(found.tables for found in models if isinstance(found, MetaData)))
    assert ({"inbox", "audit"} <= tables) is spec.audited
    assert ("outcomes" in tables) is spec.holds_outcomes
    assert ("clinic_settings" in tables) is spec.copies_settings


def test_the_gateway_has_an_address_of_whoever_it_calls() -> None:
    sections = {name for name, field in Settings.model_fields.items() if field.annotation is OwnerSettings}
    assert {spec.name for spec in installation.called_by_gateway()} == sections


def test_imports_go_to_whoever_takes_them() -> None:
    assert {spec.name for spec in installation.import_owners()} == {kind.owner for kind in KINDS.values()}


def test_every_topic_of_events_has_its_publisher() -> None:
    """But for those on which several services publish, or the gateways."""
    events = {topic.name for topic in ALL_TOPICS if not topic.commands}
    published = [topic for spec in installation.SERVICES for topic in spec.publishes]
    assert len(published) == len(set(published))
    assert set(published) == events - {REGISTRY_EVENTS.name, GATEWAY_REPLIES.name}


def test_the_command_line_says_the_same() -> None:
    """It imports no table, so that `--help` is fast."""
    commands = get_command(cli.app).commands  # type: ignore[attr-defined]
    port, *_ = commands["up"].params
    assert port.default == installation.named("gateway").port
    service, *_ = commands["psql"].params
    assert all(name in service.help for name in installation.names())
