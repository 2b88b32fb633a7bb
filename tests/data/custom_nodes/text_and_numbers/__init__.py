import math
import os
import random
from .words import *


class AnyType(str):
    """A special class that is always equal in not equal comparisons. Credit to pythongosssss"""

    def __ne__(self, __value: object) -> bool:
        return False


any = AnyType("*")


class Concat:
    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {"text_a": ("STRING", {"forceInput": True}), "text_b": ("STRING", {"default": "", "multiline": True, "dynamicPrompts": False}),
                             "delimiter": ("STRING", {"default": ", "})},
                "optional": {"text_c": ("STRING", {"forceInput": True, "default": "?"})}}

    RETURN_TYPES = ("STRING",)
    FUNCTION = "concat"
    CATEGORY = "Text"

    def concat(self, text_a, text_b, delimiter, text_c=None):
        return (delimiter.join(t for t in [text_a, text_b, text_c] if t),)


class SimpleMath:
    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {"value": ("STRING", {"default": "a+b"})},
                "optional": {"a": ("INT,FLOAT", {"default": 0.0, "step": 0.1}), "b": (any, {"default": 0.0})}}

    RETURN_TYPES = ("INT", "FLOAT")
    FUNCTION = "execute"

    def execute(self, value, a=0.0, b=0.0):
        result = eval(value, {"__builtins__": {}}, {"a": a, "b": b, "sqrt": math.sqrt})
        return (round(result), float(result))


class Passage:
    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {"anything": (any,)}, "hidden": {"unique_id": "UNIQUE_ID"}}

    RETURN_TYPES = (any, "STRING")
    RETURN_NAMES = ("*", "id")
    FUNCTION = "go"
    OUTPUT_NODE = True

    def go(self, anything, unique_id=None):
        return {"ui": {"text": [str(type(anything).__name__)]}, "result": (anything, str(unique_id))}


class FirstOfBatch:
    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {"anything": (any,)}}

    RETURN_TYPES = (any,)
    FUNCTION = "go"

    def go(self, anything):
        return (anything[:1],)


class Settings:
    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {"size": ([512, 768, 1024], {"default": 768}), "factor": ([0.5, 1.0, 2],), "word": ("COMBO", {"options": ["a", "b"]}),
                             "mixed": (["auto", 1, True],), "numbers": ([str(i) for i in range(3000)],)}}

    RETURN_TYPES = ("STRING",)
    FUNCTION = "go"

    def go(self, size, factor, word, mixed, numbers):
        return (f"{size!r} {factor!r} {word!r} {mixed!r} {numbers!r}",)


class Counter:
    def __init__(self):
        self.count = 0

    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {"start": ("INT", {"default": 0, "min": 0, "max": 18446744073709551615})}}

    RETURN_TYPES = ("INT",)
    FUNCTION = "next"

    @classmethod
    def IS_CHANGED(cls, **kwargs):
        return float("NaN")

    def next(self, start):
        self.count += 1
        return (start + self.count,)


class RandomLine:
    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {"file": (line_files(),), "seed": ("INT", {"default": 0})}}

    RETURN_TYPES = ("STRING",)
    FUNCTION = "pick"

    def pick(self, file, seed):
        with open(os.path.join(HERE, "lines", file)) as f:
            return (random.Random(seed).choice(f.read().split("\n")),)


NODE_CLASS_MAPPINGS = {"Concat|tools": Concat, "SimpleMath": SimpleMath, "Passage": Passage, "FirstOfBatch": FirstOfBatch,
                       "Settings": Settings, "Counter": Counter, "RandomLine": RandomLine}
