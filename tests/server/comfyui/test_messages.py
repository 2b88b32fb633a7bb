"""Messages of the websocket, against the order and the fields that were seen on ComfyUI's."""

import json
import struct
from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from server.comfyui.failures import exception_type
from server.comfyui.ids import Ids
from server.comfyui.messages import (
    Out,
    Translator,
    preview_frame,
    preview_with_metadata_frame,
    text_frame,
    ui_of,
)

PROMPT = {
    "4": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "a.safetensors"}},
    "3": {"class_type": "KSampler", "inputs": {"model": ["4", 0], "steps": 2, "list": {"__value__": [1, 2]}}},
    "9": {"class_type": "SaveImage", "inputs": {"images": ["3", 0], "filename_prefix": "x"}},
}
IDS = Ids({"4": "4", "3": "3", "9": "9"})
PICTURE = {"files": [{"kind": "output", "name": "sub/x_00001_.png", "url": "/v1/files/x"}], "kind": "output"}
SHOWN = {"images": [{"filename": "x_00001_.png", "subfolder": "sub", "type": "output"}]}


def plan(**actions: str) -> dict[str, Any]:
    return event("run_started", plan=[{"node": name, "action": action} for name, action in actions.items()])


def event(kind: str, node: str | None = None, **facts: Any) -> dict[str, Any]:
    return {"event": kind, "run": "p", "seq": 0, "time": 12.5} | ({"node": node} if node else {}) | facts


def finished(node: str, outputs: Any = None, reused: str | None = None) -> dict[str, Any]:
    return event("node_finished", node, reused=reused, seconds=1.0, outputs=outputs or {})


def told(translator: Translator, events: Iterable[dict[str, Any]]) -> list[Out]:
    sent = [out for one in events for out in translator.feed(one)]
    for out in sent:
        if not isinstance(out.data, bytes):
            assert json.loads(out.text()) == {"type": out.type, "data": out.data}
    return sent


def follow(events: Iterable[dict[str, Any]], **facts: Any) -> list[Out]:
    return told(Translator("p", IDS, PROMPT, **facts), events)


STORY = [
    event("run_queued"),
    plan(**{"4": "reuse", "3": "run", "9": "perhaps"}),
    finished("4", reused="memory"),
    event("node_started", "3"),
    event("node_progress", "3", done=1, total=2, time=13.0),
    event("node_progress", "3", done=2, total=2, time=13.001),
    finished("3"),
    event("node_started", "9"),
    finished("9", PICTURE),
    event("run_finished", status="done", seconds=2.0, time=14.0),
]


def test_the_order_of_a_run() -> None:
    sent = follow(STORY)
    assert [out.type for out in sent] == [
        "execution_start",
        "execution_cached",
        *("progress_state", "executing", "progress", "progress_state", "progress", "progress_state", "progress_state"),
        *("progress_state", "executing", "executed", "progress_state"),
        "execution_success",
        "executing",
    ]
    assert {out.to for out in sent} == {"owner"}


def test_what_messages_hold() -> None:
    facts = [out.data for out in follow(STORY)]
    assert facts[0] == {"prompt_id": "p", "timestamp": 12500}
    assert facts[1] == {"nodes": ["4"], "prompt_id": "p", "timestamp": 12500}
    state = {
        "value": 0.0,
        "max": 1.0,
        "state": "running",
        "prompt_id": "p",
        "node_id": "3",
        "display_node_id": "3",
        "parent_node_id": None,
        "real_node_id": "3",
    }
    assert facts[2] == {"prompt_id": "p", "nodes": {"3": state}}
    assert facts[3] == {"node": "3", "display_node": "3", "prompt_id": "p"}
    assert facts[4] == {"value": 1, "max": 2, "prompt_id": "p", "node": "3"}
    assert facts[8] == {"prompt_id": "p", "nodes": {"3": state | {"value": 2, "max": 2, "state": "finished"}}}
    assert facts[11] == {"node": "9", "display_node": "9", "output": SHOWN, "prompt_id": "p"}
    assert facts[-2] == {"prompt_id": "p", "timestamp": 14000}
    assert facts[-1] == {"node": None, "prompt_id": "p"}


