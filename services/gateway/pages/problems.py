"""The pages behind the `type` of a problem: what each code means, why it happens, what mends it. Included by `app.py`, always.

They are made of the closed list alone and load nothing from elsewhere, so they are there also where `/docs` is off.
"""

import re
from html import escape

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from shared.contracts.problems import PROBLEMS, Code, Retry
from shared.infra.problems import ProblemError

router = APIRouter(prefix="/docs/problems", include_in_schema=False, default_response_class=HTMLResponse)

_HEADERS = {"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"}
_REPEAT: dict[Retry, str] = {
    "same_key": "**Same key.** Send the same request again with the same `Idempotency-Key`: it is done once at most.",
    "change": "**Change.** The same request gets the same answer. Change it, and send it with a new `Idempotency-Key`.",
    "give_up": "**Give up.** This answer is final: no repeat of this request is answered otherwise.",
}
_PAGE = """\
<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title} · Frontdesk</title>
<style>
:root {{ color-scheme: light dark }}
body {{ font: 1rem/1.5 system-ui, sans-serif; max-width: 44rem; margin: 2rem auto; padding: 0 1rem }}
code {{ font-family: ui-monospace, monospace; font-size: .95em }}
td, th {{ text-align: left; vertical-align: top; padding: .2rem 1rem .2rem 0 }}
dt {{ font-weight: 600; margin-top: 1rem }} dd {{ margin: 0 }}
</style></head><body>
{body}
</body></html>
"""


@router.get("")
async def list_problems() -> HTMLResponse:
    """Every code of the API on one page."""
    row = '<tr><td><a href="/docs/problems/{0}"><code>{0}</code></a></td><td>{1}</td><td>{2}</td></tr>'
    rows = "\n".join(row.format(code, kind.status, _text(kind.title)) for code, kind in PROBLEMS.items())
    head = "<h1>Problems</h1>\n<p>Every refusal is a problem of RFC 9457 with one of these codes.</p>"
    return _page("Problems", f"{head}\n<table>\n<tr><th>code</th><th>status</th><th>title</th></tr>\n{rows}\n</table>")


@router.get("/{code}")
async def get_problem(code: str) -> HTMLResponse:
    """What one code means; the `type` of every problem leads here."""
    if code not in set(Code):
        raise ProblemError(Code.NOT_FOUND, "There is no such problem code")
    kind = PROBLEMS[Code(code)]
    parts = {"Status": str(kind.status), "Cause": kind.cause, "Fix": kind.fix, "Repeat": _REPEAT[kind.retry]}
    listed = "\n".join(f"<dt>{name}</dt><dd>{_text(text)}</dd>" for name, text in parts.items())
    back = '<p><a href="/docs/problems">All problems</a></p>'
    return _page(kind.title, f"<h1>{_text(kind.title)}</h1>\n<p><code>{code}</code></p>\n<dl>\n{listed}\n</dl>\n{back}")


def _page(title: str, body: str) -> HTMLResponse:
    return HTMLResponse(_PAGE.format(title=escape(title), body=body), headers=_HEADERS)


def _text(text: str) -> str:
    """A text of the list as HTML: `code` and **bold** are all that it marks."""
    return re.sub(r"\*\*(.+?)\*\*", r"<b>\1</b>", re.sub(r"`(.+?)`", r"<code>\1</code>", escape(text)))
