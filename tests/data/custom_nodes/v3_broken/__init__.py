"""A pack of schema nodes of which only one can be used."""

from comfy_api.latest import ComfyExtension, io


class Good(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        return io.Schema(node_id="V3Good", outputs=[io.Int.Output()])

    @classmethod
    def execute(cls):
        return io.NodeOutput(7)


class Raises(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        raise RuntimeError("the weather is bad")


class Paid(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        return io.Schema(node_id="V3Paid", outputs=[io.Image.Output()], is_api_node=True)


class Slots(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        slot = io.DynamicSlot.Input(io.Image.Input("image"), [io.Int.Input("n")])
        return io.Schema(node_id="V3Slots", inputs=[slot], outputs=[io.Int.Output()])


class Twice(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        return io.Schema(node_id="V3Twice", inputs=[io.Int.Input("a"), io.Int.Input("a")], outputs=[io.Int.Output()])


class Future(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        return io.Schema(node_id="V3Future", inputs=[io.Hologram.Input("h")])


class TooMany(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        return io.Schema(node_id="V3TooMany", outputs=[io.Int.Output()])

    @classmethod
    def execute(cls):
        return io.NodeOutput(1, 2, 3)


class BrokenExtension(ComfyExtension):
    async def get_node_list(self):
        return [Good, Raises, Paid, Slots, Twice, Future, TooMany, "no class"]


async def comfy_entrypoint():
    return BrokenExtension()
