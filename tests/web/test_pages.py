"""The pages for those who do not draw graphs: the first one that opens, and forms."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, Route, expect

from tests.server.started import Started, started
from tests.web.browsing import need_editor, visit
from tests.web.editing import RUN_PATIENCE, Editor, ask_for, until

PICTURES = 4


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Started]:
    """A server that nobody used yet."""
    need_editor()
    home: Path = tmp_path_factory.mktemp("fresh") / "home"
    with started(home, variables={"OMP_NUM_THREADS": "1"}) as made:
        yield made


def pictures(row: Locator) -> Locator:
    return row.get_by_role("button", name=re.compile("^Picture")).locator("img")


def test_the_first_visit_makes_pictures_by_itself_and_varies_one(browser: Browser, fresh: Started) -> None:
    with visit(browser) as (page, watch):
        page.goto(f"{fresh.address}/")
        expect(page).to_have_url(re.compile("/start$"))
        rows = page.get_by_role("region", name="Results").get_by_role("article")
        expect(rows).to_have_count(1)
        expect(rows.first).to_have_accessible_name("“red apple”")
        expect(pictures(rows.first)).to_have_count(PICTURES, timeout=RUN_PATIENCE)

        page.get_by_role("textbox", name="Describe the picture").fill("sailboat")
        page.get_by_role("button", name="Make four").click()
        expect(rows).to_have_count(2)
        expect(rows.first).to_have_accessible_name("“sailboat”")
        expect(pictures(rows.first)).to_have_count(PICTURES, timeout=RUN_PATIENCE)

        rows.first.get_by_role("button", name="Vary a little").nth(1).click()
        expect(rows).to_have_count(3)
        expect(rows.first).to_have_accessible_name("Variations of a picture of “sailboat”")
        expect(pictures(rows.first)).to_have_count(PICTURES, timeout=RUN_PATIENCE)
        newest = ask_for(page, fresh, "GET", "/v1/runs?limit=1")["runs"][0]
        sampler = ask_for(page, fresh, "GET", f"/v1/runs/{newest['id']}")["workflow"]["nodes"]["sample"]
        assert sampler["type"] == "KSamplerVariation"
        assert sampler["inputs"]["variation_of"] == 1
        assert 0 < sampler["inputs"]["variation_strength"] < 0.3

        rows.nth(1).get_by_role("button", name="Show the graph").click()
        editor = Editor(page, fresh).ready()
        expect(editor.node("prompt")).to_contain_text("sailboat")
        page.reload()
        editor.ready()
        expect(editor.node("prompt")).to_contain_text("sailboat")
        assert watch.errors == []


def test_who_is_quicker_than_the_list_of_models_gets_pictures_of_the_models_size(
    browser: Browser, fresh: Started
) -> None:
    with visit(browser) as (page, watch):
        late: list[Route] = []
        is_held = True
        page.route("**/v1/models", lambda route: late.append(route) if is_held else route.continue_())
        page.goto(f"{fresh.address}/start")
        page.get_by_role("button", name="Make four").click()
        until(page, lambda: late, "a question for the models")
        page.wait_for_timeout(500)
        is_held = False
        for route in late:
            route.continue_()
        rows = page.get_by_role("region", name="Results").get_by_role("article")
        expect(pictures(rows.last)).to_have_count(PICTURES, timeout=RUN_PATIENCE)
        expect(pictures(rows.last).first).to_have_js_property("naturalWidth", 64)
        assert watch.errors == []


def test_one_looks_closely_enlarges_and_takes_a_picture_as_reference(browser: Browser, fresh: Started) -> None:
    with visit(browser) as (page, watch):
        rows = made_rows(page, fresh)
        more(rows.last, "Look closely", page)
        expect(page.get_by_role("dialog")).to_contain_text("1 / 4")
        page.keyboard.press("Escape")
        more(rows.last, "Enlarge", page)
        expect(rows.first).to_have_accessible_name(re.compile("^Enlarged"))
        expect(pictures(rows.first)).to_have_count(1, timeout=RUN_PATIENCE)
        expect(pictures(rows.first).first).to_have_js_property("naturalWidth", 128)
        page.get_by_role("textbox", name="Describe the picture").fill("green apple")
        more(rows.last, "Use as reference", page)
        expect(rows.first).to_have_accessible_name("From a picture, as “green apple”")
        expect(pictures(rows.first)).to_have_count(PICTURES, timeout=RUN_PATIENCE)
        assert watch.errors == []


def made_rows(page: Page, server: Started) -> Locator:
    """The start page with one row of four pictures in it; the rows."""
    page.goto(f"{server.address}/start")
    rows = page.get_by_role("region", name="Results").get_by_role("article")
    if ask_for(page, server, "GET", "/v1/preferences").get("editor", {}).get("welcomed"):
        page.get_by_role("button", name="Make four").click()
    expect(pictures(rows.last)).to_have_count(PICTURES, timeout=RUN_PATIENCE)
    return rows


def more(row: Locator, deed: str, page: Page) -> None:
    row.get_by_role("button", name="More").first.click()
    page.get_by_role("menuitem", name=deed).click()


def test_who_has_made_a_choice_is_not_welcomed_again(browser: Browser, fresh: Started) -> None:
    for scheme in ("dark", "light"):
        ask_for_nothing(fresh, browser)
        with visit(browser, scheme=scheme) as (page, watch):
            page.goto(f"{fresh.address}/start")
            welcome = page.get_by_role("region", name="You can begin")
            expect(welcome).to_contain_text("cores")
            expect(welcome).to_contain_text("Get one")
            with page.expect_response(lambda answer: answer.request.method == "PUT"):  # a choice is kept
                welcome.get_by_role("button", name="Begin with what is there").click()
            expect(welcome).to_have_count(0)
            page.reload()
            expect(page.get_by_role("button", name="Make four")).to_be_visible()
            expect(welcome).to_have_count(0)
            assert watch.errors == []
        with visit(browser, scheme=scheme) as (page, _):
            page.goto(f"{fresh.address}/")
            Editor(page, fresh).ready()


def ask_for_nothing(server: Started, browser: Browser) -> None:
    """Let the server forget that somebody was here."""
    with visit(browser) as (page, _):
        ask_for(page, server, "PUT", "/v1/preferences", {})


@pytest.mark.parametrize("scheme", ["dark", "light"])
def test_a_template_is_a_form_that_makes_its_picture(browser: Browser, used: Started, scheme: str) -> None:
    with visit(browser, scheme=scheme) as (page, watch):
        page.goto(f"{used.address}/form/templates/text-to-image")
        form = page.get_by_role("form", name="Text to image")
        for label in ("Seed", "Width", "Height"):
            expect(form.get_by_role("spinbutton", name=label)).to_be_visible()
        Editor(page, used).write_in(form, "owl", "Prompt")
        form.get_by_role("button", name="Make").click()
        results = page.get_by_role("main", name="Results")
        picture = results.get_by_role("button", name="Look closely")
        expect(picture).to_be_visible(timeout=RUN_PATIENCE)
        picture.click()
        expect(page.get_by_role("dialog").get_by_role("img").first).to_be_visible()
        page.keyboard.press("Escape")
        expect(page.get_by_role("dialog")).to_have_count(0)
        form.get_by_role("button", name="Show the graph").click()
        editor = Editor(page, used).ready()
        expect(editor.node("prompt")).to_contain_text("owl")
        assert watch.errors == []


def test_a_field_that_is_put_on_the_form_is_on_the_form(editor: Editor) -> None:
    editor.open()
    editor.node("sample").locator('[data-input="steps"]').click(button="right", position={"x": 30, "y": 8})
    editor.menu("Add to form")
    editor.command("Open as a form")
    form = editor.page.get_by_role("form")
    expect(form.get_by_role("spinbutton", name=re.compile("steps", re.IGNORECASE))).to_have_value("20")
    form.get_by_role("button", name="Show the graph").click()
    editor.ready()
    expect(editor.nodes).to_have_count(7)
