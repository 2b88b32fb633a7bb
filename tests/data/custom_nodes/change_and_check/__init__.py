import hashlib
import os
import folder_paths


class LoadText:
    @classmethod
    def INPUT_TYPES(s):
        input_dir = folder_paths.get_input_directory()
        files = [f for f in os.listdir(input_dir)] if os.path.exists(input_dir) else []
        return {"required": {"file": (sorted(files), {"image_upload": True})}}

    RETURN_TYPES = ("STRING",)
    FUNCTION = "load"

    def load(self, file):
        with open(folder_paths.get_annotated_filepath(file)) as f:
            return (f.read(),)

    @classmethod
    def IS_CHANGED(s, file):
        m = hashlib.sha256()
        with open(folder_paths.get_annotated_filepath(file), "rb") as f:
            m.update(f.read())
        return m.digest().hex()

    @classmethod
    def VALIDATE_INPUTS(s, file):
        if not folder_paths.exists_annotated_filepath(file):
            return "Invalid text file: {}".format(file)
        return True


class Even:
    @classmethod
    def INPUT_TYPES(s):
        return {"required": {"number": ("INT", {"default": 0, "min": 0, "max": 10}), "other": ("INT", {"default": 0, "min": 0, "max": 10})}}

    RETURN_TYPES = ("INT",)
    FUNCTION = "go"

    @classmethod
    def VALIDATE_INPUTS(cls, number):
        if number is not None and number % 2:
            return f"{number} is odd"
        return True

    def go(self, number, other):
        return (number + other,)


class AnyNumber:
    @classmethod
    def INPUT_TYPES(s):
        return {"required": {"number": ("INT", {"default": 0}), "mode": (["a", "b"],)}}

    RETURN_TYPES = ("STRING",)
    FUNCTION = "go"

    @classmethod
    def VALIDATE_INPUTS(cls, input_types, **kwargs):
        if input_types.get("number") not in (None, "INT", "FLOAT", "STRING"):
            return "number must be a number, not " + input_types["number"]
        return True

    def go(self, number, mode):
        return (f"{number} {mode}",)


class BrokenChange:
    @classmethod
    def INPUT_TYPES(s):
        return {"required": {"number": ("INT", {"default": 0})}}

    RETURN_TYPES = ("INT",)
    FUNCTION = "go"

    def IS_CHANGED(self, number):
        return number

    def go(self, number):
        return (number,)


NODE_CLASS_MAPPINGS = {"LoadText": LoadText, "Even": Even, "AnyNumber": AnyNumber, "BrokenChange": BrokenChange}
