"""Every request of `docs/http` gets what it promises, and the `type` of every refusal is a page that explains it."""

import re
from pathlib import Path

import httpx2
import pytest

from deploy.embedded.services import Services
from deploy.seed import seed
from shared.contracts.problem_kinds import PROBLEMS
from shared.contracts.problems import Code
from tests.support.documented import assert_documented
from tests.support.http_files import run, variables_of
from tests.support.transports import TIMEOUT_SECONDS

ROOT = Path(__file__).parents[2]
FILES = sorted((ROOT / "docs" / "http").glob("*.http"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
async def test_a_file_runs_on_the_demo_clinic(stack: Services, path: Path) -> None:
    host = stack.url("gateway")
    demo = seed(host)
    # Other tests of the session may have made these people first; then they have other ids than on a fresh machine.
    made = dict(zip(("ada", "lin", "mei", "maya", "tom"), demo.doctor_ids + demo.patient_ids, strict=True))
    async with httpx2.AsyncClient(timeout=TIMEOUT_SECONDS, event_hooks={"response": [assert_documented]}) as client:
        exchanges = await run(path, client, {"host": host, **made})
        assert len(exchanges) >= 5
        for exchange in exchanges:
            if exchange.response.status_code >= 400:
                await assert_explained(client, exchange.response)


def test_the_files_name_the_people_of_the_readme() -> None:
    known = dict(re.findall(r"^(ADA|MAYA|TOM)=(\S+)$", (ROOT / "README.md").read_text(encoding="utf-8"), re.MULTILINE))
    for path in FILES:
        variables = variables_of(path)
        assert {name for name in known if variables.get(name.lower(), known[name]) != known[name]} == set(), path.name


async def assert_explained(client: httpx2.AsyncClient, refusal: httpx2.Response) -> None:
    """The `type` of a real refusal is a page that tells of its code."""
    problem = refusal.json()
    page = await client.get(str(refusal.request.url.join(problem["type"])))
    assert page.status_code == 200
    assert f"<code>{problem['code']}</code>" in page.text
    assert PROBLEMS[Code(problem["code"])].title in page.text
