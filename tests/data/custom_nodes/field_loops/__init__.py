"""A loop as packs build it: the end node expands into a copy of the body and itself, until the condition is false."""

from comfy_execution.graph import ExecutionBlocker
from comfy_execution.graph_utils import GraphBuilder, is_link


class AnyType(str):
    def __ne__(self, _):
        return False


any_type = AnyType("*")


class LoopOpen:
    @classmethod
    def INPUT_TYPES(cls):
        return {
            "required": {"remaining": ("INT", {"default": 3, "min": 0})},
            "optional": {"value": (any_type,)},
        }

    RETURN_TYPES = ("FLOW_CONTROL", "INT", any_type)
    RETURN_NAMES = ("flow", "remaining", "value")
    FUNCTION = "open"
    CATEGORY = "field loops"

    def open(self, remaining, value=None):
        return ("stub", remaining, value)


class LoopClose:
    @classmethod
    def INPUT_TYPES(cls):
        return {
            "required": {"flow": ("FLOW_CONTROL", {"rawLink": True}), "remaining": ("INT", {"forceInput": True})},
            "optional": {"value": (any_type,)},
            "hidden": {"dynprompt": "DYNPROMPT", "unique_id": "UNIQUE_ID"},
        }

    RETURN_TYPES = (any_type,)
    RETURN_NAMES = ("value",)
    FUNCTION = "close"
    CATEGORY = "field loops"

    def explore(self, node_id, dynprompt, upstream):
        for value in dynprompt.get_node(node_id)["inputs"].values():
            if is_link(value):
                upstream.setdefault(value[0], []).append(node_id)
                if len(upstream[value[0]]) == 1:
                    self.explore(value[0], dynprompt, upstream)

    def collect(self, node_id, upstream, contained):
        for child in upstream.get(node_id, []):
            if child not in contained:
                contained[child] = True
                self.collect(child, upstream, contained)

    def close(self, flow, remaining, value=None, dynprompt=None, unique_id=None):
        if remaining <= 0:
            return (value,)
        upstream = {}
        self.explore(unique_id, dynprompt, upstream)
        contained = {}
        open_node = flow[0]
        self.collect(open_node, upstream, contained)
        contained[unique_id] = contained[open_node] = True
        graph = GraphBuilder()
        for node_id in contained:
            original = dynprompt.get_node(node_id)
            graph.node(original["class_type"], "Recurse" if node_id == unique_id else node_id)
        for node_id in contained:
            node = graph.lookup_node("Recurse" if node_id == unique_id else node_id)
            for key, given in dynprompt.get_node(node_id)["inputs"].items():
                if is_link(given) and given[0] in contained:
                    node.set_input(key, graph.lookup_node(given[0]).out(given[1]))
                else:
                    node.set_input(key, given)
        opened = graph.lookup_node(open_node)
        opened.set_input("remaining", remaining)
        opened.set_input("value", value)
        return {"result": (graph.lookup_node("Recurse").out(0),), "expand": graph.finalize()}


class Decrease:
    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {"n": ("INT", {"default": 1})}}

    RETURN_TYPES = ("INT",)
    FUNCTION = "go"
    CATEGORY = "field loops"

    def go(self, n):
        return (n - 1,)


class Append:
    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {"text": ("STRING", {"default": ""}), "n": ("INT", {"default": 0})}}

    RETURN_TYPES = ("STRING",)
    FUNCTION = "go"
    CATEGORY = "field loops"

    def go(self, text, n):
        return (f"{text}{n}.",)


class StopIf:
    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {"value": (any_type,), "stop": ("BOOLEAN", {"default": False})}}

    RETURN_TYPES = (any_type,)
    FUNCTION = "go"
    CATEGORY = "field loops"

    def go(self, value, stop):
        return (ExecutionBlocker(None) if stop else value,)


NODE_CLASS_MAPPINGS = {f"Field{cls.__name__}": cls for cls in (LoopOpen, LoopClose, Decrease, Append, StopIf)}
