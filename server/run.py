"""What a run is to the server: what is asked, what is known of it, what of it is kept."""

from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from pydantic import Field, SecretStr

from graph.spec import Frozen

State = Literal["waiting", "paused", "running", "done", "failed", "cancelled"]
FINISHED = ("done", "failed", "cancelled")


class Failure(Frozen):
    """Why a run failed: the first node that did. node: its path, "" where no node is to blame."""

    node: str = ""
    code: str
    message: str
    hint: str = ""


class Death(Frozen):
    """A worker that died with the run. node and step: where the run was. reason: a sentence."""

    time: float
    worker: str
    node: str = ""
    step: int = 0
    reason: str


class NodeReport(Frozen):
    """What came of one node. outputs: what it shows. error: why it failed. because: the node it was skipped for."""

    state: Literal["running", "finished", "failed", "skipped"]
    reused: Literal["memory", "disk"] | None = None
    seconds: float = 0.0
    outputs: dict[str, Any] = Field(default_factory=dict)
    error: Failure | None = None
    because: str = ""
    done: int = 0
    total: int = 0


@dataclass(eq=False)
class Run:
    """A run, as the server holds it and the database keeps it.

    id: unique. owner: who submitted it. app: of a published workflow, its name. key: of the submission
    (Idempotency-Key); digest: of what was submitted under it. client: the id of the ComfyUI client that sent it.
    retry_of: the run it tries again.
    priority: higher goes first; position: among those of one priority, lower goes first. interactive: somebody waits;
    it may pause one that is not. private: nothing of it stays once it is done. labels: for the caller's own use.

    workflow: JSON text of our document. wanted: ids of the nodes asked for, none: all output nodes. metadata: what
    files tell ("full", "minimal", "none"; "": as the server is set). client_workflow: JSON text of the document of a
    client's editor. comfyui: what ComfyUI's interface must give back. hook: who is told of its end.
    models: paths of the model files it uses. seeds: "node.input" → value.

    planned: paths of the nodes of the plan; types: theirs, while it runs. nodes: what is known of each, by path.
    seconds: how long it was at work. deaths: of workers it ran on. overtaken: how often another went first. starts:
    how often it was begun. next_seq: the number of its next event.

    What is heavy (workflow, client_workflow, comfyui) is not held for runs that are active: `Records.full` reads it.
    """

    id: str
    owner: str = "local"
    app: str = ""
    key: str = ""
    digest: str = ""
    title: str = ""
    state: State = "waiting"
    priority: int = 0
    position: float = 0.0
    interactive: bool = False
    private: bool = False
    created: float = 0.0
    started: float | None = None
    finished: float | None = None
    seconds: float = 0.0
    workflow: str = ""
    wanted: tuple[str, ...] = ()
    metadata: str = ""
    client_workflow: str | None = None
    comfyui: dict[str, Any] | None = None
    client: str = ""
    hook: dict[str, Any] | None = None
    labels: dict[str, str] = field(default_factory=dict)
    models: tuple[str, ...] = ()
    seeds: dict[str, int] = field(default_factory=dict)
    error: Failure | None = None
    nodes: dict[str, NodeReport] = field(default_factory=dict)
    planned: tuple[str, ...] = ()
    types: dict[str, str] = field(default_factory=dict)
    deaths: tuple[Death, ...] = ()
    overtaken: int = 0
    starts: int = 0
    next_seq: int = 0
    worker: str = ""
    retry_of: str = ""

    @property
    def is_over(self) -> bool:
        """Whether it has come to its end."""
        return self.state in FINISHED

    @property
    def order(self) -> tuple[bool, int, float]:
        """Lower goes first."""
        return (not self.interactive, -self.priority, self.position)

    @property
    def files(self) -> list[tuple[str, dict[str, str]]]:
        """What it wrote: the node, and the file by its kind of folder and its name in it."""
        return [(node, file) for node, report in self.nodes.items() for file in report.outputs.get("files", ())]


class WebhookRequest(Frozen):
    """Where a message goes when the run is over. url: http or https, of the open internet. secret: `whsec_` and the
    base64 of 24 to 64 bytes, with which it is signed; none: the caller's own key, which GET /v1/webhook-key tells.
    """

    url: str = Field(min_length=1, max_length=2000)
    secret: SecretStr | None = Field(None, max_length=200)


class SubmitRun(Frozen):
    """A run to be accepted. Give a document, or the name of a saved workflow or template.

    workflow: our document, ComfyUI's API JSON or its editor's JSON. name: of a saved workflow ("portraits/anna"), or
    "templates/…". settings: inputs to change: by name of the interface, "NODE.INPUT", or an input only one node has.
    outputs: the ids of the nodes wanted; none: all output nodes.
    """

    workflow: dict[str, Any] | None = None
    name: str = ""
    settings: dict[str, Any] = Field(default_factory=dict)
    outputs: tuple[str, ...] = ()
    title: str = Field("", max_length=200)
    priority: Annotated[int, Field(ge=-100, le=100)] = 0
    front: bool = Field(False, description="before all others of its priority")
    interactive: bool = Field(False, description="somebody waits for it: it may pause a run that is not")
    private: bool = Field(False, description="nothing of it is kept but the files it writes")
    paused: bool = Field(False, description="accept it, but let it wait until it is resumed")
    metadata: Literal["full", "minimal", "none"] | None = None
    labels: dict[str, str] = Field(default_factory=dict, description="for the caller's own use")
    client_workflow: dict[str, Any] | None = Field(None, description="an editor's document, to be carried by pictures")
    webhook: WebhookRequest | None = Field(None, description="who is told when the run is over")


class FileInfo(Frozen):
    """A file a run wrote. kind: of folder. name: its path in it. url: where it can be fetched."""

    node: str
    kind: str
    name: str
    url: str


class RunInfo(Frozen):
    """A run, in short. ahead: how many wait before it. progress: of the node at work."""

    id: str
    state: State
    title: str
    owner: str
    app: str
    priority: int
    position: float
    interactive: bool
    private: bool
    created: float
    started: float | None
    finished: float | None
    seconds: float
    error: Failure | None
    files: list[FileInfo]
    seeds: dict[str, str] = Field(description="as text: they may be larger than 2^53")
    labels: dict[str, str]
    starts: int = Field(description="how often it was begun; more than once if it was paused or interrupted")
    worker: str
    retry_of: str
    ahead: int
    last_event: int = Field(description="the number of its last event; -1: none yet")
    nodes_done: int
    nodes_planned: int
    current: str
    done: int
    total: int


class RunDetail(RunInfo):
    """A run with all that is kept of it."""

    workflow: dict[str, Any]
    outputs: tuple[str, ...]
    nodes: dict[str, NodeReport]
    deaths: tuple[Death, ...]
    models: tuple[str, ...]


class Queue(Frozen):
    """The line. paused: nothing is begun. running and waiting: in order, the waiting ones in part (`next`)."""

    paused: bool
    running: list[RunInfo]
    waiting: list[RunInfo]
    waiting_count: int
    next: str = Field("", description="where the next page begins; empty: there is none")
