import torch


class _Base:
    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {"image": ("IMAGE",)}}

    RETURN_TYPES = ("IMAGE", "MASK")
    FUNCTION = "run"
    CATEGORY = "bad"

    def run(self, image):
        return (image, image[..., 0])


class Mutates(_Base):
    RETURN_TYPES = ("IMAGE",)

    def run(self, image):
        image *= 0
        return (image,)


class MutatesLater(_Base):
    """Keeps what it gave and writes into it at the next call."""
    RETURN_TYPES = ("IMAGE",)
    kept = None

    def run(self, image):
        if MutatesLater.kept is not None:
            MutatesLater.kept.fill_(9)
        MutatesLater.kept = image + 1
        return (MutatesLater.kept,)


class MutatesLatent:
    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {"latent": ("LATENT",), "conditioning": ("CONDITIONING",), "stuff": ("STUFF",)}}

    RETURN_TYPES = ("LATENT",)
    FUNCTION = "run"

    def run(self, latent, conditioning, stuff):
        latent["samples"][:] = 7
        latent["extra"] = 1
        conditioning[0][1]["strength"] = 3
        conditioning[0][0].zero_()
        stuff["list"].append(1)
        stuff["tensor"].zero_()
        return (latent,)


class TooFew(_Base):
    def run(self, image):
        return (image,)


class TooMany(_Base):
    def run(self, image):
        return (image, image[..., 0], 3)


class NotATuple(_Base):
    RETURN_TYPES = ("IMAGE",)

    def run(self, image):
        return image


class Nothing(_Base):
    def run(self, image):
        pass


class WrongDict(_Base):
    def run(self, image):
        return {"images": image}


class WrongType(_Base):
    def run(self, image):
        return (image.numpy(), "mask")


class OutputNothing(_Base):
    OUTPUT_NODE = True

    def run(self, image):
        pass


class RaisingInputs(_Base):
    @classmethod
    def INPUT_TYPES(cls):
        raise RuntimeError("no network")


class NoFunction:
    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {}}


class MissingMethod(_Base):
    FUNCTION = "walk"


class BadInputs(_Base):
    @classmethod
    def INPUT_TYPES(cls):
        return ["image"]

    def run(self):
        pass


class BadEntry(_Base):
    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {"image": 3}}

    def run(self):
        pass


class BadReturnTypes(_Base):
    RETURN_TYPES = "IMAGE"

    def run(self, image):
        return (image,)


class Sloppy:
    """Written in a hurry; ComfyUI takes it."""

    @classmethod
    def INPUT_TYPES(cls):
        return {"required": {"text": ("STRING"), "mode": ["fast", "slow"], "n": ("INT", {"default": 5.0, "min": 0.0, "max": float("inf")}),
                             "flag": ("BOOLEAN", {"default": 1}), "x": ("FLOAT", {"default": 1, "min": "a"}), "pick": (("a", "b"), {"default": "z"})},
                "optional": {"nothing": ("IMAGE", None)}}

    RETURN_TYPES = ["STRING"]
    RETURN_NAMES = "only"
    FUNCTION = "run"

    def run(self, **kwargs):
        return [repr(sorted(kwargs.items()))]


NODE_CLASS_MAPPINGS = {c.__name__: c for c in (Mutates, MutatesLater, MutatesLatent, TooFew, TooMany, NotATuple, Nothing, WrongDict, WrongType,
                                               OutputNothing, RaisingInputs, NoFunction, MissingMethod, BadInputs, BadEntry, BadReturnTypes, Sloppy)}
NODE_CLASS_MAPPINGS["NotAClass"] = "BadInputs"
