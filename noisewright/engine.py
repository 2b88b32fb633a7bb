"""What runs workflows, built once: node types, folders, weights, caches. Python and the command line share it."""

import logging
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, closing
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from threading import Event as Flag
from typing import TYPE_CHECKING, Any, Literal, Self
from weakref import finalize

from diffusion.precision import UnavailableError
from diffusion.values import describe, size_in_bytes
from graph.cache import NOTHING, Cache, MemoryCache
from graph.catalogue import Catalogue, whence
from graph.check import check
from graph.codec import Codecs
from graph.digests import Digests
from graph.disk_cache import DiskCache
from graph.errors import GraphError, InvalidWorkflow
from graph.events import Event, NodeFinished, RunFinished
from graph.flow import Flow, types_of
from graph.folders import Folders
from graph.hearing import listen
from graph.history import History
from graph.lanes import Lanes
from graph.layouts import saved_below
from graph.output_folder import OutputFolder
from graph.plan import Plan, plan
from graph.problem import Problem, errors, joined
from graph.record import Metadata, Recording
from graph.run import run
from graph.states import DiskStates, MemoryStates, States
from graph.tiered_cache import TieredCache
from graph.workflow import Workflow, load_with_problems, set_inputs
from noisewright import __version__
from noisewright.catalogue import catalogue_of
from noisewright.codecs import codecs_of
from noisewright.home import NAME, find_home
from noisewright.outcome import Outcome, Wanted, outcome_of, place_of

if TYPE_CHECKING:
    from diffusion.memory import Weights
    from noisewright.sweep import Rows, Varied

MEMORY_BYTES = 2 * 2**30
"""How much memory results may take."""

Keep = Literal["disk", "memory", "nothing"]


log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Opened:
    """A workflow without errors, with what it was checked against. problems: warnings. name: of the file it is from."""

    workflow: Workflow
    catalogue: Catalogue
    files: Folders
    problems: tuple[Problem, ...] = ()
    name: str = ""


Source = Workflow | Flow | str | Path | bytes | Opened
"""What can be run: a document, a flow, the path of a file, its bytes; or one of them, opened before."""