def test_without_a_client_all_get_the_progress_and_nothing_else() -> None:
    sent = follow(STORY, has_client=False)
    assert {out.type for out in sent} == {"progress", "progress_state"}
    assert {out.to for out in sent} == {"all"}
    cut = [*STORY[:5], event("run_finished", status="cancelled", seconds=1.0)]
    assert [(out.type, out.to) for out in follow(cut, has_client=False)][-1] == ("execution_interrupted", "all")


def test_a_repeated_run_tells_its_outputs_again() -> None:
    sent = follow(
        [
            plan(**{"9": "reuse"}),
            finished("9", PICTURE, "memory"),
            event("run_finished", status="done", seconds=0.0),
        ],
        needed=("9", "3", "4"),
    )
    assert [out.type for out in sent] == [
        "execution_start",
        "execution_cached",
        "executed",
        "execution_success",
        "executing",
    ]
    assert dict(sent[1].data)["nodes"] == ["9", "3", "4"]  # pyright: ignore[reportArgumentType, reportCallIssue]


def test_a_run_that_was_parked_goes_on() -> None:
    first = [*STORY[:5], event("run_interrupted", reason="The worker died.")]
    again = [
        plan(**{"4": "reuse", "3": "run", "9": "run"}),
        finished("4", reused="disk"),
        event("node_started", "3"),
        event("node_progress", "3", done=2, total=2),
        *STORY[6:9],
        event("run_paused", by="user"),
        event("run_resumed"),
        plan(**{"9": "reuse"}),
        finished("9", PICTURE, "disk"),
        STORY[-1],
    ]
    kinds = [out.type for out in follow([*first, *again])]
    assert kinds.count("execution_start") == kinds.count("execution_cached") == kinds.count("execution_success") == 1
    assert kinds.count("executed") == 1
    assert kinds[-2:] == ["execution_success", "executing"]


def test_an_error_is_told_at_the_end() -> None:
    failed = event("node_failed", "3", code="value_error", message="It is broken.", hint="Mend it.")
    sent = follow(
        [
            *STORY[:4],
            failed,
            event("node_skipped", "9", because="3", reason=""),
            event("run_finished", status="failed", seconds=1.0, error={"node": "3", "code": "x", "message": "y"}),
        ]
    )
    assert [out.type for out in sent[-2:]] == ["execution_error", "executing"]
    assert sent[-2].data == {
        "prompt_id": "p",
        "node_id": "3",
        "node_type": "KSampler",
        "executed": [],
        "exception_message": "It is broken.\nMend it.",
        "exception_type": "ValueError",
        "traceback": [],
        "current_inputs": {"model": ["output 0 of node 4"], "steps": [2], "list": ["[1, 2]"]},
        "current_outputs": [],
        "timestamp": 12500,
    }


def test_a_run_that_fails_though_no_node_did() -> None:
    error = {"node": "", "code": "died_twice", "message": "Two workers died.", "hint": ""}
    sent = follow([*STORY[:4], event("run_finished", status="failed", seconds=1.0, error=error)])
    assert isinstance(sent[-2].data, dict)
    assert (sent[-2].data["node_id"], sent[-2].data["exception_message"]) == ("", "Two workers died.")


def test_an_interrupted_run() -> None:
    sent = follow([*STORY[:8], event("run_finished", status="cancelled", seconds=1.0)])
    assert sent[-2] == Out(
        "execution_interrupted",
        {"prompt_id": "p", "timestamp": 12500, "node_id": "9", "node_type": "SaveImage", "executed": ["3"]},
        "owner",
    )
    assert sent[-1].data == {"node": None, "prompt_id": "p"}


def test_a_run_taken_out_of_the_line_says_nothing() -> None:
    assert follow([event("run_queued"), event("run_finished", status="cancelled", seconds=0.0)]) == []


