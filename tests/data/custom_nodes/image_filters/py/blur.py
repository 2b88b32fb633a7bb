import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image, ImageFilter
import comfy.utils
import comfy.model_management as mm
from comfy.utils import ProgressBar, common_upscale


def tensor2pil(image):
    return Image.fromarray(np.clip(255. * image.cpu().numpy().squeeze(), 0, 255).astype(np.uint8))


def pil2tensor(image):
    return torch.from_numpy(np.array(image).astype(np.float32) / 255.0).unsqueeze(0)


class BoxBlur:
    @classmethod
    def INPUT_TYPES(s):
        return {
            "required": {
                "image": ("IMAGE",),
                "radius": ("INT", {"default": 2, "min": 0, "max": 64, "step": 1, "display": "slider", "tooltip": "In pixels"}),
                "edges": (["reflect", "replicate", "constant"], {"default": "replicate"}),
            },
            "optional": {"mask": ("MASK",), "strength": ("FLOAT", {"default": 1.0, "min": 0.0, "max": 1.0, "step": 0.01})},
        }

    RETURN_TYPES = ("IMAGE",)
    FUNCTION = "blur"
    CATEGORY = "Filters/Blur"
    DESCRIPTION = """
    Blurs a picture evenly.
    """

    def blur(self, image, radius, edges, mask=None, strength=1.0):
        if radius == 0:
            return (image,)
        device = mm.get_torch_device()
        pbar = ProgressBar(image.shape[0])
        out = []
        for i in range(image.shape[0]):
            x = image[i : i + 1].movedim(-1, 1).to(device)
            x = F.pad(x, (radius,) * 4, mode=edges)
            x = F.avg_pool2d(x, radius * 2 + 1, stride=1)
            out.append(x.movedim(1, -1).to(mm.intermediate_device()))
            pbar.update(1)
        result = torch.cat(out)
        if mask is not None:
            m = mask.unsqueeze(-1) * strength
            result = image * (1 - m) + result * m
        return (result,)


class Grayscale:
    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {"image": ("IMAGE",)}}

    RETURN_TYPES = ("IMAGE", "MASK")
    RETURN_NAMES = ("image", "luminance")
    FUNCTION = "run"
    CATEGORY = "Filters/Color"

    def run(self, image):
        gray = [pil2tensor(tensor2pil(i).convert("L")) for i in image]
        luminance = torch.cat(gray)
        return (luminance.unsqueeze(-1).repeat(1, 1, 1, 3), luminance)
