"""The workflows of another program: each is read and checked as for a run, and what it lacks is named."""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from heapq import nlargest
from pathlib import Path
from typing import Any, Literal

from graph.catalogue import Catalogue
from graph.check import check
from graph.comfyui.core_types import core_spec
from graph.comfyui.editor_parsing import read_editor
from graph.comfyui.pictures import documents_in, is_picture
from graph.comfyui.reading import is_editor
from graph.comfyui.requirements import pack_of
from graph.document import Node, Workflow
from graph.errors import FileMissing, GraphError
from graph.files import INPUT
from graph.flat import Expansion, expand
from graph.folders import Folders
from graph.problem import ABSENT, Problem, errors
from graph.strict_json import check_depth
from graph.text import listing
from graph.workflow import CARRIED, load_with_problems
from noisewright.adopting.installation import Installation
from noisewright.adopting.models import Inventory
from noisewright.adopting.packs import Pack
from noisewright.adopting.walking import Seen, walk

Verdict = Literal["runs", "after", "cannot", "unreadable"]
"""Whether a workflow runs now; would run after something a person can do; needs what is not here yet; is no workflow
that can be read.
"""

NeedKind = Literal["node type", "unknown node type", "pack", "family", "model", "damaged model", "picture", "problem"]

PICTURES = (".png", ".webp", ".jpg", ".jpeg")

LARGEST = 256 * 2**20
"""Bytes of a file that is read as a workflow or a picture."""


@dataclass(frozen=True)
class Need:
    """What a workflow lacks. name: what it is of its kind. text: a clause about it. how: what to do, a sentence; "".

    within_reach: a person can do it now.
    """

    kind: NeedKind
    name: str
    text: str
    how: str = ""
    within_reach: bool = False

    @property
    def key(self) -> tuple[NeedKind, str]:
        """By this workflows lack the same."""
        return self.kind, self.name


@dataclass(frozen=True)
class Judged:
    """A workflow and whether it runs. needs: all that it lacks; none if it runs. reason: why it cannot be read; ""."""

    path: Path
    verdict: Verdict
    needs: tuple[Need, ...] = ()
    reason: str = ""


@dataclass(frozen=True)
class Judge:
    """What workflows are checked against. files: where a run with the installation's models would look."""

    catalogue: Catalogue
    files: Folders
    inventory: Inventory
    packs: tuple[Pack, ...]
    installation: Installation
    home_input: Path

    def judge(self, path: Path) -> Judged | None:
        """Read and check one file. None for a picture that carries no workflow."""
        try:
            if path.stat().st_size > LARGEST:
                return Judged(path, "unreadable", reason="the file is too large to be a workflow")
            data = path.read_bytes()
        except OSError as error:
            return Judged(path, "unreadable", reason=f"it cannot be read: {error.strerror or error}")
        text = data
        if is_picture(data):
            documents = documents_in(data)
            if not any(key in documents for key in CARRIED):
                return None
            text = documents.get("workflow", "").encode()
        try:
            workflow = load_with_problems(data, self.catalogue).workflow
            needs = self._needs(workflow, text)
        except (GraphError, OSError) as error:
            return Judged(path, "unreadable", reason=re.sub(r"^The workflow ", "it ", str(error)).removesuffix("."))
        except RecursionError:
            return Judged(path, "unreadable", reason="it is nested too deeply")
        if not needs:
            return Judged(path, "runs")
        return Judged(path, "after" if all(need.within_reach for need in needs) else "cannot", needs)

    def _needs(self, workflow: Workflow, text: bytes) -> tuple[Need, ...]:
        """All that keeps a workflow from running, the same thing once."""
        expansion = expand(workflow, self.catalogue)
        found: dict[tuple[NeedKind, str], Need] = {}
        origins: Mapping[str, str] | None = None
        for problem in errors(check(workflow, self.catalogue, self.files)):
            if problem.code in ABSENT:
                origins = _packs_named(text) if origins is None else origins
                need = self._absent(problem, _type_at(problem, workflow, expansion), origins)
            elif problem.code == "missing_file":
                need = self._missing(problem, workflow, expansion)
            else:
                need = _other(problem)
            found.setdefault(need.key, need)
        for need in self._unusable(expansion):
            found.setdefault(need.key, need)
        return tuple(found.values())

    def _absent(self, problem: Problem, type_id: str, origins: Mapping[str, str]) -> Need:
        """A node type that is not here: of ComfyUI itself, of a pack that was found, or of one that is only named."""
        if problem.code == "unknown_subgraph":
            return _other(problem)
        if problem.code == "broken_pack":
            reason = self.catalogue.error(type_id) or "its pack cannot be used"
            return Need("pack", type_id, f"node type '{type_id}': {reason}", problem.hint)
        origin = origins.get(type_id, "")
        pack = self._pack(type_id, origin)
        if pack is not None:
            how = f"Bring it: {pack.bring}" if not pack.is_here else "It is in the home, but does not bring this type."
            text = f"the pack '{pack.name}' (node type '{type_id}')"
            if pack.verdict == "fails":
                return Need("pack", pack.name, f"{text}, which would not load here: {'; '.join(pack.reasons)}")
            return Need("pack", pack.name, text, how, not pack.is_here)
        if core_spec(type_id) is not None:
            return Need("node type", type_id, f"ComfyUI's own node type '{type_id}', which is not here yet")
        if origin:
            how = f"Install the pack '{origin}' into custom_nodes."
            return Need("pack", origin, f"the pack '{origin}' (node type '{type_id}'), which is not there", how, True)
        return Need("unknown node type", type_id, f"node type '{type_id}', which no pack here declares")

    def _pack(self, type_id: str, origin: str) -> Pack | None:
        by_type = next((pack for pack in self.packs if type_id in pack.types), None)
        if by_type is not None or not origin:
            return by_type
        names = {origin.lower(), origin.lower().rpartition("/")[2]}
        return next((pack for pack in self.packs if pack.names & names), None)

    def _missing(self, problem: Problem, workflow: Workflow, expansion: Expansion) -> Need:
        """A file that is not found."""
        node = expansion.flat.get(problem.node or "")
        spec = self.catalogue.spec(node.type) if node is not None else None
        item = spec.input(problem.input or "") if spec is not None else None
        name = node.settings.get(problem.input or "") if node is not None else None
        if item is None or item.source is None or not isinstance(name, str):
            return _other(problem)
        if item.source == INPUT:
            place = next((path for path in self._input_places(name) if path.is_file()), None)
            how = f"It is '{place}': copy or link it into '{self.home_input}'." if place else ""
            return Need("picture", name, f"the input picture '{name}'", how, True)
        elsewhere = self.inventory.named(name)
        how = ""
        if elsewhere:
            places = listing((f"{file.kind}/{file.name}" if file.kind else str(file.path)) for file in elsewhere)
            how = f"There is {places}: name that in the workflow, or put the file where it looks."
        elif url := _url_of(workflow, name):
            how = f"The workflow names where it is from: {url}"
        return Need("model", name, f"the file '{name}' in '{item.source}'", how, True)

    def _input_places(self, name: str) -> Iterator[Path]:
        """Where the other program would look for a picture."""
        plain, _, mark = name.replace("\\", "/").partition(" [")
        for folder in (*self.installation.input, *(self.installation.pictures if mark.startswith("output") else ())):
            if ".." not in Path(plain).parts and not Path(plain).is_absolute():
                yield folder / plain

    def _unusable(self, expansion: Expansion) -> Iterator[Need]:
        """Models that are found, and cannot be used."""
        for path in _needed(expansion, self.catalogue):
            node = expansion.flat[path]
            spec = self.catalogue.spec(node.type)
            for item in spec.inputs if spec is not None else ():
                name = node.settings.get(item.name)
                if item.source in (None, INPUT) or not isinstance(name, str):
                    continue
                try:
                    place = self.files.locate(item.source, name).path
                except FileMissing:
                    continue  # which `check` has told
                file = self.inventory.at(place, item.source)
                if file.state == "damaged":
                    how = "Download or copy it again."
                    yield Need("damaged model", name, f"the file '{name}', which is damaged: {file.reason}", how, True)
                elif file.state == "not yet":
                    what = file.family or f"a family that is not known ('{name}')"
                    yield Need("family", what, f"models of {what}: {file.reason} ('{name}')")


