"""The migration that makes the keys of categories anew, on rows as the version before left them."""

from collections.abc import Callable
from typing import Any

import asyncpg
import httpx2
import pytest

from tests.support.revisions import upgrade_of
from tests.support.servers import Databases

pytestmark = pytest.mark.integration

CATEGORIES = "/internal/categories"


async def test_a_category_of_before_is_found_by_its_name_and_of_two_that_look_alike_none_is_lost(
    http: httpx2.AsyncClient, databases: Databases, superuser: Callable[..., Any]
) -> None:
    admin, ids = await superuser("availability"), {}
    keys = {"Children’s": "children’s", "Men’s": "men’s", "Mens": "men's", "X\u200bRay": "x\u200bray"}
    for name, key in keys.items():
        ids[name] = (await http.post(CATEGORIES, json={"name": name})).json()["id"]
        await admin.execute("UPDATE categories SET name_key = $2 WHERE id = $1::text::uuid", ids[name], key)
    owner = await asyncpg.connect(databases.owner("availability"))
    for _ in range(2):  # it can be run again
        await owner.execute(upgrade_of("availability", "name_keys"))
    await owner.close()
    after = {
        name: await admin.fetchval("SELECT name_key FROM categories WHERE id = $1::text::uuid", id_) for name, id_ in ids.items()
    }
    assert after == {"Children’s": "children's", "Mens": "men's", "Men’s": "men’s", "X\u200bRay": "xray"}
    assert (await http.post(CATEGORIES, json={"name": "Children's"})).json()["code"] == "duplicate_name"
