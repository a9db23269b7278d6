"""The directory's static tables, categories and price ranges, which are availability's: every call is forwarded to it.

Both have the same five operations, so their routes are made out of `TABLES`.
"""

from dataclasses import dataclass
from typing import Annotated, Any
from uuid import UUID

from fastapi import Path, Request, Response
from pydantic import BaseModel

from services.gateway.access.open_access import ByApiCaller
from services.gateway.http.paths import API
from services.gateway.http.strict import public_router
from services.gateway.openapi import doctors as shown
from services.gateway.openapi import operations as doc
from services.gateway.owners.client import AVAILABILITY
from services.gateway.owners.forward import answer_of, call, emptied, made, read, register
from shared.contracts.directory import CategoryIn, CategoryPatch, PriceRangeIn, PriceRangePatch
from shared.contracts.problems import Code
from shared.infra.forms import DEFAULT_LIMIT, Cursor, Limit

router = public_router("Directory")


@dataclass(frozen=True)
class StaticTable:
    """A table of the directory: its names in the API, its bodies, and examples of its rows, which also name their models."""

    path: str
    name: str
    plural: str
    body: type[BaseModel]
    patch: type[BaseModel]
    row: BaseModel
    page: BaseModel
    body_example: dict[str, Any]
    patch_example: dict[str, Any]
    unknown: Code
    makes: str
    """What the document says of the registration, and below of the change."""
    changes: str


TABLES = (
    StaticTable(
        path="/categories", name="category", plural="categories",
        body=CategoryIn, patch=CategoryPatch, row=shown.CATEGORY, page=shown.CATEGORIES,
        body_example=shown.CATEGORY_BODY, patch_example=shown.CATEGORY_BODY, unknown=Code.UNKNOWN_CATEGORY,
        makes="Makes a category (specialty).",
        changes="Renames a category.",
    ),
    StaticTable(
        path="/price-ranges", name="price_range", plural="price_ranges",
        body=PriceRangeIn, patch=PriceRangePatch, row=shown.PRICE_RANGE, page=shown.PRICE_RANGES,
        body_example=shown.PRICE_RANGE_BODY, patch_example=shown.PRICE_RANGE_PATCH, unknown=Code.UNKNOWN_PRICE_RANGE,
        makes="Makes a price range, in whole minor units of its currency (pence, cents).",
        changes="Changes a price range; what is left out stays.",
    ),
)  # fmt: skip


def add_collection(table: StaticTable) -> None:
    """The routes of the whole table: make and list."""

    @router.post(
        table.path,
        name=f"create_{table.name}",
        operation_id=f"create_{table.name}",
        description=table.makes,
        status_code=201,
        response_model=type(table.row),
        responses=doc.answers(
            201, table.row, *doc.BODY_CODES, Code.KEY_REUSED, Code.DUPLICATE_NAME, carries=(*doc.MADE, *doc.ENTITY)
        ),
        openapi_extra=doc.posts(table.body, table.body_example),
    )
    async def create(request: Request, caller: ByApiCaller) -> Response:
        answer = await register(request, caller, AVAILABILITY, f"/internal{table.path}")
        return made(request, answer, f"{API}{table.path}/{{id}}")

    @router.get(
        table.path,
        name=f"list_{table.plural}",
        operation_id=f"list_{table.plural}",
        description=f"Lists {_words(table.plural)} in order of name.",
        response_model=type(table.page),
        responses=doc.answers(200, table.page, Code.VALIDATION_FAILED, carries=["Link"]),
    )
    async def list_(request: Request, caller: ByApiCaller, limit: Limit = DEFAULT_LIMIT, cursor: Cursor = None) -> Response:
        return await read(request, caller, AVAILABILITY, f"/internal{table.path}", limit=limit, cursor=cursor)


def add_row(table: StaticTable) -> None:
    """The routes of one row: read, change and delete."""
    path = f"{table.path}/{{{table.name}_id}}"

    def internal(row_id: UUID) -> str:
        return f"/internal{table.path}/{row_id}"

    @router.get(
        path,
        name=f"get_{table.name}",
        operation_id=f"get_{table.name}",
        description=f"Reads a {_words(table.name)}.",
        response_model=type(table.row),
        responses=doc.answers(200, table.row, Code.VALIDATION_FAILED, table.unknown, carries=doc.ENTITY),
    )
    async def get(request: Request, caller: ByApiCaller, row_id: Annotated[UUID, Path(alias=f"{table.name}_id")]) -> Response:
        return await read(request, caller, AVAILABILITY, internal(row_id))

    @router.patch(
        path,
        name=f"update_{table.name}",
        operation_id=f"update_{table.name}",
        description=table.changes,
        response_model=type(table.row),
        responses=doc.answers(
            200, table.row, *doc.BODY_CODES, table.unknown, Code.DUPLICATE_NAME, Code.STALE, carries=doc.ENTITY
        ),
        openapi_extra=doc.changes(table.patch, table.patch_example),
    )
    async def update(request: Request, caller: ByApiCaller, row_id: Annotated[UUID, Path(alias=f"{table.name}_id")]) -> Response:
        return answer_of(request, await call(request, caller, AVAILABILITY, "PATCH", internal(row_id)))

    @router.delete(
        path,
        name=f"delete_{table.name}",
        operation_id=f"delete_{table.name}",
        description=f"Deletes a {_words(table.name)} that no doctor has.",
        status_code=204,
        responses=doc.bare(204, "Deleted") | doc.refuses(Code.VALIDATION_FAILED, table.unknown, Code.IN_USE, Code.STALE),
        openapi_extra=doc.takes(doc.IF_MATCH),
    )
    async def delete(request: Request, caller: ByApiCaller, row_id: Annotated[UUID, Path(alias=f"{table.name}_id")]) -> Response:
        return emptied(request, await call(request, caller, AVAILABILITY, "DELETE", internal(row_id)))


def _words(name: str) -> str:
    return name.replace("_", " ")


for _table in TABLES:
    add_collection(_table)
    add_row(_table)
