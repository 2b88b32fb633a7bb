"""What tests of the editor share: one browser, one server with the bundled model, a page for each test."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from tests.server.started import Started, started
from tests.web.browsing import Watch, chromium, need_browser, need_editor, visit
from tests.web.editing import Editor, forget


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium, for the tests of one file: with it runs an event loop, and tests of the server need their own."""
    need_editor()
    need_browser()
    with chromium() as made:
        yield made


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Started]:
    """A real server on a home of its own, for tests that leave it as it is. Who ends or fills one starts another."""
    need_editor()
    home: Path = tmp_path_factory.mktemp("server") / "home"
    with started(home, variables={"OMP_NUM_THREADS": "1"}) as made:
        yield made


@pytest.fixture
def visited(browser: Browser) -> Iterator[tuple[Page, Watch]]:
    """A page, and what happens on it. Nothing may go wrong in its scripts, and it may ask one server alone."""
    with visit(browser) as (page, watch):
        yield page, watch
        hosts = {origin.partition("://")[2] for origin in watch.origins}
    assert watch.errors == []
    assert len(hosts) <= 1


@pytest.fixture
def page(visited: tuple[Page, Watch]) -> Page:
    """A page in the browser of a person who was never here. Nothing may go wrong in its scripts."""
    return visited[0]


@pytest.fixture
def watch(visited: tuple[Page, Watch]) -> Watch:
    """What happens on `page`."""
    return visited[1]


@pytest.fixture(scope="session")
def used(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Started]:
    """A real server for tests that run workflows and save them. They share its worker."""
    need_editor()
    home: Path = tmp_path_factory.mktemp("used") / "home"
    with started(home, variables={"OMP_NUM_THREADS": "1"}) as made:
        yield made


@pytest.fixture
def editor(page: Page, used: Started) -> Editor:
    """The editor on a server that tests use, in the browser of a person who was never here."""
    forget(page, used)
    return Editor(page, used)
