"""A pack in the middle of its migration: old classes and schema nodes in one mapping, others in the extension."""

from comfy_api.latest import ComfyExtension, io


class Old:
    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {"a": ("INT", {"default": 1})}}

    RETURN_TYPES = ("INT",)
    FUNCTION = "go"
    CATEGORY = "mixed"

    def go(self, a):
        return (a + 1,)


class New(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        return io.Schema(node_id="V3MixedNew", inputs=[io.Int.Input("a", default=1)], outputs=[io.Int.Output()])

    @classmethod
    def execute(cls, a):
        return io.NodeOutput(a + 2)


class Newest(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        return io.Schema(node_id="V3MixedNewest", outputs=[io.Int.Output()])

    @classmethod
    def execute(cls):
        return (3,)


NODE_CLASS_MAPPINGS = {"V3MixedOld": Old, "V3MixedNewKey": New}
NODE_DISPLAY_NAME_MAPPINGS = {"V3MixedNewKey": "New under another id"}


class MixedExtension(ComfyExtension):
    async def get_node_list(self):
        return [Newest]


async def comfy_entrypoint():
    return MixedExtension()
