import asyncio
import torch
from comfy_execution.graph_utils import GraphBuilder, is_link
from comfy_execution.graph import ExecutionBlocker


class AlwaysEqualProxy(str):
    def __eq__(self, _):
        return True

    def __ne__(self, _):
        return False


class MakeNumbers:
    @classmethod
    def INPUT_TYPES(s):
        return {"required": {"count": ("INT", {"default": 3, "min": 0, "max": 100})}}

    RETURN_TYPES = ("INT", "INT")
    RETURN_NAMES = ("number", "total")
    OUTPUT_IS_LIST = (True, False)
    FUNCTION = "make"

    def make(self, count):
        return (list(range(count)), count)


class SumNumbers:
    @classmethod
    def INPUT_TYPES(s):
        return {"required": {"numbers": ("INT", {"forceInput": True}), "scale": ("INT", {"default": 10})}}

    INPUT_IS_LIST = True
    RETURN_TYPES = ("INT",)
    FUNCTION = "sum"

    def sum(self, numbers, scale):
        assert isinstance(numbers, list) and isinstance(scale, list)
        return (sum(numbers) * scale[0],)


class ImageBatchToList:
    @classmethod
    def INPUT_TYPES(s):
        return {"required": {"images": ("IMAGE",)}}

    RETURN_TYPES = ("IMAGE",)
    OUTPUT_IS_LIST = (True,)
    FUNCTION = "split"

    def split(self, images):
        return ([images[i : i + 1, ...] for i in range(images.shape[0])],)


class Double:
    @classmethod
    def INPUT_TYPES(s):
        return {"required": {"number": ("INT", {"default": 0})}}

    RETURN_TYPES = ("INT",)
    FUNCTION = "double"

    def double(self, number):
        return (number * 2,)


class LazySwitch:
    @classmethod
    def INPUT_TYPES(s):
        return {"required": {"switch": ("BOOLEAN", {"default": True}), "on_false": (AlwaysEqualProxy("*"), {"lazy": True}),
                             "on_true": (AlwaysEqualProxy("*"), {"lazy": True})}}

    RETURN_TYPES = (AlwaysEqualProxy("*"),)
    FUNCTION = "switch"

    def check_lazy_status(self, switch, on_false=None, on_true=None):
        if switch and on_true is None:
            return ["on_true"]
        if not switch and on_false is None:
            return ["on_false"]

    def switch(self, switch, on_false=None, on_true=None):
        return (on_true if switch else on_false,)


class Block:
    @classmethod
    def INPUT_TYPES(s):
        return {"required": {"value": (AlwaysEqualProxy("*"),), "block": ("BOOLEAN", {"default": True})}}

    RETURN_TYPES = (AlwaysEqualProxy("*"),)
    FUNCTION = "gate"

    def gate(self, value, block):
        return (ExecutionBlocker("stopped here") if block else value,)


class Fail:
    @classmethod
    def INPUT_TYPES(s):
        return {"required": {"number": ("INT", {"default": 0})}}

    RETURN_TYPES = ("INT",)
    FUNCTION = "fail"

    def fail(self, number):
        raise ValueError("this branch should not have been evaluated")


class DoubleTwice:
    @classmethod
    def INPUT_TYPES(s):
        return {"required": {"number": ("INT", {"default": 1}), "image": ("IMAGE",)}}

    RETURN_TYPES = ("INT", "IMAGE")
    FUNCTION = "expand"

    def expand(self, number, image):
        graph = GraphBuilder()
        first = graph.node("Double", number=number)
        second = graph.node("Double", "second", number=first.out(0))
        passed = graph.node("LazySwitch", switch=True, on_true=image)
        return {"result": (second.out(0), passed.out(0)), "expand": graph.finalize()}


class CountDown:
    """A loop by tail expansion: it becomes one step and itself."""

    @classmethod
    def INPUT_TYPES(s):
        return {"required": {"value": ("INT", {"default": 1}), "times": ("INT", {"default": 3, "min": 0, "max": 10000})}}

    RETURN_TYPES = ("INT",)
    FUNCTION = "loop"

    def loop(self, value, times):
        if times <= 0:
            return (value,)
        graph = GraphBuilder()
        body = graph.node("Double", number=value)
        again = graph.node("CountDown", value=body.out(0), times=times - 1)
        return {"result": (again.out(0),), "expand": graph.finalize()}


class LookAround:
    @classmethod
    def INPUT_TYPES(s):
        return {"required": {"source": (AlwaysEqualProxy("*"), {"rawLink": True})},
                "hidden": {"dynprompt": "DYNPROMPT", "prompt": "PROMPT", "unique_id": "UNIQUE_ID"}}

    RETURN_TYPES = ("STRING",)
    FUNCTION = "look"

    def look(self, source, dynprompt, prompt, unique_id):
        node = dynprompt.get_node(source[0])
        assert is_link(source) and prompt[unique_id]["inputs"]["source"] == source
        return (f"{node['class_type']}.{source[1]}",)


class Sleep:
    @classmethod
    def INPUT_TYPES(s):
        return {"required": {"value": (AlwaysEqualProxy("*"),), "seconds": ("FLOAT", {"default": 0.01})}}

    RETURN_TYPES = (AlwaysEqualProxy("*"),)
    FUNCTION = "sleep"

    async def sleep(self, value, seconds):
        await asyncio.sleep(seconds)
        return (value,)


class ShowNumber:
    @classmethod
    def INPUT_TYPES(s):
        return {"required": {"number": ("INT", {"forceInput": True})}}

    RETURN_TYPES = ()
    FUNCTION = "show"
    OUTPUT_NODE = True

    def show(self, number):
        return {"ui": {"number": [number]}}


NODE_CLASS_MAPPINGS = {c.__name__: c for c in (MakeNumbers, SumNumbers, ImageBatchToList, Double, LazySwitch, Block, Fail,
                                               DoubleTwice, CountDown, LookAround, Sleep, ShowNumber)}
