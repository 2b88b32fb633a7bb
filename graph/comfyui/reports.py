"""Problems of a foreign document, collected while it is read: all warnings, each with its place."""

from dataclasses import dataclass, field

from graph.comfyui.editor import EditorGraph, EditorNode
from graph.comfyui.extras import our_id
from graph.problem import Code, Problem


@dataclass
class Reports:
    """The problems so far."""

    problems: list[Problem] = field(default_factory=list)

    def add(
        self,
        code: Code,
        graph: EditorGraph,
        node: EditorNode | None,
        what: str,
        hint: str = "",
        port: str | None = None,
    ) -> None:
        """Keep a problem. node, port: where in the graph, None for the graph itself; the message begins with it."""
        if node is not None:
            place = f"Node '{our_id(node.id)}' ({node.type}): "
        else:
            place = f"Subgraph '{graph.name}': " if graph.name else ""
            what = what if graph.name else f"{what[:1].upper()}{what[1:]}"
        self.problems.append(
            Problem(
                code=code,
                message=place + what,
                hint=hint,
                node=our_id(node.id) if node else None,
                input=port,
                subgraph=graph.name or None,
                severity="warning",
            )
        )
