"""What is said of the settings is what the classes say, and what it shows can be read back."""

import re
from pathlib import Path

import pytest

from deploy.reference.settings import env_example, settings_classes, settings_tables

SETTINGS = settings_classes()
VALUES = {
    "FRONTDESK_POSTGRES__URL": "postgresql://one:two@127.0.0.1:5432/booking",
    "FRONTDESK_KAFKA__BOOTSTRAP_SERVERS": "127.0.0.1:9092",
    "FRONTDESK_IDENTIFIER_KEY": "0123456789abcdef",
    "FRONTDESK_TICKET_KEY": "0123456789abcdef",
    "FRONTDESK_AVAILABILITY__URL": "http://127.0.0.1:8001",
    "FRONTDESK_BOOKING__URL": "http://127.0.0.1:8002",
    "FRONTDESK_QUEUE__URL": "http://127.0.0.1:8003",
}
OF_ONE_SERVICE = {
    "FRONTDESK_IDENTIFIER_KEY": "booking",
    "FRONTDESK_TICKET_KEY": "gateway",
    "FRONTDESK_AVAILABILITY__URL": "gateway",
    "FRONTDESK_BOOKING__URL": "gateway",
    "FRONTDESK_QUEUE__URL": "gateway",
}


def given_to(service: str) -> dict[str, str]:
    return {name: value for name, value in VALUES.items() if OF_ONE_SERVICE.get(name, service) == service}


def test_every_setting_is_explained() -> None:
    assert "# None\n" not in env_example()
    assert "| None |" not in settings_tables()


def test_the_tables_have_what_the_example_has() -> None:
    shown = re.findall(r"^(?:# )?([A-Z_]+)=", env_example(), re.MULTILINE)
    assert re.findall(r"^\| `([A-Z_]+)` \|", settings_tables(), re.MULTILINE) == shown
    assert {line.split("`")[1] for line in settings_tables().splitlines() if "must be given" in line} == set(VALUES)


def test_what_must_be_given_is_what_has_no_value() -> None:
    bare = {line.removesuffix("=") for line in env_example().splitlines() if line.endswith("=") and not line.startswith("#")}
    assert bare == set(VALUES)


@pytest.mark.parametrize("service", SETTINGS)
def test_a_service_starts_with_what_must_be_given(service: str) -> None:
    settings = SETTINGS[service].from_environment(given_to(service))
    assert settings.kafka.bootstrap_servers == "127.0.0.1:9092"


@pytest.mark.parametrize("name", ["FRONTDESK_KAFKA__BATCH_SIZE", "FRONTDESK_TYPO", "FRONTDESK_TICKET_KEY"])
def test_an_unknown_name_is_an_error(name: str) -> None:
    with pytest.raises(ValueError, match=r"unknown settings|1 validation error"):
        SETTINGS["booking"].from_environment(given_to("booking") | {name: "0123456789abcdef"})


def test_a_secret_comes_from_a_file_and_never_into_an_error(tmp_path: Path) -> None:
    secret = tmp_path / "key"
    secret.write_text("a-secret-of-a-file\n")
    given = given_to("booking") | {"FRONTDESK_IDENTIFIER_KEY_FILE": str(secret)}
    del given["FRONTDESK_IDENTIFIER_KEY"]
    settings = SETTINGS["booking"].from_environment(given)
    assert "a-secret-of-a-file" not in repr(settings)
    with pytest.raises(ValueError, match="port") as refused:
        SETTINGS["booking"].from_environment(given | {"FRONTDESK_HTTP__PORT": "none"})
    assert "a-secret-of-a-file" not in str(refused.value)


def test_a_password_in_an_address_is_in_no_text() -> None:
    given = given_to("queue") | {
        "FRONTDESK_REDIS__URL": "rediss://:s3cret@redis:6380/0", "FRONTDESK_KAFKA__SECURITY_PROTOCOL": "SASL_SSL",
        "FRONTDESK_KAFKA__SASL_USERNAME": "queue", "FRONTDESK_KAFKA__SASL_PASSWORD": "s3cret",
    }  # fmt: skip
    settings = SETTINGS["queue"].from_environment(given)
    assert "s3cret" not in repr(settings)
    with pytest.raises(ValueError, match="redis") as refused:
        SETTINGS["queue"].from_environment(given | {"FRONTDESK_REDIS__URL": "http://:s3cret@redis"})
    assert "s3cret" not in str(refused.value)
