"""Runs as people see them: what is under way, in which order, what came of it, and that nothing of it gets lost."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, expect

from tests.server.started import started
from tests.web.browsing import need_editor, visit
from tests.web.editing import RUN_PATIENCE, Editor, ask_for, forget, until

LONG = "400"
"""Steps of a run that lasts long enough to do something with it."""

FAILS = {
    "format": "noisewright/workflow",
    "version": 1,
    "title": "Fails",
    "nodes": {
        "match": {"type": "RegexMatch", "inputs": {"string": "a", "regex_pattern": "("}},
        "show": {"type": "PreviewAny", "inputs": {"source": {"link": ["match", "matches"]}}},
    },
}
"""Nothing is wrong with it until it runs: what is in brackets never ends."""

WARNS = {
    "format": "noisewright/workflow",
    "version": 1,
    "title": "Warns",
    "nodes": {
        "keys": {
            "type": "CreateHookKeyframesInterpolated",
            "inputs": {"interpolation": "linear", "strength_end": 0.5, "keyframes_count": 2, "print_keyframes": True},
        },
    },
}
"""Its node warns of what it makes."""

WARNS_WITHIN = {
    "format": "noisewright/workflow",
    "version": 1,
    "title": "Warns within",
    "nodes": {"whole": {"type": "subgraph/Keys"}},
    "subgraphs": {
        "Keys": {
            "nodes": WARNS["nodes"],
            "inputs": [],
            "outputs": [{"name": "HOOK_KF", "type": "HOOK_KEYFRAMES", "from": ["keys", "HOOK_KF"]}],
        }
    },
}
"""The same, inside an instance."""


def long_run(editor: Editor) -> str:
    """Submit a run that takes a while, and wait until its sampler is at work."""
    editor.set("sample", "steps", LONG)
    run = editor.run()
    expect(editor.node("sample").locator("header")).to_contain_text(re.compile(rf"\d+/{LONG}"), timeout=RUN_PATIENCE)
    return run


def rows(editor: Editor) -> Locator:
    """The line of runs."""
    return editor.bar("Queue").get_by_role("list", name="Queue").get_by_role("listitem")


@pytest.fixture
def busy(editor: Editor) -> Iterator[Editor]:
    """The editor; afterwards nothing runs and nothing waits, whatever a test left."""
    yield editor
    ask_for(editor.page, editor.server, "POST", "/v1/queue/resume")
    for run in ask_for(editor.page, editor.server, "GET", "/v1/runs?limit=50")["runs"]:
        if run["state"] in ("waiting", "running", "paused"):
            answer = editor.page.request.post(f"{editor.server.address}/v1/runs/{run['id']}/cancel")
            assert answer.ok or answer.status == 409, answer.text()  # 409: it has come to its end meanwhile


def test_a_run_is_stopped_and_leaves_its_last_preview(busy: Editor) -> None:
    busy.open()
    run = long_run(busy)
    expect(busy.page.get_by_role("status").filter(has_text="%")).to_be_visible()
    busy.page.get_by_role("button", name="Stop this run").click()
    assert busy.over(run)["state"] == "cancelled"
    expect(busy.page.get_by_role("button", name="Stop this run")).to_have_count(0)
    expect(busy.node("sample").locator("canvas")).to_be_visible()


def test_a_run_to_a_node_computes_no_more_than_it_needs(busy: Editor) -> None:
    busy.open()
    busy.set("sample", "steps", "2")
    busy.select("prompt")
    facts = busy.over(busy.run("Alt+Enter"))
    assert facts["state"] == "done"
    assert "prompt" in facts["nodes"]
    assert set(facts["nodes"]) <= {"checkpoint", "prompt"}


def test_what_is_to_be_known_of_a_result_stands_at_its_node(busy: Editor) -> None:
    ask_for(busy.page, busy.server, "PUT", "/v1/workflows/warns", {"workflow": WARNS, "overwrite": True})
    busy.open("/edit/warns")
    busy.select("keys")
    assert busy.over(busy.run("Alt+Enter"))["state"] == "done"
    warned = busy.node("keys").get_by_role("list").filter(has_text="Keyframes: 1.000 from 0.000 on")
    expect(warned).to_be_visible()
    busy.page.reload()
    busy.ready()
    expect(warned).to_be_visible()
    busy.set("keys", "keyframes count", "3")
    expect(warned).to_have_count(0)


def test_what_is_to_be_known_of_a_result_inside_stands_at_the_instance(busy: Editor) -> None:
    ask_for(busy.page, busy.server, "PUT", "/v1/workflows/within", {"workflow": WARNS_WITHIN, "overwrite": True})
    busy.open("/edit/within")
    busy.select("whole")
    facts = busy.over(busy.run("Alt+Enter"))
    assert facts["state"] == "done", facts["error"]
    warned = busy.node("whole").get_by_role("list").filter(has_text="Keyframes: 1.000 from 0.000 on")
    expect(warned).to_be_visible()


def test_runs_that_wait_are_put_in_another_order_and_cancelled(busy: Editor) -> None:
    busy.open()
    busy.bar("Queue").get_by_role("button", name="Pause the queue").click()
    expect(busy.page.get_by_text("The queue is paused: nothing new begins.").first).to_be_visible()
    runs = []
    for steps in ("3", "4", "5"):
        busy.set("sample", "steps", steps)
        runs.append(busy.run())
    expect(rows(busy)).to_have_count(3)
    rows(busy).last.evaluate("row => row.dataset.moved = ''")  # the server knows the order before the page shows it
    rows(busy).last.get_by_role("button", name="To the front").click()
    until(busy.page, lambda: waiting(busy) == [runs[2], runs[0], runs[1]], "the last run at the front")
    expect(rows(busy).first).to_have_attribute("data-moved", "")
    rows(busy).first.get_by_role("button", name="Later").click()
    until(busy.page, lambda: waiting(busy) == [runs[0], runs[2], runs[1]], "the run one place later")
    expect(rows(busy).nth(1)).to_have_attribute("data-moved", "")
    rows(busy).last.get_by_role("button", name="Cancel", exact=True).click()
    expect(rows(busy)).to_have_count(2)
    busy.bar("Queue").get_by_role("button", name="Cancel all that wait").click()
    expect(busy.page.get_by_text("Nothing runs and nothing waits.")).to_be_visible()
    busy.bar("Queue").get_by_role("button", name="Go on with the queue").click()
    assert {busy.over(run)["state"] for run in runs} == {"cancelled"}


def waiting(editor: Editor) -> list[str]:
    queue = ask_for(editor.page, editor.server, "GET", "/v1/queue")
    return [run["id"] for run in queue["waiting"]]


def test_a_run_is_paused_and_goes_on(busy: Editor) -> None:
    busy.open()
    busy.set("sample", "steps", "60")
    busy.bar("Queue")
    run = busy.run()
    expect(busy.node("sample").locator("header")).to_contain_text(re.compile(r"\d+/60"), timeout=RUN_PATIENCE)
    rows(busy).first.get_by_role("button", name="Pause", exact=True).click()
    expect(rows(busy).first).to_contain_text("Paused")
    rows(busy).first.get_by_role("button", name="Go on", exact=True).click()
    assert busy.over(run)["state"] == "done"
    busy.shown("save")


def test_a_run_that_fails_says_why_and_where_and_the_way_out(busy: Editor) -> None:
    ask_for(busy.page, busy.server, "PUT", "/v1/workflows/fails", {"workflow": FAILS, "overwrite": True})
    busy.open("/edit/fails")
    run = busy.run()
    assert busy.over(run)["state"] == "failed"
    expect(busy.node("match").locator("header")).to_contain_text("failed")
    expect(busy.node("show").locator("header")).to_contain_text("skipped")
    failed = busy.bar("Problems").get_by_role("region", name="The last run failed")
    expect(failed).to_contain_text("regular expression")
    failed.get_by_role("button", name="Go to the node").click()
    expect(busy.node("match")).to_have_attribute("data-selected", "true")
    busy.field("match", "regex pattern").click()
    busy.page.keyboard.press("ControlOrMeta+A")
    busy.page.keyboard.type("a")
    assert busy.over(busy.run())["state"] == "done"
    expect(failed).to_have_count(0)
    expect(busy.node("show")).to_contain_text("True")


def test_run_on_change_leaves_the_older_run_for_the_newer(busy: Editor) -> None:
    busy.open()
    busy.set("sample", "steps", LONG)
    busy.page.get_by_role("button", name="Ways to run").click()
    busy.menu("Run on change")
    first = busy.submitted(lambda: busy.set("sample", "cfg", "4"))
    expect(busy.node("sample").locator("header")).to_contain_text(re.compile(rf"\d+/{LONG}"), timeout=RUN_PATIENCE)
    second = busy.submitted(lambda: busy.set("sample", "steps", "3"))
    assert busy.over(first)["state"] == "cancelled"
    facts = busy.over(second)
    assert facts["state"] == "done"
    assert facts["nodes"]["prompt"]["reused"]


def test_a_random_seed_is_shown_and_can_be_kept(busy: Editor) -> None:
    busy.open()
    busy.set("sample", "steps", "2")
    seeds = []
    busy.node("sample").get_by_role("combobox", name="Change seed after each run").select_option("random")
    for _ in range(2):
        facts = busy.over(busy.run())
        seeds.append(str(facts["seeds"]["sample.seed"]))
    assert seeds[0] != seeds[1]
    sample = busy.node("sample")
    note = sample.get_by_text(re.compile("^used "))
    expect(note).to_be_visible()
    until(busy.page, lambda: digits(note) == seeds[1], "the seed of the last run")
    sample.get_by_role("button", name=f"Keep {seeds[1]}").click()
    until(busy.page, lambda: digits(busy.field("sample", "seed"), value=True) == seeds[1], "the seed in its field")
    expect(sample.get_by_role("combobox", name="Change seed after each run")).to_have_value("fixed")
    busy.press("Control+z")
    expect(sample.get_by_role("combobox", name="Change seed after each run")).to_have_value("random")


def digits(place: Locator, *, value: bool = False) -> str:
    return re.sub(r"\D", "", place.input_value() if value else place.inner_text())


def test_another_browser_sees_the_same_progress(busy: Editor, browser: Browser) -> None:
    busy.open()
    run = long_run(busy)
    with visit(browser) as (page, watch):
        other = Editor(page, busy.server).open()
        row = rows(other).first
        expect(row).to_contain_text("Runs · 4 of 7 nodes · at sample")
        row.get_by_title("Show its graph").click()
        expect(other.tab("Text to image (run)")).to_be_visible()
        expect(other.node("sample").locator("header")).to_contain_text(re.compile(rf"\d+/{LONG}"))
        expect(other.node("sample").locator("canvas")).to_be_visible()
        row.get_by_role("button", name="Cancel", exact=True).click()
        assert busy.over(run)["state"] == "cancelled"
        assert watch.errors == []
    expect(busy.page.get_by_role("button", name="Stop this run")).to_have_count(0)


def test_a_saved_workflow_runs_in_every_browser_that_shows_it(busy: Editor, browser: Browser) -> None:
    busy.open()
    busy.save_as("shared by two")
    with visit(browser) as (page, watch):
        other = Editor(page, busy.server).open("/edit/shared%20by%20two")
        run = long_run(busy)
        expect(other.node("sample").locator("header")).to_contain_text(re.compile(rf"\d+/{LONG}"))
        ask_for(busy.page, busy.server, "POST", f"/v1/runs/{run}/cancel")
        assert watch.errors == []


def test_two_runs_are_told_apart_by_what_changed(busy: Editor) -> None:
    busy.open()
    busy.set("sample", "steps", "3")
    busy.over(busy.run())
    busy.set("sample", "steps", "4")
    busy.write("prompt", "owl")
    busy.over(busy.run())
    history = busy.panel("Runs")
    newest = history.get_by_role("list", name="Runs").get_by_role("listitem").first
    newest.get_by_role("button", name="More").click()
    busy.menu("Compare with the run before")
    values = history.get_by_role("definition")
    expect(values).to_have_count(2)
    expect(values.filter(has_text="3").filter(has_text="4")).to_have_count(1)
    expect(values.filter(has_text="red apple").filter(has_text="owl")).to_have_count(1)


def test_a_run_is_opened_as_it_was(busy: Editor) -> None:
    busy.open()
    busy.set("sample", "steps", "5")
    busy.over(busy.run())
    busy.set("sample", "steps", "6")
    newest = busy.panel("Runs").get_by_role("list", name="Runs").get_by_role("listitem").first
    newest.get_by_role("button", name="More").click()
    busy.menu("Take all its values")
    expect(busy.field("sample", "steps")).to_have_value("5")
    busy.press("Control+z")
    expect(busy.field("sample", "steps")).to_have_value("6")


def test_a_server_killed_during_a_run_loses_nothing_on_the_screen(browser: Browser, tmp_path: Path) -> None:
    need_editor()
    home = tmp_path / "home"
    variables = {"OMP_NUM_THREADS": "1"}
    with visit(browser) as (page, watch):
        with started(home, variables=variables) as server:
            forget(page, server)
            editor = Editor(page, server).open()
            editor.write("prompt", "green apple")
            editor.set("sample", "steps", "150")
            run = editor.run()
            working = editor.node("sample").locator("header")
            expect(working).to_contain_text(re.compile(r"\d\d/150"), timeout=RUN_PATIENCE)
            server.kill()
            away = page.get_by_text(re.compile("^The connection is lost"))
            expect(away).to_be_visible()
            expect(editor.node("prompt")).to_contain_text("green apple")
            expect(working).to_contain_text("/150")
            expect(editor.node("sample").locator("canvas")).to_be_visible()
            editor.set("sample", "cfg", "3.5")
        with started(home, "--port", str(server.port), variables=variables):
            expect(away).to_be_hidden(timeout=RUN_PATIENCE)
            facts = editor.over(run)
            editor.shown("save")
            assert facts["state"] == "done"
            assert facts["workflow"]["nodes"]["sample"]["inputs"]["cfg"] == 3
            expect(editor.field("sample", "cfg")).to_have_value("3.5")
            editor.page.reload()
            editor.ready()
            editor.shown("save")
            expect(editor.field("sample", "cfg")).to_have_value("3.5")
            expect(editor.node("prompt")).to_contain_text("green apple")
        assert watch.errors == []
