"""Secrets are made once and given to their readers; what a step cannot do is a line in the log and an exit code."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from deploy import installation
from deploy.compose.__main__ import STEPS, main
from deploy.compose.healthcheck import ready
from deploy.compose.secrets import files_of_readers, make_secrets
from deploy.failure import Failure
from deploy.reference.settings import settings_classes
from deploy.secrets import Secrets
from deploy.stores.databases import role_names
from deploy.stores.topics import Found, compare, topic_config
from shared.contracts.topics import AVAILABILITY_EVENTS, BOOKING_COMMANDS

SERVICES = installation.names()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """What the volumes are at the first start: empty folders."""
    for reader in ("setup", "postgres", "tools", *SERVICES):
        (tmp_path / reader).mkdir()
    return tmp_path


def test_secrets_are_made_once(folder: Path) -> None:
    make_secrets(folder)
    made = {file: (file.read_text(), file.stat().st_ino) for file in folder.rglob("*") if file.is_file()}
    make_secrets(folder)
    assert {file: (file.read_text(), file.stat().st_ino) for file in folder.rglob("*") if file.is_file()} == made


def test_a_reader_gets_what_it_needs_and_nothing_else(folder: Path) -> None:
    make_secrets(folder)
    secrets = Secrets(folder / "setup")
    passwords = secrets.passwords(role_names()) | {"postgres": secrets.value("superuser.password")}
    seen = {
        reader: {role for role, password in passwords.items() if any(password in text for text in _texts(folder / reader))}
        for reader in ("postgres", "tools", *SERVICES)
    }
    assert seen == {"postgres": {"postgres"}, "tools": {"frontdesk_reader"}, **{name: {f"{name}_app"} for name in SERVICES}}
    assert {file.name for file in (folder / "booking").iterdir()} == {"postgres.url", "identifier.key"}


def test_only_its_owner_reads_a_file_but_for_that_of_postgres(folder: Path) -> None:
    make_secrets(folder)
    modes = {str(file.relative_to(folder)): file.stat().st_mode & 0o777 for file in folder.rglob("*") if file.is_file()}
    assert modes.pop("postgres/superuser.password") == 0o444
    assert {mode for name, mode in modes.items() if not name.startswith("setup/")} == {0o400}
    assert {mode for name, mode in modes.items() if name.startswith("setup/")} == {0o600}


def test_a_reader_that_lost_its_volume_gets_the_same_again(folder: Path) -> None:
    make_secrets(folder)
    before = (folder / "gateway" / "ticket.key").read_text()
    (folder / "gateway" / "ticket.key").unlink()
    make_secrets(folder)
    assert (folder / "gateway" / "ticket.key").read_text() == before


def test_every_key_is_a_setting_of_its_service(folder: Path) -> None:
    """A key that a service got new, and that nobody makes, stops it at its start: both sides are named here."""
    needed = {
        service: {name for name, field in kind.model_fields.items() if name.endswith("_key") and field.is_required()}
        for service, kind in settings_classes().items()
    }
    made = {spec.name: {key.replace(".", "_") for key in spec.keys} for spec in installation.SERVICES}
    assert made == needed
    assert installation.named("gateway").key_settings == {"ticket.key": "FRONTDESK_TICKET_KEY"}
    files = files_of_readers(Secrets(folder / "setup"))
    assert all({"postgres.url", *spec.keys} == set(files[spec.name]) for spec in installation.SERVICES)


def test_commands_are_flushed_where_one_broker_has_them_alone() -> None:
    assert topic_config(BOOKING_COMMANDS, flush=True)["flush.messages"] == "1"
    assert "flush.messages" not in topic_config(AVAILABILITY_EVENTS, flush=True)
    assert "flush.messages" not in topic_config(BOOKING_COMMANDS)
    unflushed = topic_config(BOOKING_COMMANDS)
    assert compare(BOOKING_COMMANDS, Found(BOOKING_COMMANDS.partitions, 1, unflushed, {}), flush=True) == [
        "booking.commands: flush.messages is None, declared 1"
    ]


def test_what_a_step_cannot_do_is_one_line_and_an_exit_code(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fails() -> None:
        raise Failure("kafka does not serve after 60 s")

    monkeypatch.setitem(STEPS, "setup", fails)
    with pytest.raises(SystemExit, match="1"):
        main(["setup"])
    line = json.loads(capsys.readouterr().out)
    assert (line["event"], line["reason"]) == ("step_failed", "kafka does not serve after 60 s")


def test_an_unknown_step_names_the_known_ones() -> None:
    with pytest.raises(SystemExit, match="secrets setup seed"):
        main(["everything"])


def test_what_the_image_runs_needs_no_embedded_stack() -> None:
    """The image has none of its packages; a health check that runs every few seconds imports next to nothing."""
    code = "import sys, deploy.compose.__main__; sys.exit(any(name.startswith('deploy.embedded') for name in sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
    code = "import sys, deploy.compose.healthcheck; sys.exit(bool({'asyncio', 'pydantic', 'structlog'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_nobody_there_is_not_healthy(free_port: int) -> None:
    assert ready(free_port) is False


@pytest.fixture
def free_port() -> int:
    """A port that nobody listens on."""
    from deploy.embedded.ports import any_free

    return any_free()


def _texts(folder: Path) -> list[str]:
    return [file.read_text() for file in folder.iterdir()]
