"""`/prompt`: what a client asks for is judged as ComfyUI judges it, and kept as a run of ours."""

import asyncio
from collections.abc import Mapping
from math import isfinite
from typing import TYPE_CHECKING, Any

from aiohttp import web

from graph.comfyui.api_reading import workflow_of_api
from server.api import Refusal
from server.comfyui.bodies import answer, read_json
from server.comfyui.clients import count
from server.comfyui.faults import body_of, fault, invalid_prompt
from server.comfyui.ids import Ids
from server.comfyui.routing import Table
from server.comfyui.sent import PICTURE_DATA, Sent, place_of
from server.comfyui.validation import Verdict, validate
from server.run import SubmitRun

if TYPE_CHECKING:
    from server.comfyui.face import Face

routes = Table()

LONGEST_ID = 200
"""Letters that the id of a prompt or of a client may have."""


@routes.get("/prompt")
async def remaining(face: "Face", request: web.Request) -> web.Response:
    """How many runs of the caller are not over."""
    return answer({"exec_info": {"queue_remaining": count(face.core, request["who"])}})


@routes.post("/prompt")
async def submit(face: "Face", request: web.Request) -> web.Response:
    """Accept a prompt. It is kept durably before the answer is sent."""
    try:
        return await _submitted(face, request)
    except Refusal as refusal:
        info = refusal.info
        body = {"error": fault(info.code, info.message, info.hint), "node_errors": {}}
        response = answer(body, refusal.status)
        response.headers.update(refusal.headers)
        return response


async def _submitted(face: "Face", request: web.Request) -> web.Response:
    core = face.core
    asked = await read_json(face, request)
    if type(asked) is not dict:
        return _bad(invalid_prompt("The body is no JSON object."))
    catalogue = await core.catalogue.get()
    number, run_id, client = _number(asked), _id(asked, "prompt_id"), _id(asked, "client_id")
    targets = asked.get("partial_execution_targets")
    if targets is not None and type(targets) is not list:
        return _bad(invalid_prompt("partial_execution_targets is no list of node ids."))
    verdict = await asyncio.to_thread(validate, asked.get("prompt"), catalogue, face.files, targets)
    if verdict.error is not None:
        return answer(verdict.body, 400)
    workflow, _ = await asyncio.to_thread(workflow_of_api, verdict.prompt, catalogue)
    ids = Ids.of(verdict.prompt, workflow)
    extra = _object(asked.get("extra_data"))
    sent = Sent(number or 0, verdict.prompt, extra, verdict.outputs, verdict.needed, ids)
    drawn = _object(extra.get(PICTURE_DATA)).get("workflow")
    wanted = SubmitRun.model_validate(
        {
            "outputs": tuple(path for name in verdict.outputs if (path := ids.ours(name)) is not None),
            "front": number is None and bool(asked.get("front")),
            "client_workflow": drawn if type(drawn) is dict else None,
        }
    )
    kept = await asyncio.to_thread(sent.to_json)
    try:
        run = await core.runs.submit(
            wanted, request["who"], workflow=workflow, comfyui=kept, client=client, number=number, run_id=run_id
        )
    except Refusal as refusal:
        if refusal.status == 409:
            message = f"There is a prompt with the id '{run_id[:100]}' already."
            return _bad(fault("prompt_id_taken", message, "Leave prompt_id out, or use a new one."))
        if refusal.status == 422:
            return answer(_refused(refusal, verdict, ids), 400)
        raise
    return answer({"prompt_id": run.id, "number": place_of(run), "node_errors": verdict.node_errors})


def _refused(refusal: Refusal, verdict: Verdict, ids: Ids) -> dict[str, Any]:
    """What our own check found, as their clients read it."""
    problems = refusal.info.problems or [{"code": refusal.info.code, "message": refusal.info.message}]
    body = body_of(problems, verdict.prompt, lambda path: ids.place(path).real)
    return {"error": body["error"], "node_errors": verdict.node_errors | body["node_errors"]}


def _number(asked: Mapping[str, Any]) -> float | None:
    """The place that was asked for. Raises Refusal 400 for what is no number."""
    given = asked.get("number")
    if given is None:
        return None
    try:
        number = float(given)
    except (TypeError, ValueError, OverflowError):
        number = float("nan")
    if not isfinite(number):
        raise Refusal(400, "bad_number", "number is no number that is finite.", "Leave it out to queue behind others.")
    return number


def _id(asked: Mapping[str, Any], key: str) -> str:
    """An id as text, as it comes to them; "" where there is none. Raises Refusal 400 for one that is too long."""
    given = asked.get(key)
    text = "" if given is None else str(given)
    if len(text) > LONGEST_ID:
        raise Refusal(400, "bad_id", f"{key} has {len(text)} letters; {LONGEST_ID} are allowed.")
    return text


def _bad(error: Mapping[str, Any]) -> web.Response:
    return answer({"error": error, "node_errors": {}}, 400)


def _object(value: Any) -> Mapping[str, Any]:
    return value if type(value) is dict else {}
