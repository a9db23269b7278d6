"""Addresses that are given wrongly, or of servers that do not answer: a text, an exit code, and a hint that fits where we are."""

import contextlib
from pathlib import Path

import pytest
from typer.testing import CliRunner

from deploy import addresses, cli
from deploy.commands import psql, server_checks
from deploy.failure import Failure, NoAnswer, Unreachable
from shared.infra.kafka.security import client_options

NOBODY = "127.0.0.1:1"


@pytest.fixture(autouse=True)
def _no_stack(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither addresses nor a folder in which a stack runs."""
    monkeypatch.setenv("FRONTDESK_HOME", "/nonexistent/frontdesk")
    for name in (*addresses.variables(), addresses.OWNER):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(f"{name}_FILE", raising=False)


@pytest.mark.parametrize(
    "url", ["garbage", "postgresql://", "http://x/y", "postgresql://a:s3cret@host:port/x", "postgresql://[::/x"]
)
@pytest.mark.parametrize("statement", [["-c", "SELECT 1"], []], ids=["statement", "session"])
def test_what_is_no_url_of_postgresql_is_misuse_and_not_shown(url: str, statement: list[str]) -> None:
    done = CliRunner().invoke(cli.app, ["psql", "booking", *statement], env={addresses.READER: url})
    assert done.exit_code == 2 and addresses.READER in done.stderr
    assert "s3cret" not in done.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["queue", "--url", "mysql://x:s3cret@h/y"], 2, "no URL of PostgreSQL"),
        (["queue"], 2, addresses.OWNER),
        (["nobody", "--url", f"postgresql://a:s3cret@{NOBODY}/b"], 3, "nobody"),
        (["queue", "--url", f"postgresql://a:s3cret@{NOBODY}/b"], 4, "does not let us in"),
        (["queue", "--url", f"postgresql://a:s3cret@{NOBODY}/b", "--secrets", "/nowhere"], 2, "without --secrets"),
        (["--url", f"postgresql://a:s3cret@{NOBODY}/b"], 2, "--secrets"),
    ],
)
def test_a_database_that_cannot_be_migrated_is_told(arguments: list[str], code: int, says: str) -> None:
    done = CliRunner().invoke(cli.app, ["migrate", *arguments])
    assert (done.exit_code, says in done.stderr, "s3cret" in done.stderr) == (code, True, False), done.stderr


def test_a_file_that_is_not_there_is_misuse(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"{addresses.READER}_FILE", "/nope")
    done = CliRunner().invoke(cli.app, ["psql", "booking", "-c", "SELECT 1"])
    assert done.exit_code == 2 and "/nope" in done.stderr
    found = server_checks.postgres()
    assert found.state == "fail" and "/nope" in found.detail


def test_topics_are_not_made_where_nobody_answers() -> None:
    done = CliRunner().invoke(cli.app, ["topics", "create"], env={addresses.KAFKA: NOBODY})
    assert done.exit_code == 4 and NOBODY in done.stderr
    assert done.stderr.endswith("\n  try: frontdesk doctor, docker compose ps, or ask what runs it\n")


def test_kafka_is_reached_as_the_environment_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    password = tmp_path / "password"
    password.write_text("s3cret\n")
    given = {"SECURITY_PROTOCOL": "SASL_SSL", "SASL_USERNAME": "frontdesk", "SASL_PASSWORD_FILE": str(password)}
    for name, value in given.items():
        monkeypatch.setenv(f"KAFKA_{name}", value)
    here = addresses.Addresses(lambda: {addresses.KAFKA: "127.0.0.1:9092"})
    assert here.kafka().security_protocol == "PLAINTEXT", "the stack that runs here, whatever is said of others"
    monkeypatch.setenv(addresses.KAFKA, "kafka.internal:9093")
    options = client_options(here.kafka())
    assert options["ssl_context"].check_hostname
    del options["ssl_context"]
    assert options == {
        "bootstrap_servers": ["kafka.internal:9093"], "security_protocol": "SASL_SSL", "sasl_mechanism": "SCRAM-SHA-512",
        "sasl_plain_username": "frontdesk", "sasl_plain_password": "s3cret",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"SECURITY_PROTOCOL": "TLS"}, "KAFKA_SECURITY_PROTOCOL"),
        ({"SECURITY_PROTOCOL": "SASL_SSL", "SASL_PASSWORD": "s3cret"}, "sasl_username and sasl_password"),
        ({"SASL_PASSWORD": "s3cret"}, "sasl_username and sasl_password"),
        ({"SSL_CAFILE": __file__}, "ssl_cafile: only with"),
        ({"SECURITY_PROTOCOL": "SSL", "SSL_CERTFILE": __file__}, "belong together"),
        ({"SECURITY_PROTOCOL": "SSL", "SSL_CAFILE": "/nope/ca.pem"}, "KAFKA_SSL_CAFILE"),
    ],
)
def test_what_does_not_fit_together_is_misuse(given: dict[str, str], says: str) -> None:
    variables = {addresses.KAFKA: NOBODY, **{f"KAFKA_{name}": value for name, value in given.items()}}
    done = CliRunner().invoke(cli.app, ["topics", "list"], env=variables)
    assert done.exit_code == 2 and says in done.stderr and "s3cret" not in done.stderr, done.stderr


def test_a_session_of_psql_gets_the_mode_and_the_certificates_of_the_url(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(
        addresses.READER, "postgresql://frontdesk_reader:x@db:5432/postgres?sslmode=verify-full&sslrootcert=/ca.pem"
    )
    ran: list[dict[str, str]] = []
    monkeypatch.setattr("os.execve", lambda *arguments: ran.append(arguments[2]))
    with contextlib.suppress(AssertionError):
        psql.psql("booking", None, as_json=False)
    assert (ran[0]["PGSSLMODE"], ran[0]["PGSSLROOTCERT"], ran[0]["PGDATABASE"]) == ("verify-full", "/ca.pem", "booking")


def test_who_runs_the_servers_is_asked_where_a_failure_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    done = CliRunner().invoke(cli.app, ["clinics", "settings"], env={addresses.API: f"http://{NOBODY}/api/v1"})
    assert done.exit_code == 4
    assert done.stderr.endswith(f"the API does not answer at http://{NOBODY}/api/v1: ConnectError\n  try: docker compose ps, "
                                "or ask what runs it\n")  # fmt: skip
    assert NoAnswer("Kafka is away").shown(addresses.who_runs_servers()) == "Kafka is away\n  try: frontdesk status"
    assert Failure("the file is gone").shown("nobody") == "the file is gone"
    with pytest.raises(Unreachable, match=f"say where the servers are: {addresses.KAFKA}"):
        addresses.Addresses().kafka()


def test_a_server_that_is_given_has_to_be_there_also_if_a_file_names_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert server_checks.kafka().state == "warn" and server_checks.kafka().fix == "frontdesk up"
    file = tmp_path / "kafka"
    file.write_text(f"{NOBODY}\n")
    monkeypatch.setenv(f"{addresses.KAFKA}_FILE", str(file))
    found = server_checks.kafka()
    assert found.state == "fail" and NOBODY in found.detail and "docker compose" in found.fix
