"""What is sent to every operation of the OpenAPI document: what it describes, what it does not, and what is there."""

import re
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from random import Random
from typing import Any

import aiohttp
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from schemathesis.checks import CheckContext
from schemathesis.config import SchemathesisConfig
from schemathesis.core.failures import AcceptedNegativeData
from schemathesis.core.transport import Response
from schemathesis.generation import GenerationMode
from schemathesis.generation.case import Case
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.server.assembled import Assembled, document

BUSY = (503, 507)
"""What a server may answer that cannot do it now, or has no room."""

PICTURE = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de0000000c49444154789c63606060000000040001"
    "f61738550000000049454e44ae426082"
)
"""A PNG of one black pixel."""

STREAMS = ("/v1/runs/{id}/events/stream",)
"""Answers that last until the run is over."""


def not_a_failure(ctx: CheckContext, response: Response, case: Case) -> bool | None:
    """Nothing a client sends makes the server fail."""
    if response.status_code >= 500 and response.status_code not in BUSY:
        raise AssertionError(f"{case.method} {case.path}: {response.status_code} {response.text[:500]}")
    return None


def wrong_is_refused(ctx: CheckContext, response: Response, case: Case) -> bool | None:
    """What the description rules out is refused. Numbers and truth values may come as text: "1" for 1."""
    if 400 <= response.status_code < 500:
        return None
    try:
        return negative_data_rejection(ctx, response, case)
    except AcceptedNegativeData as failure:
        if re.search("violates `(type|anyOf)`", failure.message):
            return None
        raise


CHECKS = [
    not_a_failure,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    wrong_is_refused,
]


@dataclass(frozen=True)
class Known:
    """What there is: by the name of a part of a path, what may stand there."""

    over: tuple[str, ...]
    active: tuple[str, ...]
    parts: Mapping[str, tuple[str, ...]]

    def choices(self, path: str, name: str) -> tuple[str, ...]:
        """What a part of this path may be."""
        if path in STREAMS:
            return self.over
        if name == "name":
            return self.parts.get(path.split("/")[2], ())
        if name in ("run", "id"):
            return self.over + self.active
        return self.parts.get(name, ())


@dataclass
class Tally:
    """How many requests of an operation were answered with each status."""

    answers: dict[str, Counter[int]] = field(default_factory=dict)

    def note(self, operation: str, status: int) -> None:
        self.answers.setdefault(operation, Counter())[status] += 1

    @property
    def requests(self) -> int:
        return sum(sum(counts.values()) for counts in self.answers.values())


