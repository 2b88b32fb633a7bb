import comfy.model_patcher
import comfy.ldm.modules.attention as attention
from comfy.ldm.modules.diffusionmodules.util import timestep_embedding
from comfy.utils import convert_old_quants
from comfy_extras.nodes_mask import MaskComposite
from comfy_extras.nodes_video import SaveWEBM
from aiohttp import web
import comfy

try:
    from comfy.sd1_clip import token_weights
except ImportError:
    token_weights = None


class Patcher(comfy.model_patcher.ModelPatcher):
    def patch(self):
        pass


class UsesPatcher:
    @classmethod
    def INPUT_TYPES(s):
        return {"required": {"n": ("INT", {"default": 0})}}

    RETURN_TYPES = ("MODEL",)
    FUNCTION = "go"

    def go(self, n) -> comfy.model_patcher.ModelPatcher:
        return (Patcher(n),)


class UsesAttention(UsesPatcher):
    def go(self, n):
        return (attention.optimized_attention(n, n, n),)


class UsesUtility(UsesPatcher):
    def go(self, n):
        return (comfy.utils.something_new(n),)


class Works(UsesPatcher):
    RETURN_TYPES = ("INT",)

    def go(self, n):
        assert token_weights is None
        return (n + 1,)


class Films(SaveWEBM):
    pass


NODE_CLASS_MAPPINGS = {"UsesPatcher": UsesPatcher, "UsesAttention": UsesAttention, "UsesUtility": UsesUtility, "Works": Works, "Films": Films}