def test_a_blocked_node_is_told_by_a_text() -> None:
    translator = Translator("p", IDS, PROMPT)
    (out,) = translator.feed(event("node_skipped", "9", because="3", reason="nobody is at home"))
    assert out.data == text_frame("9", "Blocked: nobody is at home")


def test_branches_side_by_side_keep_what_is_shown_at_its_node() -> None:
    sent = follow(
        [
            plan(**{"4": "run", "3": "run"}),
            event("node_started", "4"),
            event("node_started", "3"),
            event("node_progress", "4", done=1, total=3),
            event("node_progress", "4", done=2, total=3, time=20.0),
            event("node_progress", "3", done=1, total=2, time=20.0),
            finished("4"),
        ]
    )
    told = [out.data["node"] for out in sent if out.type == "executing" and isinstance(out.data, dict)]
    assert told == ["4", "3", "4", "3"]
    states = [out.data["nodes"] for out in sent if out.type == "progress_state" and isinstance(out.data, dict)]
    assert [(node["node_id"], node["state"]) for node in states[-1].values()] == [("3", "running"), ("4", "finished")]


def test_progress_is_not_told_more_often_than_eyes_can_see() -> None:
    steps = [event("node_progress", "3", done=step + 1, total=1000, time=20 + step / 1000) for step in range(1000)]
    sent = follow([*STORY[:4], *steps])
    told = [out.data["value"] for out in sent if out.type == "progress" and isinstance(out.data, dict)]
    assert 30 <= len(told) <= 40
    assert told[-1] == 1000


def test_a_long_chain_is_not_told_over_and_over() -> None:
    names = {str(place): str(place) for place in range(2_000)}
    translator = Translator("p", Ids(names), {})
    events = [event("run_started", plan=[{"node": name, "action": "run"} for name in names])]
    for name in names:
        events += [event("node_started", name), finished(name)]
    assert sum(len(out.text()) for out in told(translator, events)) < 2_000 * 1_000


def test_nodes_inside_others_and_calls() -> None:
    one, two = ({"files": [{"kind": "output", "name": f"{name}.png"}], "kind": "output"} for name in ("a", "b"))
    both = {"files": [*one["files"], *two["files"]], "kind": "output"}
    sent = follow(
        [
            plan(**{"3": "run"}),
            event("node_started", "3"),
            event("node_started", "3/save"),
            finished("3/save", one),
            event("node_started", "3/save2"),
            event("node_started", "3/save2/0"),
            finished("3/save2/0", two),
            finished("3/save2", two),
            finished("3", both),
            event("node_started", "9"),
            finished("9/0", {"text": ["x"]}),
            finished("9/1", {"text": ["y"]}),
            finished("9", {"files": [], "kind": "output"}),
        ]
    )
    executed = [out.data for out in sent if out.type == "executed" and isinstance(out.data, dict)]
    assert [(one["node"], one["display_node"]) for one in executed] == [("3.save", "3"), ("3.save2", "3"), ("9", "9")]
    assert executed[1]["output"] == {"images": [{"filename": "b.png", "subfolder": "", "type": "output"}]}
    assert executed[2]["output"] == {"text": ["x", "y"]}


@pytest.mark.parametrize(
    ("name", "type_id", "expected"),
    [
        ("a.png", "SaveImage", {"images": ["a.png"]}),
        ("a.latent", "SaveLatent", {"latents": ["a.latent"]}),
        ("a.webp", "SaveAnimatedWEBP", {"images": ["a.webp"], "animated": [True]}),
        ("a.mp4", "", {"images": ["a.mp4"], "animated": [True]}),
        ("a.flac", "SaveAudio", {"audio": ["a.flac"]}),
        ("a.glb", "SaveGLB", {"3d": ["a.glb"]}),
    ],
)
def test_files_stand_under_what_they_are(name: str, type_id: str, expected: dict[str, Any]) -> None:
    shown = ui_of({"files": [{"kind": "temp", "name": name}], "kind": "temp"}, type_id)
    names = {key: [item["filename"] if key != "animated" else item for item in shown[key]] for key in shown}
    assert names == expected


