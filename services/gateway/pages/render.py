"""Makes pages out of templates: one environment, everything that is put in is escaped, and nothing is loaded from elsewhere."""

import re

from fastapi.responses import HTMLResponse
from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from markupsafe import Markup, escape

_HEADERS = {"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"}


def _marked(text: str) -> Markup:
    """A text of ours as HTML: `code` and **bold** are all that it marks."""
    coded = re.sub(r"`(.+?)`", r"<code>\1</code>", str(escape(text)))
    return Markup(re.sub(r"\*\*(.+?)\*\*", r"<b>\1</b>", coded))  # noqa: S704 - escaped above


_TEMPLATES = Environment(
    loader=PackageLoader("services.gateway.pages"),
    autoescape=select_autoescape(default=True),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_TEMPLATES.filters["marked"] = _marked


def page(template: str, **values: object) -> HTMLResponse:
    """The page that a template of `templates/` makes of these values. A value that is missing is an error."""
    return HTMLResponse(_TEMPLATES.get_template(template).render(values), headers=_HEADERS)
