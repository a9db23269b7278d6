"""One word for one thing: what modules and classes of the product are called, and what the glossary explains.

A name that stands twice makes its reader look twice. Each rule is shown to find what it forbids.
"""

import ast
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path

import pytest

pytestmark = pytest.mark.unit

ROOT = Path(__file__).parents[2]
PRODUCT = ("services", "shared", "deploy")
MAX_TERMS = 50

CLASSES_APART = {"Settings": "each service has an environment of its own"}
"""Class names that stand for more than one thing, and why they may."""

OF_EVERY_SERVICE = {"__init__", "__main__", "app", "handlers", "models", "schemas", "settings", "service", "env"}
"""Files that are in every service for the same thing; `env.py` is Alembic's, and `frontdesk env` prints settings."""
AGGREGATES = {
    "appointments", "calendar", "clinic", "clinics", "commands", "days", "directory", "displacement", "doctors", "exceptions",
    "history", "imports", "locations", "notes", "patients", "problems", "schedules", "slots", "topics",
}  # fmt: skip
"""What the system is about: in each layer, and in commands that show it, a module of that name."""
STEPS = {
    "acknowledgements", "batch", "change", "codes", "displace", "displaced", "events", "import_", "open_places", "register",
    "release", "remove", "repeats", "reservations", "reserve", "resolve", "revoke", "search", "slot_generation",
}  # fmt: skip
"""What happens to an aggregate: the use case, its SQL, its rules; the same word for another aggregate's step of that kind."""
TECHNICAL = {
    "addresses": "of servers: whoever gives them",
    "caller": "who acts: outside of the gateway and behind it",
    "client": "an HTTP client of services that own data",
    "common": "what the routes of one service do alike",
    "databases": "of the services: made, and read by explain",
    "failure": "why a command of frontdesk ends, and why a server does not start",
    "failures": "commands that became dead letters: for who holds their outcome, and for who does not",
    "health": "probes, and the overview of all of them",
    "logs": "of the embedded stack, and the command that prints them",
    "migrations": "Alembic's, for one database and for all",
    "postgres": "PostgreSQL: a service's connections, the embedded server",
    "secrets": "of a stack, embedded or composed",
    "seed": "the demo clinic, and the command that makes it",
}
"""Other names of modules that stand more than once, each with the one thing that it means."""


def sources() -> dict[str, str]:
    """Every module of the product by its path; released migrations are named by number."""
    paths = (path for folder in PRODUCT for path in sorted((ROOT / folder).rglob("*.py")) if "versions" not in path.parts)
    return {str(path.relative_to(ROOT)): path.read_text(encoding="utf-8") for path in paths}


def classes_twice(modules: Mapping[str, str]) -> dict[str, list[str]]:
    """Class names that several modules define."""
    where = defaultdict(list)
    for path, source in modules.items():
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.ClassDef):
                where[node.name].append(path)
    return {name: paths for name, paths in where.items() if len(paths) > 1 and name not in CLASSES_APART}


def modules_twice(paths: Iterable[str]) -> dict[str, list[str]]:
    """Module names that stand more than once, and that nobody has said to mean one thing."""
    where = defaultdict(list)
    for path in paths:
        where[Path(path).stem].append(path)
    known = OF_EVERY_SERVICE | AGGREGATES | STEPS | TECHNICAL.keys()
    return {name: found for name, found in where.items() if len(found) > 1 and name not in known}


def missing_files(modules: Mapping[str, str], present: Iterable[str]) -> list[str]:
    """Files that a docstring or a comment names and that are not there."""
    known = {"/".join(path.split("/")[start:]) for path in present for start in range(len(path.split("/")))}
    named = ((path, name) for path, source in modules.items() for name in re.findall(r"`([\w./]+\.py)`", source))
    return [f"{path}: {name}" for path, name in named if name not in known]


def test_no_two_classes_have_one_name() -> None:
    assert classes_twice(sources()) == {}
    assert classes_twice({"a.py": "class Place: ...", "b.py": "class Place: ..."}) == {"Place": ["a.py", "b.py"]}


def test_no_module_name_means_two_things() -> None:
    found = sources()
    assert modules_twice(found) == {}
    assert modules_twice(["a/passing.py", "b/passing.py"]) == {"passing": ["a/passing.py", "b/passing.py"]}


def test_what_is_excepted_still_stands_more_than_once() -> None:
    stems = [Path(path).stem for path in sources()]
    assert {name for name in AGGREGATES | STEPS | TECHNICAL.keys() if stems.count(name) < 2} == set()


def test_files_that_are_named_are_there() -> None:
    found = sources()
    present = [str(path.relative_to(ROOT)) for path in ROOT.rglob("*.py") if ".venv" not in path.parts]
    assert missing_files(found, present) == []
    assert missing_files({"a.py": '"""See `gone.py`."""'}, present) == ["a.py: gone.py"]


def test_the_glossary_explains_at_most_fifty_terms_in_a_sentence_each() -> None:
    lines = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8").splitlines()
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines if line.startswith("| ")][2:]
    terms = [term for term, _ in rows]
    assert 0 < len(terms) <= MAX_TERMS and terms == sorted(terms, key=str.lower) and len(set(terms)) == len(terms)
    assert [sentence for _, sentence in rows if not sentence.endswith(".") or ". " in sentence] == []
