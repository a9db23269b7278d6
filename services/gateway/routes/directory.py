"""The directory's static tables, categories and price ranges, which are availability's: every call is passed on to it."""

from uuid import UUID

from fastapi import APIRouter, Request, Response

from services.gateway.http.answers import API
from services.gateway.http.strict import StrictRoute
from services.gateway.openapi import doctors as shown
from services.gateway.openapi import operations as doc
from services.gateway.owners.client import AVAILABILITY
from services.gateway.owners.forward import answer_of, call, emptied, made, read, register
from shared.contracts.directory import (
    CategoryIn,
    CategoryPage,
    CategoryPatch,
    CategoryView,
    PriceRangeIn,
    PriceRangePage,
    PriceRangePatch,
    PriceRangeView,
)
from shared.contracts.problems import Code
from shared.infra.forms import DEFAULT_LIMIT, Cursor, Limit

router = APIRouter(route_class=StrictRoute, tags=["Directory"])

CATEGORIES, PRICE_RANGES = "/categories", "/price-ranges"

_MADE = (*doc.MADE, *doc.ENTITY)


@router.post(
    CATEGORIES,
    operation_id="create_category",
    status_code=201,
    response_model=CategoryView,
    responses=doc.answers(201, shown.CATEGORY, *doc.BODY_CODES, Code.KEY_REUSED, Code.DUPLICATE_NAME, carries=_MADE),
    openapi_extra=doc.posts(CategoryIn, shown.CATEGORY_BODY),
)
async def create_category(request: Request) -> Response:
    """Makes a category (specialty)."""
    return await _create(request, CATEGORIES, "create_category")


@router.get(
    CATEGORIES,
    operation_id="list_categories",
    response_model=CategoryPage,
    responses=doc.answers(200, shown.CATEGORIES, Code.VALIDATION_FAILED, carries=["Link"]),
)
async def list_categories(request: Request, limit: Limit = DEFAULT_LIMIT, cursor: Cursor = None) -> Response:
    """Lists categories in order of name."""
    return await read(request, AVAILABILITY, f"/internal{CATEGORIES}", limit=limit, cursor=cursor)


@router.get(
    f"{CATEGORIES}/{{category_id}}",
    operation_id="get_category",
    response_model=CategoryView,
    responses=doc.answers(200, shown.CATEGORY, Code.VALIDATION_FAILED, Code.UNKNOWN_CATEGORY, carries=doc.ENTITY),
)
async def get_category(request: Request, category_id: UUID) -> Response:
    """Reads a category."""
    return await read(request, AVAILABILITY, _path(CATEGORIES, category_id))


@router.patch(
    f"{CATEGORIES}/{{category_id}}",
    operation_id="update_category",
    response_model=CategoryView,
    responses=doc.answers(
        200, shown.CATEGORY, *doc.BODY_CODES, Code.UNKNOWN_CATEGORY, Code.DUPLICATE_NAME, Code.STALE, carries=doc.ENTITY
    ),
    openapi_extra=doc.changes(CategoryPatch, shown.CATEGORY_BODY),
)
async def update_category(request: Request, category_id: UUID) -> Response:
    """Renames a category."""
    return await _update(request, CATEGORIES, category_id)


@router.delete(
    f"{CATEGORIES}/{{category_id}}",
    operation_id="delete_category",
    status_code=204,
    responses=doc.bare(204, "Deleted") | doc.refuses(Code.VALIDATION_FAILED, Code.UNKNOWN_CATEGORY, Code.IN_USE, Code.STALE),
    openapi_extra=doc.takes(doc.IF_MATCH),
)
async def delete_category(request: Request, category_id: UUID) -> Response:
    """Deletes a category that no doctor has."""
    return await _delete(request, CATEGORIES, category_id)


@router.post(
    PRICE_RANGES,
    operation_id="create_price_range",
    status_code=201,
    response_model=PriceRangeView,
    responses=doc.answers(201, shown.PRICE_RANGE, *doc.BODY_CODES, Code.KEY_REUSED, Code.DUPLICATE_NAME, carries=_MADE),
    openapi_extra=doc.posts(PriceRangeIn, shown.PRICE_RANGE_BODY),
)
async def create_price_range(request: Request) -> Response:
    """Makes a price range, in whole minor units of its currency (pence, cents)."""
    return await _create(request, PRICE_RANGES, "create_price_range")


@router.get(
    PRICE_RANGES,
    operation_id="list_price_ranges",
    response_model=PriceRangePage,
    responses=doc.answers(200, shown.PRICE_RANGES, Code.VALIDATION_FAILED, carries=["Link"]),
)
async def list_price_ranges(request: Request, limit: Limit = DEFAULT_LIMIT, cursor: Cursor = None) -> Response:
    """Lists price ranges in order of name."""
    return await read(request, AVAILABILITY, f"/internal{PRICE_RANGES}", limit=limit, cursor=cursor)


@router.get(
    f"{PRICE_RANGES}/{{price_range_id}}",
    operation_id="get_price_range",
    response_model=PriceRangeView,
    responses=doc.answers(200, shown.PRICE_RANGE, Code.VALIDATION_FAILED, Code.UNKNOWN_PRICE_RANGE, carries=doc.ENTITY),
)
async def get_price_range(request: Request, price_range_id: UUID) -> Response:
    """Reads a price range."""
    return await read(request, AVAILABILITY, _path(PRICE_RANGES, price_range_id))


@router.patch(
    f"{PRICE_RANGES}/{{price_range_id}}",
    operation_id="update_price_range",
    response_model=PriceRangeView,
    responses=doc.answers(
        200, shown.PRICE_RANGE, *doc.BODY_CODES, Code.UNKNOWN_PRICE_RANGE, Code.DUPLICATE_NAME, Code.STALE, carries=doc.ENTITY
    ),
    openapi_extra=doc.changes(PriceRangePatch, shown.PRICE_RANGE_PATCH),
)
async def update_price_range(request: Request, price_range_id: UUID) -> Response:
    """Changes a price range; what is left out stays."""
    return await _update(request, PRICE_RANGES, price_range_id)


@router.delete(
    f"{PRICE_RANGES}/{{price_range_id}}",
    operation_id="delete_price_range",
    status_code=204,
    responses=doc.bare(204, "Deleted") | doc.refuses(Code.VALIDATION_FAILED, Code.UNKNOWN_PRICE_RANGE, Code.IN_USE, Code.STALE),
    openapi_extra=doc.takes(doc.IF_MATCH),
)
async def delete_price_range(request: Request, price_range_id: UUID) -> Response:
    """Deletes a price range that no doctor has."""
    return await _delete(request, PRICE_RANGES, price_range_id)


async def _create(request: Request, table: str, operation: str) -> Response:
    return made(request, await register(request, AVAILABILITY, f"/internal{table}", operation), f"{API}{table}/{{id}}")


async def _update(request: Request, table: str, row_id: UUID) -> Response:
    return answer_of(request, await call(request, AVAILABILITY, "PATCH", _path(table, row_id)))


async def _delete(request: Request, table: str, row_id: UUID) -> Response:
    return emptied(request, await call(request, AVAILABILITY, "DELETE", _path(table, row_id)))


def _path(table: str, row_id: UUID) -> str:
    return f"/internal{table}/{row_id}"
