"""What the documents say of names is what the code has: topics, tables, audit actions, metrics, log events, commands, links."""

import importlib
import re
from pathlib import Path

import pytest
from sqlalchemy import MetaData

from shared.contracts.topics import ALL_TOPICS
from shared.infra.audit import Action

pytestmark = pytest.mark.unit

ROOT = Path(__file__).parents[2]
PAGES = sorted(ROOT.glob("*.md")) + sorted((ROOT / "docs").rglob("*.md"))
ARCHITECTURE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
LINK = re.compile(r"\]\((?!\w+:|#)([^)#]+)")
SERVICES = ("availability", "booking", "gateway", "queue")


def table(page: str, heading: str) -> list[list[str]]:
    """The cells of the first table below a heading, without its head."""
    section = page.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    assert section, heading
    rows = [line.strip("| ").split(" | ") for line in section.splitlines() if line.startswith("| ")]
    return [row for row in rows[1:] if not set(row[0]) <= {"-"}]


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


def test_the_tables_are_those_of_the_models() -> None:
    told = set().union(*(names(row[0]) for row in table(ARCHITECTURE, "Tables")))
    assert told == set().union(*map(tables_of, SERVICES))


def tables_of(service: str) -> set[str]:
    found = vars(importlib.import_module(f"services.{service}.models")).values()
    return set().union(*(meta.tables for meta in found if isinstance(meta, MetaData)))


def test_the_actions_of_the_audit_trail_are_all_there() -> None:
    told = set().union(*(names(row[0]) for row in table(ARCHITECTURE, "Audit")))
    assert told == {action.value for action in Action}
