"""The built editor as the server gives it to a real browser: every view, below a path, behind a token."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Response, expect

from tests.server.assembled import Assembled, assembled
from tests.server.started import Started
from tests.web.browsing import Watch, need_editor, visit

VIEWS = ["/", "/start", "/edit/templates/text-to-image", "/form/templates/text-to-image"]
TOKEN = "configured-token-16"


@pytest.fixture(scope="module")
def below(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Assembled]:
    """A server below a path."""
    need_editor()
    with assembled(tmp_path_factory.mktemp("below") / "home", base_path="/art") as made:
        yield made


def opened(page: Page, address: str) -> Response:
    """Open an address and wait until the editor has drawn something."""
    response = page.goto(address)
    assert response is not None
    expect(page.locator("#root > *").first).to_be_visible()
    page.wait_for_load_state("networkidle")
    return response


@pytest.mark.parametrize("view", VIEWS)
def test_a_view_opens_without_complaint(server: Started, page: Page, watch: Watch, view: str) -> None:
    response = opened(page, server.address + view)
    assert response.status == 200
    assert watch.refused == []
    assert watch.origins <= {server.address, server.address.replace("http", "ws")}


@pytest.mark.parametrize("view", VIEWS)
def test_a_view_opens_below_a_path(below: Assembled, page: Page, watch: Watch, view: str) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    assert opened(page, f"{below.address}/art{view}").status == 200
    assert page.evaluate("document.documentElement.dataset.base") == "/art"
    assert watch.refused == []
    ours = [address for address in asked if address.startswith(below.address)]
    assert ours
    assert all(address.startswith(f"{below.address}/art/") for address in ours)


def test_scripts_and_styles_travel_compressed_and_are_kept(server: Started, page: Page) -> None:
    answers: list[Response] = []
    page.on("response", lambda answer: answers.append(answer))
    opened(page, f"{server.address}/")
    parts = [answer for answer in answers if re.search(r"/assets/[^?]+\.(js|css)$", answer.url)]
    assert parts
    for answer in parts:
        headers = answer.all_headers()
        assert "immutable" in headers["cache-control"]
        assert headers["content-encoding"] == "gzip", f"{answer.url}: build it by pip, or run the tests after that"


def test_what_is_not_there_is_404(server: Started) -> None:
    for path in ("/assets/none.js", "/none.svg", "/assets/../.stamp", "/nothing"):
        assert server.ask(path)[0] in (400, 404)


def test_the_policy_holds(server: Started, browser: Browser) -> None:
    """What is inline does not run; a style element runs with the page's nonce alone."""
    with visit(browser) as (page, watch):
        opened(page, f"{server.address}/")
        ran = page.evaluate(
            """async () => {
              const script = document.createElement("script");
              script.textContent = "window.ran = true";
              document.head.append(script);
              const other = await fetch("https://example.org/").then(() => true, () => false);
              return [Boolean(window.ran), other];
            }"""
        )
        assert ran == [False, False]
        sizes = page.evaluate(
            """() => [false, true].map((known) => {
              const style = document.createElement("style");
              if (known) style.nonce = document.querySelector("meta[name=nonce]").nonce;
              style.textContent = "html { --tried: " + known + " }";
              document.head.append(style);
              return getComputedStyle(document.documentElement).getPropertyValue("--tried").trim();
            })"""
        )
        assert sizes == ["", "true"]
        assert any("Content Security Policy" in text for text in watch.errors)


def test_a_worker_and_the_camera_may_be_asked_for(server: Started, page: Page) -> None:
    opened(page, f"{server.address}/")
    assert page.evaluate("document.featurePolicy.allowsFeature('camera')")
    assert not page.evaluate("document.featurePolicy.allowsFeature('microphone')")


def test_after_the_token_the_page_that_was_asked_for_opens(browser: Browser, tmp_path: Path) -> None:
    need_editor()
    with assembled(tmp_path / "home", token=TOKEN) as made, visit(browser) as (page, watch):
        page.goto(f"{made.address}/edit/templates/text-to-image")
        page.get_by_label("Token").fill("wrong-token-123456")
        page.get_by_role("button", name="Log in").click()
        expect(page.get_by_role("alert")).to_be_visible()
        page.get_by_label("Token").fill(TOKEN)
        page.get_by_role("button", name="Log in").click()
        expect(page.locator("#root > *").first).to_be_visible()
        assert page.url == f"{made.address}/edit/templates/text-to-image"
        assert watch.errors == []