def test_what_a_pack_shows_stands_as_it_gave_it() -> None:
    gifs = {"filename": "a.gif", "subfolder": "", "type": "output", "format": "image/gif"}
    files = [{"kind": "output", "name": "a.gif"}]
    assert ui_of({"gifs": [gifs], "files": files, "kind": "output"}) == {"gifs": [gifs]}
    assert ui_of({"text": "one", "files": files, "kind": "output"})["text"] == ["one"]
    assert ui_of({}) == {}


def test_frames() -> None:
    assert preview_frame("image/jpeg", b"abc") == struct.pack(">II", 1, 1) + b"abc"
    assert preview_frame("image/png", b"") == struct.pack(">II", 1, 2)
    assert preview_frame("image/webp", b"abc") is None
    assert text_frame("é", "ü") == b"\0\0\0\x03\0\0\0\x02" + "éü".encode()
    frame = preview_with_metadata_frame(IDS.place("3/inner"), "p", "image/png", b"abc")
    kind, length = struct.unpack(">II", frame[:8])
    assert (kind, frame[8 + length :]) == (4, b"abc")
    assert json.loads(frame[8 : 8 + length]) == {
        "node_id": "3.inner",
        "prompt_id": "p",
        "display_node_id": "3",
        "parent_node_id": "3",
        "real_node_id": "3",
        "image_type": "image/png",
    }


def test_previews_belong_to_a_node() -> None:
    translator = Translator("p", IDS, PROMPT)
    told(translator, STORY[:4])
    assert [out.type for out in translator.preview("3", "image/jpeg", b"x", with_metadata=False)] == [""]
    assert [out.type for out in translator.preview("4", "image/jpeg", b"x", with_metadata=False)] == ["executing", ""]
    assert [out.type for out in translator.preview("3", "image/webp", b"x", with_metadata=True)] == [""]
    assert translator.preview("3", "image/webp", b"x", with_metadata=False) == []


@pytest.mark.parametrize(
    ("code", "name"),
    [
        ("value_error", "ValueError"),
        ("os_error", "OSError"),
        ("out_of_memory_error", "torch.OutOfMemoryError"),
        ("graph_error", "GraphError"),
        ("", ""),
    ],
)
def test_classes_of_errors(code: str, name: str) -> None:
    assert exception_type(code) == name


PATHS = st.sampled_from(["3", "4", "9", "3/0", "3/1", "9/a", "9/a/0", "gone", "9/2/b"])
STEPS = st.one_of(
    st.builds(lambda node: event("node_started", node), PATHS),
    st.builds(lambda node, done: event("node_progress", node, done=done, total=5), PATHS, st.integers(0, 5)),
    st.builds(finished, PATHS, st.sampled_from([None, PICTURE, {"text": ["x"]}]), st.sampled_from([None, "disk"])),
    st.builds(lambda node: event("node_failed", node, code="x", message="y", hint=""), PATHS),
    st.builds(lambda node: event("node_skipped", node, because="3", reason="z"), PATHS),
    st.sampled_from([plan(**{"3": "run"}), event("run_interrupted", reason=""), event("run_paused", by="run")]),
    st.builds(lambda status: event("run_finished", status=status, seconds=0.0), st.sampled_from(["done", "failed"])),
)


@settings(max_examples=200, deadline=None)
@given(steps=st.lists(STEPS, max_size=12), has_client=st.booleans())
def test_any_story_can_be_told(steps: list[dict[str, Any]], has_client: bool) -> None:
    kinds = [out.type for out in follow(steps, has_client=has_client)]
    assert kinds.count("execution_start") <= 1
    assert kinds.count("execution_success") + kinds.count("execution_error") <= 1
    if not has_client:
        assert set(kinds) <= {"progress", "progress_state", ""}
