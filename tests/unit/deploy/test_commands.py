"""The declarations of `frontdesk`: each has an example and something behind it, and a failure is a text and an exit code."""

import ast
import importlib
import inspect
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.main import get_group
from typer.testing import CliRunner

from deploy import cli, installation
from deploy.commands import machine, topics, up
from deploy.commands.output import out, table
from deploy.inspect.lag import GROUPS

SOURCE = Path(cli.__file__).read_text()


def described() -> Iterator[tuple[str, str]]:
    """Every command and group with its help."""
    group = get_group(cli.app)
    for name, command in group.commands.items():
        yield name, command.help or ""
        for verb, inner in getattr(command, "commands", {}).items():
            yield f"{name} {verb}", inner.help or ""


def ran() -> list[tuple[str, str, int]]:
    """Module, function and number of arguments of every call of `_run`."""
    calls = [node for node in ast.walk(ast.parse(SOURCE)) if isinstance(node, ast.Call) and ast.unparse(node.func) == "_run"]
    return [(ast.literal_eval(call.args[0]), ast.literal_eval(call.args[1]), len(call.args) - 2) for call in calls]


@pytest.mark.parametrize(("name", "text"), list(described()))
def test_every_help_has_an_example_that_names_its_command(name: str, text: str) -> None:
    assert f"frontdesk {name}" in text.partition("Example")[2]


@pytest.mark.parametrize(("noun", "verb", "arguments"), ran())
def test_what_is_declared_is_there(noun: str, verb: str, arguments: int) -> None:
    function = getattr(importlib.import_module(f"deploy.commands.{noun}"), verb)
    assert len(inspect.signature(function).parameters) == arguments


def test_a_failure_is_a_text_and_a_code(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FRONTDESK_HOME", "/nonexistent/frontdesk")
    for name in ("KAFKA_BOOTSTRAP_SERVERS", "KAFKA_BOOTSTRAP_SERVERS_FILE"):
        monkeypatch.delenv(name, raising=False)
    done = CliRunner().invoke(cli.app, ["topics", "lag"])
    assert done.exit_code == 4 and "nothing is running" in done.stderr
    assert CliRunner().invoke(cli.app, ["topics", "lag", "nobody"]).exit_code == 3
    assert CliRunner().invoke(cli.app, ["reconcile"]).exit_code == 2


def test_ctrl_c_is_no_success_unless_it_is_how_a_command_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    def pressed(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", "127.0.0.1:1")
    for name in ("lag_of", "_tail"):
        monkeypatch.setattr(topics, name, pressed)
    for arguments, code in (
        (("lag", "--check"), 130),
        (("tail", "gateway.replies"), 130),
        (("tail", "-f", "gateway.replies"), 0),
    ):
        assert CliRunner().invoke(cli.app, ["topics", *arguments]).exit_code == code


def test_without_the_embedded_servers_nothing_is_started(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(machine, "EMBEDDED", ("no_such_server",))
    monkeypatch.setattr(up, "Stack", lambda *_: pytest.fail("it was started"))
    for arguments in (["up"], ["up", "--detach"]):
        done = CliRunner().invoke(cli.app, arguments, env={"FRONTDESK_HOME": str(tmp_path / "home")})
        assert done.exit_code == 1 and "no_such_server" in done.stderr and "docker compose" in done.stderr


def test_json_has_no_number_that_is_none(capsys: pytest.CaptureFixture[str]) -> None:
    out({"rows": [[float("nan"), 1.5], (float("inf"), {"x": [float("-inf")]})]}, True, [])
    read = json.loads(capsys.readouterr().out, parse_constant=pytest.fail)
    assert read == {"rows": [["nan", 1.5], ["inf", {"x": ["-inf"]}]]}


CHATTY = """
import deploy.cli, deploy.commands.topics
deploy.commands.topics.tail = lambda *_: [print("x" * 9999) for _ in range(999)]
deploy.cli.main()
"""


def test_who_stops_reading_gets_no_traceback(tmp_path: Path) -> None:
    script = tmp_path / "chatty.py"
    script.write_text(CHATTY)
    done = subprocess.run(
        ["bash", "-c", f'"{sys.executable}" "{script}" topics tail x | head -1 | wc -l'],
        env={"PYTHONPATH": str(Path(cli.__file__).parents[1]), "PATH": "/usr/bin:/bin"},
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert (done.stdout.strip(), done.stderr) == ("1", "")


def test_columns_are_as_wide_as_their_widest_cell() -> None:
    assert table([["a", "bb"], ["ccc", ""]], ["X", "YY"]) == ["X    YY", "a    bb", "ccc"]
    assert GROUPS == installation.audited()
