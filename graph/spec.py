"""What a node type is, as data: all that check, servers, editors and docs read."""

from collections.abc import Iterable
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field

ANY = "*"
"""The wire type of an input or output that takes whatever is connected."""


class Frozen(BaseModel):
    """Base of all data the engine publishes: immutable, and closed to unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", json_schema_serialization_defaults_required=True)


class InputSpec(Frozen):
    """One input of a node type.

    type: wire name; several, joined by ",", where more than one is accepted; "*" for anything. A COMBO has `choices`,
    or a `source`: the folder whose files are the choices. choices_of: what the choices are names of ("samplers"), where
    packs may add some. required: it has no default and must be given. list: it takes a list. hints: for editors
    (`step`, `multiline`, `control_after_generate`, …); they never decide whether a value is valid. as_is: what a link
    brings is taken as it is; only settings are held to type, limits and choices.
    """

    name: str
    type: str
    required: bool
    default: Any = None
    minimum: int | float | None = None
    maximum: int | float | None = None
    choices: tuple[str, ...] | None = None
    choices_of: str = ""
    source: str | None = None
    list: bool = False
    lazy: bool = False
    optional: bool = False
    as_is: bool = False
    hints: dict[str, Any] = Field(default_factory=dict)
    help: str = ""


class OutputSpec(Frozen):
    """One output of a node type, known to files by `name`."""

    name: str
    type: str
    list: bool = False


class NodeSpec(Frozen):
    """One node type: everything its signature declares.

    output: it is wanted for what it writes, so a run starts from it. impure: its result depends on more than its
    inputs; its fingerprint joins the cache key. lane: where it runs ("device", "cpu", "io"). progress: it reports
    progress. expands: it may put a graph in its place. by_id: its id counts. services: what the engine lends it.
    others: what inputs of any other name are like, where a node may have such; None where it may not.
    replaces: older ids that are read as this one. module: the Python module it is from. pack: the pack that brings it,
    "" for what ships with the program.
    """

    type: str
    title: str
    category: str
    help: str
    version: int = 1
    inputs: tuple[InputSpec, ...] = ()
    others: InputSpec | None = None
    outputs: tuple[OutputSpec, ...] = ()
    output: bool = False
    impure: bool = False
    lane: str = "cpu"
    progress: bool = False
    expands: bool = False
    by_id: bool = False
    gradients: bool = False
    deprecated: bool = False
    experimental: bool = False
    services: tuple[str, ...] = ()
    replaces: tuple[str, ...] = ()
    module: str = ""
    pack: str = ""

    def input(self, name: str) -> InputSpec | None:
        """The input of that name, or None. Where nodes may have others, there is one of every name."""
        found = next((item for item in self.inputs if item.name == name), None)
        return found or (self.others and self.others.model_copy(update={"name": name}))

    def having(self, names: Iterable[str]) -> Self:
        """The type of a node that has inputs of these names: those that it may have are declared with the rest."""
        if self.others is None:
            return self
        declared = {item.name for item in self.inputs}
        more = (self.others.model_copy(update={"name": name}) for name in names if name not in declared)
        return self.model_copy(update={"inputs": (*self.inputs, *more)})

    def output_named(self, name: str) -> OutputSpec | None:
        """The output of that name, or None."""
        return next((item for item in self.outputs if item.name == name), None)


def accepts(wanted: str, given: str) -> bool:
    """Whether an input of type `wanted` takes a link of type `given`. The one rule of compatibility.

    "*" joins everything; comma-separated types join if they share one; a COMBO takes a STRING; FLOAT takes INT.
    """
    if ANY in (wanted, given):
        return True
    wanted_types, given_types = set(wanted.split(",")), set(given.split(","))
    if "FLOAT" in wanted_types:
        wanted_types.add("INT")
    if "COMBO" in wanted_types:
        wanted_types.add("STRING")
    if "STRING" in wanted_types:
        wanted_types.add("COMBO")
    return bool(wanted_types & given_types)