class Fuzzer:
    """Sends to one server. examples: of each operation and mode, of what fits its description and of what does not."""

    def __init__(self, server: Assembled, examples: int, number: int = 0) -> None:
        self.server = server
        self.examples = examples
        self.number = number
        self.tally = Tally()
        self.known = server.do(furnished(server))
        written = server.do(described(server))
        config = SchemathesisConfig()
        config.projects.default.request_timeout = 20
        self.schema = schemathesis.openapi.from_dict(written, config=config)
        self.schema.config.base_url = server.address

    def operations(self) -> list[Any]:
        """All there are; those that remove something last."""
        found = [operation.ok() for operation in self.schema.get_all_operations()]
        return sorted(found, key=lambda operation: operation.method.upper() == "DELETE")

    def play(self, operation: Any, mode: GenerationMode) -> None:
        """Send the examples of one operation. Raises AssertionError for the first answer that is not as described."""
        self.known = self.server.do(furnished(self.server))

        @seed(self.number)
        @settings(
            max_examples=self.examples,
            database=None,
            deadline=None,
            phases=[Phase.explicit, Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy(generation_mode=mode), chance=st.randoms(use_true_random=False))
        def send(case: Case, chance: Random) -> None:
            headers = self.substitute(case, chance, mode)
            response = case.call(headers=headers)
            self.tally.note(operation.label, response.status_code)
            case.validate_response(response, checks=CHECKS)

        with suppress(Unsatisfiable):  # nothing can be wrong where nothing is said
            send()

    def substitute(self, case: Case, chance: Random, mode: GenerationMode) -> dict[str, str]:
        """Now and then, name what there is, and send what is sensible. Gives further headers."""
        operation = (case.method.upper(), case.path)
        if case.path_parameters and chance.random() < 0.8:
            for name in list(case.path_parameters):
                choices = self.known.choices(case.path, name)
                if choices and not (mode is GenerationMode.NEGATIVE and name == "place"):
                    case.path_parameters[name] = chance.choice(choices)
        if mode is GenerationMode.NEGATIVE:
            return {}
        if chance.random() < 0.7:
            if isinstance(case.body, dict):
                case.body.update({name: make(chance) for name, make in BODIES.get(operation, {}).items()})
            if operation in UPLOADS:
                case.media_type, case.body = "application/octet-stream", PICTURE
                case.query = {"name": chance.choice(["known.png", "new.png", "a/b.png", "../up.png"])}
        picked = chance.sample(list(HEADERS.get(operation, HEADERS["any", ""]).items()), 1)[0]
        return {picked[0]: chance.choice(picked[1])}


UPLOADS = (("POST", "/v1/files/{kind}"), ("POST", "/v1/apps/{name}/files"))

_RUN: Mapping[str, Callable[[Random], Any]] = {
    "workflow": lambda chance: document("wait" if chance.random() < 0.1 else ""),
    "name": lambda chance: "",
    "settings": lambda chance: chance.choice([{}, {"text": "pear"}, {"sample.seed": 1}]),
    "outputs": lambda chance: chance.choice([[], ["save"], ["nothing"]]),
    "webhook": lambda chance: None,
}

BODIES: Mapping[tuple[str, str], Mapping[str, Callable[[Random], Any]]] = {
    ("POST", "/v1/runs"): _RUN,
    ("POST", "/v1/plan"): _RUN,
    ("POST", "/v1/check"): {"workflow": lambda chance: document()},
    ("PUT", "/v1/workflows/{name}"): {
        "workflow": lambda chance: document(),
        "overwrite": lambda chance: chance.random() < 0.7,
        "revision": lambda chance: None,
    },
    ("POST", "/v1/workflows/check"): {"workflow": lambda chance: document(), "file": lambda chance: None},
    ("POST", "/v1/workflows/convert"): {
        "workflow": lambda chance: None,
        "file": lambda chance: {"kind": "input", "name": chance.choice(["known.png", "none.png"])},
    },
    ("PUT", "/v1/apps/{name}"): {
        "workflow": lambda chance: published(),
        "name": lambda chance: "",
        "fields": lambda chance: {},
        "limits": lambda chance: chance.choice([{}, {"steps": 30}, {"pixels": 1}]),
        "revision": lambda chance: None,
    },
    ("POST", "/v1/apps/{name}/runs"): {
        "inputs": lambda chance: chance.choice([{}, {"prompt": "pear"}]),
        "webhook": lambda chance: None,
    },
    ("POST", "/v1/apps/known/runs"): {"webhook": lambda chance: None},
}
"""What makes a body of an operation sensible."""

HEADERS: Mapping[tuple[str, str], Mapping[str, tuple[str, ...]]] = {
    ("any", ""): {
        "Accept": ("*/*", "text/html", "application/json;q=0, image/png", ";;q=,,"),
        "If-None-Match": ("*", '"a"', "W/x", '"'),
        "If-Match": ("*", '"a"', '"a", "b"'),
        "Range": ("bytes=0-3", "bytes=-1", "bytes=9-2", "bytes=99999999999999999999-", "lines=1-2"),
        "If-Range": ('"a"', "Sun, 06 Nov 1994 08:49:37 GMT", "yesterday"),
        "If-Modified-Since": ("Sun, 06 Nov 1994 08:49:37 GMT", "Sun, 99 Nov 99999 08:49:37 GMT"),
        "Last-Event-ID": ("0", "-1", "99999999999999999999", "\u0663".encode().decode("latin-1")),
        "Prefer": ("wait=0", "wait=1", "wait=-1", "wait=99999999", "respond-async, wait=1"),
        "Idempotency-Key": ("a", "x" * 201, ""),
        "Accept-Encoding": ("gzip", "gzip;q=0", "br;q=x, *"),
        "Cookie": ("noisewright=x", "a=b; noisewright=", '"=;;'),
        "X-HTTP-Method-Override": ("DELETE",),
    },
    ("POST", "/v1/runs"): {
        "Idempotency-Key": ("a", "b", "x" * 201),
        "Prefer": ("wait=1", "wait=0"),
    },
    ("POST", "/v1/apps/{name}/runs"): {
        "Idempotency-Key": ("a", "b"),
        "Prefer": ("wait=1",),
        "Accept": ("image/png", "image/tiff"),
    },
}
"""Headers that operations read, or should not."""


def published() -> dict[str, Any]:
    """A document that can be published."""
    exposed = [{"name": "prompt", "node": "text", "input": "text"}, {"name": "seed", "node": "sample", "input": "seed"}]
    return document() | {"interface": {"inputs": exposed, "outputs": []}}


async def described(server: Assembled) -> dict[str, Any]:
    """The document the server gives."""
    async with aiohttp.ClientSession() as session, session.get(f"{server.address}/v1/openapi.json") as answer:
        return await answer.json()


async def furnished(server: Assembled) -> Known:
    """Put in something of everything: runs, a file, workflows, a published one, a token."""
    over, active = [], []
    async with aiohttp.ClientSession(server.address, raise_for_status=True) as session:
        async with session.post("/v1/queue/resume"), session.post("/v1/queue/cancel", json={}):
            pass
        for run in (run for run in server.core.runs.running()):
            async with session.post(f"/v1/runs/{run.id}/cancel"):
                pass
        async with session.put("/v1/apps/known", json={"workflow": published()}):
            pass
        async with session.post("/v1/apps/known/runs", json={}, headers={"Prefer": "wait=30"}) as answer:
            apart = (await answer.json())["id"]
        for title in ("one", "two", "wait", "wait too"):
            wait = {} if title.startswith("wait") else {"Prefer": "wait=30"}
            body = {"workflow": document(title), "paused": title == "wait too"}
            async with session.post("/v1/runs", json=body, headers=wait) as answer:
                (active if title.startswith("wait") else over).append((await answer.json())["id"])
        async with session.post("/v1/files/input?name=known.png", data=PICTURE):
            pass
        for name in ("known", "folder/known"):
            body = {"workflow": document(), "overwrite": True}
            async with session.put(f"/v1/workflows/{name}", json=body):
                pass
        async with session.post("/v1/tokens", json={"name": "known", "scopes": ["run"]}) as answer:
            token = (await answer.json())["id"]
    return Known(
        (*over, apart),
        tuple(active),
        {
            "kind": ("input", "output", "temp"),
            "files": ("known.png", "nothing.png", *(f"{run}.png" for run in over)),
            "thumbnails": ("known.png", *(f"{run}.png" for run in over)),
            "metadata": ("known.png", *(f"{run}.png" for run in over)),
            "workflows": ("known", "folder/known", "templates/text-to-image"),
            "catalogue": ("KSampler", "SaveImage"),
            "apps": ("known",),
            "token": (token,),
            "source": ("checkpoints", "input"),
            "worker": ("worker-0", "worker-1"),
            "place": ("0", "1"),
        },
    )
