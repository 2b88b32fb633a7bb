import re

try:
    import a_package_that_nobody_has as fancy
except ImportError:
    fancy = None

try:
    from comfy.something_new import shiny
except Exception:
    shiny = None

from comfy.comfy_types import IO, ComfyNodeABC, InputTypeDict


class FieldTextLines(ComfyNodeABC):
    TITLE = "Lines 📜"

    @classmethod
    def INPUT_TYPES(cls) -> InputTypeDict:
        return {
            "required": {
                "text": (IO.STRING, {"multiline": True, "default": "a\nb"}),
                "skip empty": (IO.BOOLEAN, {"default": True}),
            }
        }

    RETURN_TYPES = (IO.STRING, IO.INT)
    RETURN_NAMES = ("line", "count")
    OUTPUT_IS_LIST = (True, False)
    FUNCTION = "split"
    CATEGORY = "field text"

    def split(self, text, **options):
        lines = [line for line in re.split(r"\r?\n", text) if line.strip() or not options["skip empty"]]
        assert fancy is None
        assert shiny is None
        return (lines, len(lines))
