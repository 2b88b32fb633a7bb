import folder_paths
from nodes import MAX_RESOLUTION


class Largest:
    @classmethod
    def INPUT_TYPES(s):
        return {}

    RETURN_TYPES = ("INT",)
    FUNCTION = "go"

    def go(self):
        return (MAX_RESOLUTION,)


NODE_CLASS_MAPPINGS = {"Largest": Largest}