def find_workflows(
    installation: Installation, pictures: int, problems: list[str]
) -> tuple[tuple[Seen, ...], tuple[Seen, ...]]:
    """The workflow files of an installation, and the newest of its pictures. pictures: how many of them."""
    files = tuple(item for folder in installation.workflows for item in walk(folder, (".json",), problems))
    made = (item for folder in installation.pictures for item in walk(folder, PICTURES, problems))
    return files, tuple(nlargest(pictures, made, key=lambda item: (item.modified, item.name)))


def judge_all(judge: Judge, files: Iterable[Seen], progress: Callable[[int], object]) -> Iterator[Judged]:
    """Every workflow among some files. progress: is told after each file how many are done."""
    for done, file in enumerate(files, start=1):
        found = judge.judge(file.path)
        progress(done)
        if found is not None:
            yield found


def _needed(expansion: Expansion, catalogue: Catalogue) -> set[str]:
    """The nodes on which an output node depends."""
    ahead = [path for path, node in expansion.flat.items() if (spec := catalogue.spec(node.type)) and spec.output]
    needed = set(ahead)
    while ahead:
        for origin, _ in expansion.flat[ahead.pop()].links.values():
            if origin in expansion.flat and origin not in needed:
                needed.add(origin)
                ahead.append(origin)
    return needed


def _type_at(problem: Problem, workflow: Workflow, expansion: Expansion) -> str:
    """The node type at the place of a problem."""
    path = problem.node or ""
    if problem.subgraph is not None:
        subgraph = workflow.subgraphs.get(problem.subgraph)
        node: Node | None = subgraph.nodes.get(path) if subgraph is not None else None
        return node.type if node is not None else path
    return expansion.flat[path].type if path in expansion.flat else path


def _other(problem: Problem) -> Need:
    """Any other problem. The same at another node of that type is the same."""
    message = re.sub(r"^Node '[^']*' \(([^()]*(?:\([^()]*\))?)\)(: | )", r"\1\2", problem.message).removesuffix(".")
    return Need("problem", message, message, problem.hint)


def _url_of(workflow: Workflow, name: str) -> str:
    models: Any = workflow.requires.get("models")
    facts = models.get(name) if isinstance(models, Mapping) else None
    url = facts.get("url") if isinstance(facts, Mapping) else None
    return url if isinstance(url, str) else ""


def _packs_named(text: bytes) -> dict[str, str]:
    """Node type → the pack that a document of ComfyUI's editor says it is from."""
    try:
        data = json.loads(text)
        check_depth(data)
    except (ValueError, RecursionError):
        return {}
    if not is_editor(data):
        return {}
    document, _ = read_editor(data)
    graphs = (document.graph, *document.definitions.values(), *document.group_nodes.values())
    return {node.type: name for graph in graphs for node in graph.nodes.values() if (name := pack_of(node)[0])}
