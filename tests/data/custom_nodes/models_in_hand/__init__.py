import comfy.samplers
import nodes
from nodes import common_ksampler, CLIPTextEncode


class PromptAndSample:
    @classmethod
    def INPUT_TYPES(s):
        return {"required": {"model": ("MODEL",), "clip": ("CLIP",), "vae": ("VAE",), "positive": ("STRING", {"multiline": True}),
                             "latent": ("LATENT",), "steps": ("INT", {"default": 2, "min": 1}),
                             "sampler_name": (comfy.samplers.KSampler.SAMPLERS,), "seed": ("INT", {"default": 0})}}

    RETURN_TYPES = ("LATENT", "IMAGE", "CONDITIONING")
    FUNCTION = "sample"

    def sample(self, model, clip, vae, positive, latent, steps, sampler_name, seed):
        pos = CLIPTextEncode().encode(clip, positive)[0]
        tokens = clip.tokenize("")
        cond, pooled = clip.encode_from_tokens(tokens, return_pooled=True)
        neg = [[cond, {"pooled_output": pooled}]]
        samples = common_ksampler(model, seed, steps, 4.0, sampler_name, "karras", pos, neg, latent)[0]
        image = nodes.VAEDecode().decode(vae, samples)[0]
        assert vae.decode(samples["samples"]).shape == image.shape
        return (samples, image, pos)


class AskTooMuch:
    @classmethod
    def INPUT_TYPES(s):
        return {"required": {"model": ("MODEL",)}}

    RETURN_TYPES = ("MODEL",)
    FUNCTION = "patch"

    def patch(self, model):
        m = model.clone()
        m.set_model_unet_function_wrapper(lambda *a: None)
        return (m,)


NODE_CLASS_MAPPINGS = {"PromptAndSample": PromptAndSample, "AskTooMuch": AskTooMuch}
