"""Nodes whose inputs are named at will, nodes that take whatever a link brings, and names added to lists of others."""

import comfy.samplers
import folder_paths
from comfy_api.latest import ComfyExtension, io

comfy.samplers.KSampler.SAMPLERS.insert(1, "open_euler")
comfy.samplers.KSampler.SCHEDULERS.append("open_schedule")
comfy.samplers.SCHEDULER_HANDLERS["open_schedule"] = lambda sampling, steps: None


class AnyType(str):
    def __ne__(self, other):
        return False


ANY = AnyType("*")


class Flexible(dict):
    """Inputs of one type, under whatever name."""

    def __init__(self, kind, data=None):
        super().__init__(data or {})
        self.kind = kind
        self.data = data or {}

    def __getitem__(self, key):
        return self.data.get(key, (self.kind,))

    def __contains__(self, key):
        return True


class ContainsAny(dict):
    """Says that it has every name, and gives none."""

    def __contains__(self, key):
        return True


class FirstOf:
    RETURN_TYPES = (ANY,)
    FUNCTION = "first"

    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {}, "optional": Flexible(ANY)}

    def first(self, **given):
        return (next((given[name] for name in sorted(given) if given[name] is not None), None),)


class JoinAll:
    RETURN_TYPES = ("STRING",)
    FUNCTION = "join"

    @classmethod
    def INPUT_TYPES(cls):
        optional = Flexible(ANY, {"head": ("STRING", {"forceInput": True})})
        return {"required": {"between": ("STRING", {"default": "-"})}, "optional": optional}

    def join(self, between, head="none", **given):
        return (between.join([head, *(f"{name}={given[name]}" for name in sorted(given))]),)


class JoinLists:
    RETURN_TYPES = ("STRING",)
    FUNCTION = "join"
    INPUT_IS_LIST = True

    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {}, "optional": ContainsAny()}

    def join(self, **given):
        return (" ".join(f"{name}={given[name]}" for name in sorted(given)),)


class SumOfLinks:
    RETURN_TYPES = ("INT",)
    FUNCTION = "add"

    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {"count": ("INT", {"default": 0})}}

    def add(self, count, **given):
        return (count + sum(given.values()),)


class Limited:
    RETURN_TYPES = ("STRING",)
    FUNCTION = "tell"

    @classmethod
    def INPUT_TYPES(cls):
        required = {
            "whole": ("INT", {"default": 5, "min": 0, "max": 10}),
            "part": ("FLOAT", {"default": 0.5, "max": 1.0}),
            "mode": (["add", "sub"],),
            "file": (["none", *folder_paths.get_filename_list("checkpoints")],),
        }
        return {"required": required}

    def tell(self, whole, part, mode, file):
        return (f"{whole!r} {part!r} {mode!r} {file!r}",)


class Source:
    RETURN_TYPES = (ANY, "FLOAT", ANY, ANY)
    RETURN_NAMES = ("whole", "part", "mode", "file")
    FUNCTION = "give"

    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {}}

    def give(self):
        return (99, 2, "mul", "gone.safetensors")


class SchemaJoin(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        return io.Schema(
            "SchemaJoin",
            inputs=[io.String.Input("head", default="h")],
            outputs=[io.String.Output()],
            accept_all_inputs=True,
        )

    @classmethod
    def execute(cls, head, **given):
        return io.NodeOutput(" ".join([head, *(f"{name}={given[name]}" for name in sorted(given))]))


class Extension(ComfyExtension):
    async def get_node_list(self):
        return [SchemaJoin]


async def comfy_entrypoint():
    return Extension()


NODE_CLASS_MAPPINGS = {cls.__name__: cls for cls in (FirstOf, JoinAll, JoinLists, SumOfLinks, Limited, Source)}
