from aiohttp import web
from server import PromptServer

from .any_type import ANY


@PromptServer.instance.routes.get("/field_suite/reset")
async def reset(request):
    return web.json_response({"ok": True})


class SuiteCounter:
    """Counts its own calls: one object for each node."""

    def __init__(self):
        self.count = 0

    @classmethod
    def INPUT_TYPES(cls):
        return {
            "required": {"start": ("INT", {"default": 0})},
            "optional": {"trigger": (ANY,)},
            "hidden": {"unique_id": "UNIQUE_ID"},
        }

    RETURN_TYPES = ("INT", ANY)
    RETURN_NAMES = ("count", "trigger")
    FUNCTION = "tick"
    CATEGORY = "field suite/logic"

    @classmethod
    def IS_CHANGED(cls, **kwargs):
        return float("NaN")

    def tick(self, start, unique_id, trigger=None):
        self.count += 1
        PromptServer.instance.send_sync("field-suite", {"node": unique_id, "count": self.count})
        return (start + self.count, trigger)


class SuiteShow:
    INPUT_IS_LIST = True

    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {"anything": (ANY, {"forceInput": True})}}

    RETURN_TYPES = ("STRING",)
    OUTPUT_IS_LIST = (True,)
    OUTPUT_NODE = True
    FUNCTION = "show"
    CATEGORY = "field suite/logic"

    def show(self, anything):
        texts = [str(item) for item in anything]
        return {"ui": {"text": texts}, "result": (texts,)}


NODE_CLASS_MAPPINGS = {"SuiteCounter": SuiteCounter, "SuiteShow": SuiteShow}
