"""What carries the invariants: the checker knows nothing of the code, keeps histories, prints, and can look at a part."""

import ast
import asyncio
from pathlib import Path

import pytest

from tests.checker import dump, evidence, sql
from tests.checker.evidence import gather
from tests.checker.history import Entry, History
from tests.checker.report import Finding, Report, Violation
from tests.checker.sql import Owed
from tests.unit.checker.scenes import clean
from tests.unit.checker.world import DOCTOR, GONE, OTHER, THIRD

CHECKER = Path(dump.__file__).parent
SYSTEM = {"services", "shared", "deploy"}
ENTRY = Entry("key", "/appointments", {"date": "2030-03-04"}, 1.5, 2.5, 201, None, {"id": "one"}, "command", "gateway")


def imported(source: str) -> set[str]:
    """The packages that a module takes from, wherever in it."""
    nodes = list(ast.walk(ast.parse(source)))
    plain = [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
    return {name.split(".")[0] for name in plain + [node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)]}


def test_the_checker_knows_nothing_of_the_code() -> None:
    modules = list(CHECKER.rglob("*.py"))
    assert len(modules) > 10
    for module in modules:
        assert not imported(module.read_text()) & SYSTEM, module
        assert "import_module" not in module.read_text()
    helpers = {name for module in modules for name in _from_tests(module.read_text())}
    assert {name for name in helpers if not name.startswith("tests.checker")} == set()


def _from_tests(source: str) -> set[str]:
    found = (node.module or "" for node in ast.walk(ast.parse(source)) if isinstance(node, ast.ImportFrom))
    return {name for name in found if name.startswith("tests")}


@pytest.mark.parametrize("source", ["import shared.infra", "from deploy import cli", "def f():\n    import services.queue"])
def test_an_import_of_the_system_is_found(source: str) -> None:
    assert imported(source) & SYSTEM


def test_a_history_is_appended_to_its_file_and_read_again(tmp_path: Path) -> None:
    history = History(tmp_path / "history.jsonl")
    lost = Entry("other", "/checkins", {}, 3.0, 4.0, None, None, None, None, "gateway-2")
    history.add(ENTRY)
    history.add(lost)
    assert History.load(tmp_path / "history.jsonl").entries == [ENTRY, lost]
    history.save(tmp_path / "copy.jsonl")
    assert (tmp_path / "copy.jsonl").read_text() == (tmp_path / "history.jsonl").read_text()


@pytest.mark.parametrize(
    ("path", "operation"),
    [
        ("/appointments", "appointments"),
        ("/appointments/7/cancel", "appointments/cancel"),
        ("/appointments/7", "appointments/cancel"),
        ("/checkins", "checkins"),
    ],
)
def test_keys_are_scoped_to_operations(path: str, operation: str) -> None:
    entry = Entry(**{**vars(ENTRY), "path": path})
    assert entry.command == (operation, "key")


def test_a_report_shows_counts_and_ids() -> None:
    violations = [Violation("two of one", (f"[slot]-{number}",)) for number in range(30)]
    report = Report([Finding(1, "slots", {"slots": 7}), Finding(15, "rest", {"groups": 3}, violations)])
    assert (report.ok, report.broken, report.looked_at(1)) == (False, {15}, {"slots": 7})
    assert "7 slots" in report.text() and "15: two of one: [slot]-0" in report.text()
    assert "[slot]-19" in report.text() and "[slot]-20" not in report.text()


def test_a_topic_that_is_missing_is_no_empty_topic() -> None:
    with pytest.raises(LookupError, match=r"queue\.events"):
        dump._ours(set(dump.TOPICS) - {"queue.events"})
    letters = "booking.commands.availability.dlq"
    assert set(dump._ours([*dump.TOPICS, letters, "somebody.elses", "somebody.elses.dlq"])) == {*dump.TOPICS, letters}


def gathered(monkeypatch: pytest.MonkeyPatch, owed: list[Owed | OSError], doctors: list[str] | None = None) -> evidence.Evidence:
    """What is gathered of the clean world, while it owes one after the other of these, or does not answer."""
    world = clean().evidence()
    left = iter(owed)
    last = owed[-1]

    async def lag(*_: object) -> object:
        return world.lag

    async def owes(*_: object) -> object:
        one = next(left, last)
        if isinstance(one, OSError):
            raise one
        return {"booking": one}

    async def records(*_: object) -> object:
        return world.log

    async def tables(*_: object) -> object:
        return world.tables

    for module, name, fake in ((dump, "lag", lag), (sql, "owed", owes), (dump, "records", records), (sql, "tables", tables)):
        monkeypatch.setattr(module, name, fake)
    monkeypatch.setattr(sql, "now", lag)
    monkeypatch.setattr(evidence, "LOOK_SECONDS", 0.0)
    history = History(entries=world.history)
    return asyncio.run(gather(history, "", {}, doctors=doctors, within_seconds=0.05))


def test_it_waits_until_nothing_is_owed(monkeypatch: pytest.MonkeyPatch) -> None:
    assert gathered(monkeypatch, [Owed(unsent=3), Owed(), Owed(unsent=1), Owed()]).owed == {"booking": Owed()}


def test_it_does_not_wait_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    assert gathered(monkeypatch, [Owed(unsent=3)]).owed == {"booking": Owed(unsent=3)}


def test_it_waits_for_servers_that_come_back(monkeypatch: pytest.MonkeyPatch) -> None:
    assert gathered(monkeypatch, [Owed(), ConnectionRefusedError(), Owed()]).owed == {"booking": Owed()}
    monkeypatch.undo()
    with pytest.raises(ConnectionRefusedError):
        gathered(monkeypatch, [ConnectionRefusedError()])


def test_a_part_is_what_concerns_its_doctors(monkeypatch: pytest.MonkeyPatch) -> None:
    whole, ours = clean().evidence(), gathered(monkeypatch, [Owed()], doctors=[DOCTOR, GONE, OTHER, THIRD])
    assert (ours.log, ours.tables) == (whole.log, whole.tables)
    monkeypatch.undo()
    world = clean().evidence()
    log, tables = evidence._of({"another"}, [], world.log, world.tables)
    assert {record.topic for record in log} == {"registry.events"}
    assert not any(tables.of("booking", table) for table in ("appointments", "outcomes")) and tables.of("booking", "patients")
