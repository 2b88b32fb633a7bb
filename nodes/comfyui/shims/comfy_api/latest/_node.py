"""What a pack's node is made of: its schema, the class it derives from, what it returns."""

from abc import ABCMeta
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, ClassVar, Self

from nodes.comfyui.shims.comfy_api.latest._ports import Input, Output


class Hidden(str, Enum):  # noqa: UP042 — packs compare members with plain texts
    """What a node may ask to know besides its inputs."""

    unique_id = "UNIQUE_ID"
    prompt = "PROMPT"
    extra_pnginfo = "EXTRA_PNGINFO"
    dynprompt = "DYNPROMPT"
    auth_token_comfy_org = "AUTH_TOKEN_COMFY_ORG"  # noqa: S105 — the name of a value, not one
    api_key_comfy_org = "API_KEY_COMFY_ORG"


@dataclass(frozen=True)
class HiddenHolder:
    """The hidden values of one call, as `cls.hidden`. What a node did not ask for is None."""

    unique_id: str | None = None
    prompt: Mapping[str, Any] | None = None
    extra_pnginfo: Mapping[str, Any] | None = None
    dynprompt: Any = None
    auth_token_comfy_org: str | None = None
    api_key_comfy_org: str | None = None


class Schema:
    """All that a node type says of itself. further: what a newer interface adds."""

    def __init__(
        self,
        node_id: str,
        display_name: str | None = None,
        category: str = "sd",
        inputs: Sequence[Input] | None = None,
        outputs: Sequence[Output] | None = None,
        hidden: Sequence[Hidden] | None = None,
        description: str = "",
        is_input_list: bool = False,
        is_output_node: bool = False,
        is_deprecated: bool = False,
        is_experimental: bool = False,
        is_api_node: bool = False,
        not_idempotent: bool = False,
        enable_expand: bool = False,
        accept_all_inputs: bool = False,
        **further: Any,
    ) -> None:
        self.node_id = node_id
        self.display_name = display_name
        self.category = category
        self.inputs = list(inputs or ())
        self.outputs = list(outputs or ())
        self.hidden = list(hidden or ())
        self.description = description or ""
        self.is_input_list = is_input_list
        self.is_output_node = is_output_node
        self.is_deprecated = is_deprecated
        self.is_experimental = is_experimental
        self.is_api_node = is_api_node
        self.not_idempotent = not_idempotent
        self.enable_expand = enable_expand
        self.accept_all_inputs = accept_all_inputs
        self.further = further


class NodeOutput:
    """What `execute` returns: values in the order of the outputs, and perhaps something to show, a graph, a stop."""

    def __init__(
        self,
        *args: Any,
        ui: Any = None,
        expand: Mapping[str, Any] | None = None,
        block_execution: str | None = None,
    ) -> None:
        self.args = args
        self.ui = ui
        self.expand = expand
        self.block_execution = block_execution

    @property
    def result(self) -> tuple[Any, ...] | None:
        """The values, or None if there are none."""
        return self.args or None

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """The same from a dictionary with any of `result`, `ui` and `expand`."""
        result = data.get("result", ())
        blocked = getattr(result, "message", None) if not isinstance(result, tuple | list) else None
        values = () if blocked is not None or result is None else tuple(result)
        return cls(*values, ui=data.get("ui"), expand=data.get("expand"), block_execution=blocked)

    def __getitem__(self, index: int) -> Any:
        return self.args[index]


class NodeClass(ABCMeta):
    """The class of node classes: those made for one call take no attributes, so that calls do not share state."""

    def __setattr__(cls, name: str, value: Any) -> None:
        if vars(cls).get("_locked", False):
            raise AttributeError(
                f"{cls.__name__}.{name} cannot be set: a node keeps nothing from one call to the next."
            )
        super().__setattr__(name, value)

    def __delattr__(cls, name: str) -> None:
        if vars(cls).get("_locked", False):
            raise AttributeError(f"{cls.__name__}.{name} cannot be deleted: a node keeps nothing between calls.")
        super().__delattr__(name)


class ComfyNode(metaclass=NodeClass):
    """What packs derive their nodes from.

    A node has the class methods `define_schema` and `execute`, and perhaps `validate_inputs`, `fingerprint_inputs` and
    `check_lazy_status`; all get the inputs by name.
    """

    hidden: ClassVar[HiddenHolder] = HiddenHolder()

    @classmethod
    def define_schema(cls) -> Schema:
        """What the node type says of itself."""
        raise NotImplementedError(f"{cls.__name__} has no define_schema.")

    @classmethod
    def execute(cls, **kwargs: Any) -> NodeOutput:
        """What the node does."""
        raise NotImplementedError(f"{cls.__name__} has no execute.")

    @classmethod
    def GET_SCHEMA(cls) -> Schema:  # noqa: N802 — the interface's own name
        """The schema, as other code of a pack asks for it."""
        return cls.define_schema()

    @classmethod
    def prepared(cls, hidden: HiddenHolder) -> type[Self]:
        """This class for one call: a subclass with the call's hidden values that takes no attributes."""
        made = type(cls)(cls.__name__, (cls,), {"hidden": hidden, "__module__": cls.__module__})
        made._locked = True  # pyright: ignore[reportAttributeAccessIssue] — read by the metaclass alone
        return made