class Engine:
    """Runs workflows, files and flows; results are reused while they are valid. Close it at the end, or use `with`.

    data: the home folder, if not the usual one. models: folders of models to search first. output: where files are
    written, if not into the home's output. device: "auto", "cpu", "cuda", "cuda:1", "mps", "xpu". precision: "auto",
    "fp32", "bf16", "fp16". memory: what weights and computing may take on the device, "auto", "6GB" or bytes.
    idle_unload: weights leave memory after so many seconds without use. compile: the denoiser, with torch.compile.
    metadata: what pictures carry, "full", "minimal" or "none". keep: results, on "disk" for later processes, in
    "memory" for this one, or "nothing". guard: a node that changes one of its inputs fails. time_limit: so many seconds
    a node may take; one that takes longer fails. tell: is told, in a sentence, what takes time before anything runs.
    Nothing slow is loaded before something computes. Threads may share it.
    """

    def __init__(
        self,
        *,
        data: Path | str | None = None,
        models: Sequence[Path | str] = (),
        output: Path | str | None = None,
        device: str = "auto",
        precision: str = "auto",
        memory: str | int = "auto",
        idle_unload: float | None = None,
        compile: bool = False,  # noqa: A002 — the name of the option
        metadata: Metadata = "full",
        keep: Keep = "disk",
        guard: bool = False,
        time_limit: float | None = None,
        tell: Callable[[str], object] = log.info,
    ) -> None:
        self.home = find_home(Path(data) if data is not None else None)
        written = Path(output).expanduser() if output is not None else self.home.output
        self.output = OutputFolder(written, self.home.temp)
        self.history = History(self.home.cache / "history.db")
        self._models = tuple(Path(folder).expanduser() for folder in models)
        self._digests = Digests(self.home.cache / "digests.db")
        self._compute = {"device": device, "precision": precision, "compile": compile}
        self._memory = memory
        self._idle_unload = idle_unload
        self._recording = Recording(metadata=metadata, app={"name": NAME, "version": __version__})
        self._keep: Keep = keep
        self._guard = guard
        self._time_limit = time_limit
        self._tell = tell
        self._lanes = Lanes()
        self._closing = ExitStack()
        self._closing.callback(self._lanes.close)
        listen("diffusion")  # what nodes compute with; what they warn of themselves is heard anyway
        finalize(self, self._closing.close)  # for those that neither close it nor use `with`

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Write what is to be kept, and give back threads and weights. It runs nothing afterwards."""
        self._closing.close()
        if "weights" in vars(self):
            self.weights.release()

    @cached_property
    def catalogue(self) -> Catalogue:
        """The node types there are, those of packs too."""
        return catalogue_of(self.home, tell=self._tell)

    @cached_property
    def codecs(self) -> Codecs:
        """How values are written and told apart."""
        return codecs_of(self.catalogue)

    @cached_property
    def cache(self) -> Cache | None:
        """Where results are found and kept."""
        if self._keep == "nothing":
            return None
        memory = MemoryCache(MEMORY_BYTES, size_in_bytes, self.codecs)
        if self._keep == "memory":
            return memory
        disk = DiskCache(self.home.results, self.codecs)
        self._closing.callback(disk.close)
        return TieredCache(memory, disk)

    @cached_property
    def _states(self) -> States | None:
        """Where long nodes left off."""
        if self._keep == "nothing":
            return None
        if self._keep == "memory":
            return MemoryStates()
        states = DiskStates(self.home.states, self.codecs)
        self._closing.callback(states.flush)
        return states

    @cached_property
    def weights(self) -> "Weights":
        """The weights of this process. Raises GraphError where there is no such device, precision or memory."""
        from diffusion.budget import parse_memory
        from diffusion.memory import Weights

        try:
            budget = parse_memory(str(self._memory))
            return Weights(**self._compute, budget=budget, idle_unload=self._idle_unload)
        except UnavailableError as error:
            raise GraphError(str(error)) from error

    def flow(self, title: str = "") -> Flow:
        """A new graph, to add nodes to: it knows all node types by their ids."""
        return Flow(title, self.catalogue)

    def folders(self, workflow: Path | None = None) -> Folders:
        """Where models and pictures are looked for: what nodes have saved, folders that were named, the person's own,
        the bundled ones.

        Pictures are looked for in the home's `input`, then in `input` beside the workflow file, then among the
        templates'.
        """
        beside = () if workflow is None else (workflow.absolute().parent / "input",)
        return Folders(
            models=(*self._models, self.home.models, self.home.bundled / "models"),
            input=(self.home.input, *beside, self.home.templates / "input"),
            digests=self._digests,
            places={"output": (self.output.path,), "temp": (self.output.temp,), **saved_below(self.output.path)},
        )

    def read(self, source: Source, settings: Mapping[str, Any] = NOTHING) -> Workflow:
        """The document of a file or a flow, with settings changed from outside as `set_inputs` does."""
        return self._read(source, settings).workflow

    def check(self, source: Source, *wanted: Wanted, settings: Mapping[str, Any] = NOTHING) -> list[Problem]:
        """All that is wrong with a workflow. wanted: what is asked of it; nothing: all its output nodes."""
        read = self._read(source, settings)
        found = check(read.workflow, read.catalogue, read.files, _nodes(wanted, read.workflow))
        return joined(read.problems, found, whence(read.catalogue))

    def open(self, source: Source, *wanted: Wanted, settings: Mapping[str, Any] = NOTHING) -> Opened:
        """A workflow, read and checked once for several uses. Raises InvalidWorkflow with all problems if it cannot
        run.
        """
        read = self._read(source, settings)
        if read is source and not wanted:
            return read
        found = check(read.workflow, read.catalogue, read.files, _nodes(wanted, read.workflow))
        problems = joined(read.problems, found, whence(read.catalogue))
        if errors(problems):
            raise InvalidWorkflow(problems)
        return replace(read, problems=tuple(problems))

    def plan(self, source: Source, *wanted: Wanted, settings: Mapping[str, Any] = NOTHING) -> Plan:
        """What a run would compute, in which order and why. Raises InvalidWorkflow with all problems."""
        return self._plan(self.open(source, *wanted, settings=settings), wanted, self._recording)

    def foresee(self, planned: Plan) -> tuple[str, ...]:
        """What a person should know before this plan is run: what will not fit into memory as it is, and pictures of
        sizes that a model does not know.
        """
        from noisewright.foresight import foreseen  # knows the families of models, which a server does not load
        from noisewright.proportions import out_of_proportion

        return (*out_of_proportion(planned), *foreseen(planned, self.weights))

    def events(
        self,
        source: Source,
        *wanted: Wanted,
        settings: Mapping[str, Any] = NOTHING,
        previews: bool | Callable[[], bool] = False,
        cancel: Flag | None = None,
        private: bool = False,
        metadata: Metadata | None = None,
        client_workflow: str | None = None,
        run_id: str | None = None,
    ) -> Generator[Event, None, None]:
        """Run a workflow and say what happens as it happens; closing the iterator cancels.

        previews: draw them; what can be called is asked each time. cancel: once set, the run stops at its next step.
        private: nothing of it is kept but the files it writes, and these tell nothing. metadata: instead of the
        engine's. client_workflow: JSON text of an editor's document, for pictures to carry. run_id: made up if not
        given. Raises InvalidWorkflow at once.
        """
        opened = self.open(source, *wanted, settings=settings)
        recording = replace(
            self._recording,
            metadata="none" if private else metadata or self._recording.metadata,
            client_workflow=client_workflow,
        )
        planned = self._plan(opened, wanted, recording, keeps=not private)
        self.output.prepare()
        running = run(
            planned,
            cache=None if private else self.cache,
            codecs=self.codecs,
            lanes=self._lanes,
            services=self._services(opened),
            context=_inference,
            states=None if private else self._states,
            previews=previews,
            guard=self._guard,
            cancel=cancel,
            time_limit=self._time_limit,
            describe=_kind if private else describe,
            run_id=run_id,
        )
        return running if private else self._remembered(planned, opened.name, running)

    def run(self, source: Source, *wanted: Wanted, settings: Mapping[str, Any] = NOTHING) -> Outcome:
        """Run a workflow to its end. wanted: outputs whose values are asked for; nothing: all its output nodes.

        Raises InvalidWorkflow with all problems if it cannot run, and NodeFailed for the first node that failed; the
        other outputs are made all the same.
        """
        with closing(self.events(source, *wanted, settings=settings)) as events:
            outcome = self.finish(events)
        if outcome.failed is not None:
            raise outcome.failed
        return outcome

    def value(self, source: Source, wanted: Wanted, settings: Mapping[str, Any] = NOTHING) -> Any:
        """Run what one output needs and give its value: `run(source, wanted)[wanted]`."""
        return self.run(source, wanted, settings=settings)[wanted]

    def sweep(self, source: Source, vary: "Varied") -> "Rows":
        """Run every combination of the values of some inputs and give a row for each as soon as it is done.

        vary: inputs and their values, named as in `settings`; the last changes fastest. See `noisewright.sweep`.
        """
        from noisewright.sweep import sweep

        return sweep(self, source, vary)

    def finish(self, events: Iterable[Event]) -> Outcome:
        """Let a run of this engine go to its end and give what came of it. A failure is told, not raised."""
        asked = self.weights.evaluations
        outcome = outcome_of(events)
        return replace(outcome, evaluations=self.weights.evaluations - asked)

    def _plan(self, opened: Opened, wanted: Sequence[Wanted], recording: Recording, *, keeps: bool = True) -> Plan:
        planned = plan(
            opened.workflow,
            opened.catalogue,
            services=self._services(opened),
            cache=self.cache if keeps else None,
            outputs=_nodes(wanted, opened.workflow),
            environment=self.weights.environment,
            recording=recording,
            history=self.history if keeps else None,
            name=opened.name,
        )
        from noisewright.spaces import mismatches  # knows the families of models, which a server does not load

        if found := mismatches(planned):
            raise InvalidWorkflow((*opened.problems, *found))
        return planned

    def _remembered(
        self, planned: Plan, name: str, running: Generator[Event, None, None]
    ) -> Generator[Event, None, None]:
        """The events of a run. What it did and how long it took is remembered for the plans of later ones."""
        seconds: dict[str, float] = {}
        with closing(running):
            for event in running:
                if isinstance(event, NodeFinished) and event.reused is None:
                    seconds[event.node] = event.seconds
                elif isinstance(event, RunFinished):
                    self._remember(planned, name if event.status == "done" else "", seconds)
                yield event

    def _remember(self, planned: Plan, name: str, seconds: Mapping[str, float]) -> None:
        """A run of a part of a workflow leaves what is known of the rest of it."""
        if name:
            before = self.history.last(name) if planned.asked else NOTHING
            rest = {node: past for node, past in before.items() if node in planned.flat}
            self.history.remember(name, rest | planned.past(seconds))
        if seconds:
            self.history.learn(planned.times(seconds))

    def _read(self, source: Source, settings: Mapping[str, Any]) -> Opened:
        """What is not checked yet, with what of another program's document could not be mapped."""
        catalogue = self.catalogue
        match source:
            case Opened():
                read = replace(source, problems=()) if settings else source
            case Workflow():
                read = Opened(source, catalogue, self.folders())
            case Flow():
                catalogue = catalogue.including(types_of(source, catalogue).values())
                read = Opened(source.workflow(), catalogue, self.folders())
            case bytes():
                workflow, problems = load_with_problems(source, catalogue)
                read = Opened(workflow, catalogue, self.folders(), tuple(problems))
            case str() | Path():
                path = Path(source).expanduser()
                workflow, problems = load_with_problems(path, catalogue)
                read = Opened(workflow, catalogue, self.folders(path), tuple(problems), str(path.absolute()))
        return replace(read, workflow=set_inputs(read.workflow, settings, read.catalogue)) if settings else read

    def _services(self, opened: Opened) -> Mapping[str, Any]:
        return {"weights": self.weights, "files": opened.files, "output": self.output}


def _kind(value: object) -> str:
    """A value in the log of a private run: its kind alone."""
    return type(value).__name__


def _inference() -> AbstractContextManager[Any]:
    """Around every call into a node. Loads torch."""
    import torch

    return torch.inference_mode()


def _nodes(wanted: Iterable[Wanted], workflow: Workflow) -> list[str] | None:
    """The ids of the nodes asked for; None: nobody asked."""
    return list(dict.fromkeys(place_of(item, workflow.nodes)[0] for item in wanted)) or None
