import os
import server
from server import PromptServer

WEB_DIRECTORY = "js"


@PromptServer.instance.routes.get("/has_routes/files")
async def files(request):
    return None


@server.PromptServer.instance.routes.post("/has_routes/upload")
async def upload(request):
    return None


PromptServer.instance.add_on_prompt_handler(lambda data: data)
PromptServer.instance.app.router.add_static("/has_routes/", os.path.dirname(__file__))


class Notify:
    @classmethod
    def INPUT_TYPES(s):
        return {"required": {"text": ("STRING", {"default": "done"})}, "hidden": {"unique_id": "UNIQUE_ID"}}

    RETURN_TYPES = ("STRING",)
    FUNCTION = "notify"
    OUTPUT_NODE = True

    def notify(self, text, unique_id):
        PromptServer.instance.send_sync("has_routes.notify", {"text": text}, PromptServer.instance.client_id)
        return {"ui": {"text": (text,)}, "result": (text,)}


NODE_CLASS_MAPPINGS = {"Notify": Notify}
