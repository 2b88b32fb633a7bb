import torch
import comfy.samplers
import comfy.model_management
from nodes import MAX_RESOLUTION
import node_helpers


class EmptyLatentByRatio:
    def __init__(self):
        self.device = comfy.model_management.intermediate_device()

    @classmethod
    def INPUT_TYPES(s):
        return {"required": {"width": ("INT", {"default": 512, "min": 16, "max": MAX_RESOLUTION, "step": 8}),
                             "ratio": (["1:1", "2:1"],), "batch_size": ("INT", {"default": 1, "min": 1, "max": 64})}}

    RETURN_TYPES = ("LATENT",)
    FUNCTION = "generate"
    CATEGORY = "latent"

    def generate(self, width, ratio, batch_size=1):
        height = width if ratio == "1:1" else width // 2
        return ({"samples": torch.zeros([batch_size, 4, height // 8, width // 8], device=self.device)},)


class AddLatentNoise:
    @classmethod
    def INPUT_TYPES(s):
        return {"required": {"latent": ("LATENT",), "seed": ("INT", {"default": 0, "min": 0, "max": 0xffffffffffffffff}),
                             "strength": ("FLOAT", {"default": 0.1})}}

    RETURN_TYPES = ("LATENT",)
    FUNCTION = "add"

    def add(self, latent, seed, strength):
        s = latent.copy()
        generator = torch.Generator().manual_seed(seed)
        s["samples"] = latent["samples"] + strength * torch.randn(latent["samples"].shape, generator=generator)
        s["type"] = "noised"
        return (s,)


class LatentNote:
    @classmethod
    def INPUT_TYPES(s):
        return {"required": {"latent": ("LATENT",)}}

    RETURN_TYPES = ("STRING",)
    FUNCTION = "describe"

    def describe(self, latent):
        return (",".join(sorted(k for k in latent if k != "noisewright")) + " " + str(latent.get("type")),)


class GuidanceSetter:
    @classmethod
    def INPUT_TYPES(s):
        return {"required": {"conditioning": ("CONDITIONING",), "guidance": ("FLOAT", {"default": 3.5, "min": 0.0, "max": 100.0})}}

    RETURN_TYPES = ("CONDITIONING",)
    FUNCTION = "append"

    def append(self, conditioning, guidance):
        return (node_helpers.conditioning_set_values(conditioning, {"guidance": guidance}),)


class PickSampler:
    @classmethod
    def INPUT_TYPES(s):
        return {"required": {"sampler_name": (comfy.samplers.KSampler.SAMPLERS,), "scheduler": (comfy.samplers.KSampler.SCHEDULERS + ["AYS"],)}}

    RETURN_TYPES = (comfy.samplers.KSampler.SAMPLERS, "STRING")
    RETURN_NAMES = ("sampler_name",)
    FUNCTION = "pick"

    def pick(self, sampler_name, scheduler):
        return sampler_name, scheduler


NODE_CLASS_MAPPINGS = {c.__name__: c for c in (EmptyLatentByRatio, AddLatentNoise, LatentNote, GuidanceSetter, PickSampler)}
