from comfy_api.latest import ComfyExtension, io
from comfy_execution.graph_utils import GraphBuilder

Boxes = io.Custom("V3_BOXES")


@io.comfytype(io_type="V3_TREE")
class Tree(io.ComfyTypeIO):
    Type = dict


class Switch(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        template = io.MatchType.Template("switch")
        return io.Schema(
            node_id="V3Switch",
            inputs=[
                io.Boolean.Input("switch", default=False, label_on="this", label_off="that"),
                io.MatchType.Input("on_false", template=template, lazy=True),
                io.MatchType.Input("on_true", template=template, lazy=True),
            ],
            outputs=[io.MatchType.Output(template=template, display_name="output")],
        )

    @classmethod
    def check_lazy_status(cls, switch, on_false=None, on_true=None):
        if switch and on_true is None:
            return ["on_true"]
        if not switch and on_false is None:
            return ["on_false"]

    @classmethod
    def execute(cls, switch, on_true, on_false):
        return io.NodeOutput(on_true if switch else on_false)


class Fail(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        return io.Schema(node_id="V3Fail", outputs=[io.Int.Output()])

    @classmethod
    def execute(cls):
        raise ValueError("This branch must not run.")


class Count(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="V3Count",
            inputs=[io.Int.Input("n", default=3, min=0, max=9)],
            outputs=[io.Int.Output("numbers", is_output_list=True), io.String.Output("text")],
        )

    @classmethod
    def execute(cls, n):
        return io.NodeOutput(list(range(n)), f"up to {n}")


class Total(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="V3Total",
            inputs=[io.Int.Input("numbers"), io.Int.Input("start", default=0)],
            outputs=[io.Int.Output("sum")],
            is_input_list=True,
        )

    @classmethod
    def execute(cls, numbers, start):
        return io.NodeOutput(sum(numbers) + start[0])


class Double(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="V3Double",
            inputs=[io.MultiType.Input("value", [io.Int, io.Float])],
            outputs=[io.AnyType.Output("value")],
        )

    @classmethod
    def execute(cls, value):
        return io.NodeOutput(value * 2)


class Gate(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="V3Gate",
            inputs=[io.AnyType.Input("value"), io.Boolean.Input("open")],
            outputs=[io.AnyType.Output("value"), io.Int.Output("one")],
        )

    @classmethod
    def execute(cls, value, open):
        if not open:
            return io.NodeOutput(block_execution="The gate is closed.")
        return io.NodeOutput(value, 1)


class MakeBoxes(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="V3MakeBoxes",
            inputs=[io.Int.Input("n", default=2)],
            outputs=[Boxes.Output(), Tree.Output(display_name="tree")],
        )

    @classmethod
    def execute(cls, n):
        return io.NodeOutput([(i, i + 1) for i in range(n)], {"depth": n})


class CountBoxes(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="V3CountBoxes",
            inputs=[Boxes.Input("boxes"), Tree.Input("tree", optional=True)],
            outputs=[io.Int.Output("count")],
        )

    @classmethod
    def execute(cls, boxes, tree=None):
        return io.NodeOutput(len(boxes) + (tree["depth"] if tree else 0))


class Power(io.ComfyNode):
    """Becomes a chain of doublings."""

    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="V3Power",
            inputs=[io.Int.Input("value"), io.Int.Input("times", default=3, min=1)],
            outputs=[io.Int.Output("result")],
            enable_expand=True,
        )

    @classmethod
    def execute(cls, value, times):
        graph = GraphBuilder()
        step = graph.node("V3Double", value=value)
        for _ in range(times - 1):
            step = graph.node("V3Double", value=step.out(0))
        return io.NodeOutput(step.out(0), expand=graph.finalize())


class Even(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="V3Even",
            inputs=[io.Int.Input("n", default=1, min=0, max=10), io.Int.Input("limit", default=5, max=10)],
            outputs=[io.Int.Output()],
        )

    @classmethod
    def validate_inputs(cls, n):
        return True if n is None or n % 2 == 0 else f"n is {n}, which is odd"

    @classmethod
    def execute(cls, n, limit):
        return io.NodeOutput(min(n, limit))


class Join(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        template = io.Autogrow.TemplatePrefix(io.String.Input("text"), prefix="text", min=2, max=4)
        return io.Schema(
            node_id="V3Join",
            inputs=[io.Autogrow.Input("texts", template=template), io.String.Input("between", default=", ")],
            outputs=[io.String.Output("joined")],
        )

    @classmethod
    def execute(cls, texts: io.Autogrow.Type, between):
        return io.NodeOutput(between.join(f"{name}={text}" for name, text in texts.items()))


class Size(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="V3Size",
            inputs=[
                io.DynamicCombo.Input(
                    "mode",
                    options=[
                        io.DynamicCombo.Option("pixels", [io.Int.Input("side", default=64, min=8)]),
                        io.DynamicCombo.Option("scale", [io.Float.Input("factor", default=2.0, max=4.0)]),
                        io.DynamicCombo.Option("as it is", []),
                    ],
                )
            ],
            outputs=[io.String.Output("size")],
        )

    @classmethod
    def execute(cls, mode):
        return io.NodeOutput(" ".join(f"{name}={value}" for name, value in mode.items()))


class Pick(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="V3Pick",
            inputs=[
                io.Combo.Input("side", options=[256, 512], default=512),
                io.MultiCombo.Input("tags", options=["a", "b", "c"], default=["a"]),
            ],
            outputs=[io.Int.Output("side"), io.String.Output("tags")],
        )

    @classmethod
    def execute(cls, side, tags):
        return io.NodeOutput(side, "+".join(tags))


class FlowExtension(ComfyExtension):
    async def get_node_list(self):
        return [Switch, Fail, Count, Total, Double, Gate, MakeBoxes, CountBoxes, Power, Even, Join, Size, Pick]


def comfy_entrypoint():
    return FlowExtension()
