"""What the documents say of names is what the code has: topics, tables, metrics, log events, commands, decisions, links."""

import importlib
import re
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import MetaData
from typer.main import get_command

from deploy import installation
from deploy.cli import app
from shared.contracts.topics import ALL_TOPICS
from shared.infra.audit import Action
from shared.infra.metrics import REGISTRY

pytestmark = pytest.mark.unit

ROOT = Path(__file__).parents[2]
PAGES = sorted(ROOT.glob("*.md")) + sorted((ROOT / "docs").rglob("*.md"))
OPERATIONS = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
ARCHITECTURE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
LINK = re.compile(r"\]\((?!\w+:|#)([^)#]+)")
CELL_END = re.compile(r"(?<!\\)\|")


def table(page: str, heading: str) -> list[list[str]]:
    """The cells of the first table below a heading, without head and rule."""
    section = page.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    assert section, heading
    rows = [[cell.strip() for cell in CELL_END.split(line)[1:-1]] for line in section.splitlines() if line.startswith("|")]
    return rows[2:]


def names(cell: str) -> set[str]:
    """What stands in backticks."""
    return set(re.findall(r"`([^`]+)`", cell))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere(page: Path) -> None:
    links = LINK.findall(page.read_text(encoding="utf-8"))
    assert [link for link in links if not (page.parent / link).exists()] == []


def test_the_topics_are_those_of_the_contracts() -> None:
    told = {row[0].split("`")[1]: (row[2], row[3]) for row in table(ARCHITECTURE, "Topics")}
    assert list(told) == [topic.name for topic in ALL_TOPICS]
    for topic in ALL_TOPICS:
        messages, groups = told[topic.name]
        assert set(messages.split(", ")) == (set(topic.types) or {"none yet"})
        assert tuple(groups.split(", ")) == topic.groups


@pytest.mark.parametrize("service", installation.names())
def test_the_tables_of_a_service_are_those_of_its_models(service: str) -> None:
    told = [names(tables) for tables, where, _ in table(ARCHITECTURE, "Tables") if service in services_of(where)]
    assert set().union(*told) == tables_of(service)


def services_of(cell: str) -> set[str]:
    """The services that a cell names; nothing else stands in it."""
    told = set(installation.names()) if cell == "all" else set(cell.split(", "))
    assert told <= set(installation.names()), cell
    return told


def tables_of(service: str) -> set[str]:
    found = vars(importlib.import_module(f"services.{service}.models")).values()
    return set().union(*(meta.tables for meta in found if isinstance(meta, MetaData)))


def test_the_actions_of_the_audit_trail_are_all_there() -> None:
    told = set().union(*(names(row[0]) for row in table(ARCHITECTURE, "Audit")))
    assert told == {action.value for action in Action}


def test_the_metrics_are_those_that_a_scrape_has() -> None:
    told = {names(name).pop(): names(labels) for name, labels, *_ in table(OPERATIONS, "Metrics")}
    assert told == metrics()


def metrics() -> dict[str, set[str]]:
    """The labels of each metric by its name in a scrape."""
    found = {}
    for collector in list(REGISTRY._collector_to_names):
        for family in collector.collect():
            name = f"{family.name}_total" if family.type == "counter" else family.name
            found[name] = set(collector._labelnames)  # type: ignore[attr-defined]
    return found


def test_an_alert_asks_for_what_there_is() -> None:
    for expression, *_ in table(OPERATIONS, "Alerts"):
        for name in re.findall(r"frontdesk_\w+", expression):
            assert name.removesuffix("_bucket") in metrics(), expression


def test_a_log_event_that_is_explained_is_written_somewhere() -> None:
    code = "".join(
        path.read_text(encoding="utf-8") for folder in ("services", "shared") for path in (ROOT / folder).rglob("*.py")
    )
    for events, *_ in table(OPERATIONS, "Logs"):
        for event in names(events):
            assert f'"{event}"' in code, event


def test_what_reconcile_may_find_is_all_explained() -> None:
    code = (ROOT / "deploy" / "inspect" / "reconcile" / "differences.py").read_text(encoding="utf-8")
    told = set().union(*(names(row[0]) for row in table(OPERATIONS, "Reconcile")))
    assert told == set(re.findall(r"ifference\(\s*\"(\w+)\"", code))


def test_every_decision_is_listed_by_its_title() -> None:
    folder = ROOT / "docs" / "decisions"
    titles = {path.name: path.read_text(encoding="utf-8").partition("\n")[0] for path in sorted(folder.glob("0*.md"))}
    told = re.findall(r"^\| \[(\d+)\]\((.+)\) \| (.+) \|$", (folder / "README.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert {file: f"# {number}. {title}" for number, file, title in told} == titles
    assert [number for number, *_ in told] == sorted(name[:4] for name in titles)


def test_the_commands_that_are_told_of_exist() -> None:
    known = commands(get_command(app), "")
    for page in PAGES:
        for told in re.findall(r"frontdesk ([a-z]+)(?: ([a-z]+))?", page.read_text(encoding="utf-8")):
            assert " ".join(told) in known or told[0] in known, f"{page.name}: frontdesk {' '.join(told)}"


def commands(command: Any, path: str) -> set[str]:
    """Every command by its words."""
    if not hasattr(command, "commands"):
        return {path}
    return set().union(*(commands(one, f"{path} {name}".strip()) for name, one in command.commands.items()))
