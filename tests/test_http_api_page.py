"""docs/http-api.md has every route of the native interface, as it is declared."""

import inspect
import re
from itertools import groupby

from server.api import Route
from server.comfyui import descriptions, files, models, prompts, queue, socket, system, userdata
from server.native import ALL
from server.openapi import template
from tests.server.started import ROOT

PAGE = (ROOT / "docs" / "http-api.md").read_text(encoding="utf-8")
ROW = re.compile(r"^\| `[A-Z]+ /v1/.*$", re.MULTILINE)


def row(route: Route) -> str:
    """A line of the table: method and path, scope, status and kind of the answer, the first sentence of its help."""
    summary = " ".join((inspect.getdoc(route.handler) or "").partition("\n\n")[0].split()).replace("|", "\\|")
    status = " ".join(map(str, sorted((route.status, *route.also))))
    kind = f" {route.produces}" if "/" in route.produces and route.produces not in ("application/json", "*/*") else ""
    return f"| `{route.method} {template(route)}` | {route.scope} | {status}{kind} | {summary} |"


def tables() -> str:
    """All of it, as it stands in the page."""
    parts = []
    for tag, routes in groupby(ALL, lambda route: route.tag):
        head = f"### {tag.capitalize()}\n\n| route | needs | answers | |\n|---|---|---|---|\n"
        parts.append(head + "".join(f"{row(route)}\n" for route in routes))
    return "\n".join(parts)


def test_the_page_has_every_route_as_it_is():
    assert tables() in PAGE, f"docs/http-api.md should have:\n\n{tables()}"


def test_the_page_has_no_other_route():
    assert len(ROW.findall(PAGE)) == len(ALL)


def test_the_page_has_every_route_of_comfyuis_interface():
    modules = (descriptions, files, models, prompts, queue, socket, system, userdata)
    known = {f"{method} {re.sub(r':[^}]+', '', path)}" for module in modules for method, path, _ in module.routes}
    part = PAGE[PAGE.index("\n## ComfyUI's interface\n") :]
    assert set(re.findall(r"`((?:GET|POST|PATCH|DELETE) /[^`]+)`", part)) == known


def test_routes_in_the_text_exist():
    known = {(route.method, re.sub(r"{\w+}", "{}", template(route))) for route in ALL}
    for method, path in re.findall(r"`(GET|POST|PUT|PATCH|DELETE) (/v1/[^`?\s]*)[^`]*`", PAGE):
        assert (method, re.sub(r"{\w+}|\bNAME\b", "{}", path)) in known, (method, path)
