"""
@title: Image Filters
@nickname: Filters
"""
from .py.blur import BoxBlur, Grayscale
from .py.save import SaveWithCaption, ShowImages, ListedPreview

NODE_CLASS_MAPPINGS = {
    "BoxBlur //Filters": BoxBlur,
    "Grayscale //Filters": Grayscale,
    "SaveWithCaption": SaveWithCaption,
    "ShowImages": ShowImages,
    "ListedPreview": ListedPreview,
}

NODE_DISPLAY_NAME_MAPPINGS = {
    "BoxBlur //Filters": "Box Blur",
    "SaveWithCaption": "Save Image With Caption 💾",
}

WEB_DIRECTORY = "./web"
__all__ = ["NODE_CLASS_MAPPINGS", "NODE_DISPLAY_NAME_MAPPINGS", "WEB_DIRECTORY"]
print("### Loading: Image Filters (V1.2)")
