"""A prompt as it was sent, kept with its run (`Run.comfyui`), so that queue and history can give it back."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Self

from graph.catalogue import Catalogue
from graph.comfyui.api import to_api
from graph.errors import GraphError
from graph.flat import flatten
from graph.workflow import load
from server.comfyui.ids import Ids
from server.run import Run

PICTURE_DATA = "extra_pnginfo"
"""The part of `extra_data` that goes into files; in it nothing is looked for."""

SECRET = re.compile(
    r"(^|_)(token|api_?key|secret|password|passwd|credentials?|authorization|bearer|cookie)(_|$)", re.IGNORECASE
)
"""What the names of secrets have in them: `auth_token_comfy_org`, `api_key_comfy_org`."""

WORDS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|[-. ]")
"""Where the words of other names meet: `authToken`, `x-api-key`."""


@dataclass(frozen=True)
class Sent:
    """What a client sent. number: its place in the line, lower goes first. prompt: as it runs (`Verdict.prompt`).
    extra_data: without secrets. outputs, needed: ids of nodes, as in `Verdict`. ids: of all nodes.
    """

    number: float = 0
    prompt: Mapping[str, Any] = field(default_factory=dict)
    extra_data: Mapping[str, Any] = field(default_factory=dict)
    outputs: Sequence[str] = ()
    needed: Sequence[str] = ()
    ids: Ids = field(default_factory=Ids)

    def to_json(self) -> dict[str, Any]:
        """To be kept as `Run.comfyui`. Secrets are left out here, once and for all."""
        return {
            "number": self.number,
            "prompt": dict(self.prompt),
            "extra_data": without_secrets(self.extra_data),
            "outputs": list(self.outputs),
            "needed": list(self.needed),
            "ids": self.ids.to_json(),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """What `to_json` gave."""
        return cls(
            data.get("number", 0),
            data.get("prompt", {}),
            without_secrets(data.get("extra_data", {})),
            tuple(data.get("outputs", ())),
            tuple(data.get("needed", ())),
            Ids.from_json(data.get("ids")),
        )


def sent_of(run: Run, catalogue: Catalogue) -> Sent:
    """The prompt of a run: as it was sent, or, of a run that came another way, as our workflow reads in their form.

    run: a full one. Empty where nothing is kept of it, or its node types are gone. Not for an event loop: a workflow of
    thousands of nodes takes a while.
    """
    if run.comfyui is not None:
        return replace(Sent.from_json(run.comfyui), number=place_of(run))  # it may have been moved since
    extra: dict[str, Any] = {"client_id": run.client} if run.client else {}
    extra["create_time"] = round(run.created * 1000)
    if run.client_workflow:
        extra[PICTURE_DATA] = {"workflow": json.loads(run.client_workflow)}
    if not run.workflow:
        return Sent(place_of(run), extra_data=extra)
    try:
        workflow = load(run.workflow, catalogue)
        flat = flatten(workflow, catalogue)
    except GraphError:
        return Sent(place_of(run), extra_data=extra)
    types = {node.type for node in flat.values()}
    specs = {type_id: spec for type_id in types if (spec := catalogue.spec(type_id)) is not None}
    prompt = to_api(flat, specs, workflow)
    ids = Ids.of_flat(flat, prompt, workflow)
    asked = tuple(f"{path}/" for path in run.wanted)
    outputs = [
        ids.theirs[path]
        for path, node in flat.items()
        if path in ids.theirs
        and (f"{path}/".startswith(asked) if asked else node.type in specs and specs[node.type].output)
    ]
    return Sent(place_of(run), prompt, extra, outputs, tuple(ids.theirs.values()), ids)


def without_secrets(value: Any) -> Any:
    """A JSON value without keys that name secrets. What goes into files stays as it is: it is a drawing, not a key."""
    if isinstance(value, Mapping):
        return {
            key: item if key == PICTURE_DATA else without_secrets(item)
            for key, item in value.items()
            if not SECRET.search(WORDS.sub("_", str(key)))
        }
    return [without_secrets(item) for item in value] if isinstance(value, list) else value


def place_of(run: Run) -> float:
    """Its place in the line; without a fraction where that is zero."""
    return int(run.position) if run.position == int(run.position) else run.position
