import torch

MAX_RESOLUTION = 8192


class GrowMaskPlus:
    @classmethod
    def INPUT_TYPES(cls):
        return {
            "required": {
                "mask": ("MASK",),
                "expand": ("INT", {"default": 0, "min": -MAX_RESOLUTION, "max": MAX_RESOLUTION, "step": 1}),
                "invert": ("BOOLEAN", {"default": False, "label_on": "yes", "label_off": "no"}),
            },
        }

    RETURN_TYPES = ("MASK", "MASK",)
    RETURN_NAMES = ("mask", "mask_inverted",)
    FUNCTION = "expand_mask"
    CATEGORY = "mask"

    def expand_mask(self, mask, expand, invert):
        if invert:
            mask = 1.0 - mask
        growmask = mask.reshape((-1, mask.shape[-2], mask.shape[-1]))
        if expand > 0:
            growmask = torch.nn.functional.max_pool2d(growmask[:, None], 2 * expand + 1, 1, expand)[:, 0]
        return (growmask, 1.0 - growmask,)


class MaskBounds:
    """Finds where a mask is."""

    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {"mask": ("MASK",)}}

    RETURN_TYPES = ("INT", "INT", "INT", "INT")
    FUNCTION = "bounds"

    def bounds(self, mask):
        ys, xs = torch.where(mask.max(dim=0).values > 0)
        return (xs.min().item(), ys.min().item(), xs.max(), ys.max().numpy())


class FlatMask:
    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {"size": ("INT", {"default": 8})}}

    RETURN_TYPES = ("MASK",)
    FUNCTION = "make"

    def make(self, size):
        return (torch.ones((size, size)),)


NODE_CLASS_MAPPINGS = {"GrowMaskPlus": GrowMaskPlus, "MaskBounds": MaskBounds, "FlatMask": FlatMask}
