"""An infotext of A1111 or Forge as a workflow: the graph that does the same with our nodes.

checkpoint (VAE, LoRAs, clip skip) → prompts → first pass → perhaps a larger second pass → picture. What has no
counterpart is listed, and the whole text stays in the document as `x-infotext`.
"""

import re
from collections.abc import Iterable, Mapping
from pathlib import PurePosixPath
from types import MappingProxyType
from typing import Any

from graph.catalogue import Catalogue
from graph.comfyui.emphasis import Prompt, rewrite
from graph.comfyui.infotext_settings import Settings
from graph.comfyui.names import Names
from graph.comfyui.parameters import Infotext, is_infotext, parse
from graph.comfyui.sampler_labels import sampling
from graph.document import Interface, InterfaceInput, InterfaceOutput, Link, Node, Workflow
from graph.problem import Problem
from graph.text import shown

__all__ = ["Infotext", "is_infotext", "parse", "to_workflow"]

CONDITIONING = "CONDITIONING"

COLUMN, ROW = 340, 220
"""Canvas pixels between the nodes of the layout."""

WEIGHT_SUFFIXES = frozenset({".safetensors", ".sft", ".ckpt", ".pt", ".pth", ".bin"})

_HASH = re.compile(r" *\[[0-9a-f]{6,64}\]$")
"""The beginning of a digest, which some programs write behind a model's name."""

LATENT_METHODS: Mapping[str, str] = MappingProxyType(
    {
        "latent": "bilinear",
        "latent (antialiased)": "bilinear",
        "latent (bicubic)": "bicubic",
        "latent (bicubic antialiased)": "bicubic",
        "latent (nearest)": "nearest-exact",
        "latent (nearest-exact)": "nearest-exact",
    }
)
PIXEL_METHODS: Mapping[str, str] = MappingProxyType(
    {"lanczos": "lanczos", "nearest": "nearest-exact", "none": "lanczos"}
)
"""Labels of upscalers in lower case → methods of LatentUpscale and of ImageScale."""

LARGEST_SEED = 2**64 - 1

BROWNIAN = frozenset(
    f"dpmpp_{kind}{device}" for kind in ("sde", "2m_sde", "2m_sde_heun", "3m_sde") for device in ("", "_gpu")
)
"""Samplers that draw noise along a Brownian path, which is never that of a card here."""

INTERFACE = (
    ("prompt", "prompt", "text", "Prompt"),
    ("negative", "negative", "text", "What to avoid"),
    ("seed", "sample", "seed", "Seed"),
    ("steps", "sample", "steps", "Steps"),
    ("cfg", "sample", "cfg", "Guidance"),
    ("width", "size", "width", "Width"),
    ("height", "size", "height", "Height"),
)


def to_workflow(infotext: Infotext, catalogue: Catalogue) -> tuple[Workflow, list[Problem]]:
    """The workflow, and a warning for everything in the infotext that it cannot or need not follow to the letter.

    catalogue: says whether there are node types for upscaling models. All other types are used whether they are there
    or not; `check` names those that are not.
    """
    settings = Settings(infotext.settings)
    drawing = _Drawing(settings, catalogue)
    model, clip, vae = drawing.models()
    steps = settings.whole("Steps", 20, 1, 10000)
    embeddings = settings.names("TI hashes")
    positive_text = rewrite(infotext.prompt, embeddings, steps)
    model, clip = drawing.loras(positive_text, model, clip)
    clip = drawing.clip_skip(clip)
    model = drawing.noise(model)
    prompts = (
        drawing.encoded("prompt", positive_text, clip, loads=True),
        drawing.encoded("negative", rewrite(infotext.negative, embeddings, steps), clip),
    )
    latent = drawing.first_pass(model, prompts, steps)
    if settings.has_hires:
        hires = tuple(
            drawing.encoded(name, rewrite(text, embeddings, steps), clip) if text else usual
            for name, text, usual in zip(
                ("refine_prompt", "refine_negative"),
                (settings.text("Hires prompt"), settings.text("Hires negative prompt")),
                prompts,
                strict=True,
            )
        )
        latent = drawing.second_pass(latent, model, hires, vae)
    drawing.end(latent, vae)
    return drawing.workflow(infotext), drawing.problems()


class _Drawing:
    """The graph while it is being made: nodes in order, and the column in which the next ones stand."""

    def __init__(self, settings: Settings, catalogue: Catalogue) -> None:
        self.settings = settings
        self.catalogue = catalogue
        self.nodes: dict[str, Node] = {}
        self.places: dict[str, dict[str, int]] = {}
        self.files: dict[str, dict[str, str]] = {}
        self._names = Names()
        self._column = self._row = 0
        self._on_card = False

    def add(self, name: str, type_id: str, **inputs: Any) -> str:
        """Put in a node below the last one, and say what its id became."""
        unique = self._names.unique(name)
        self.nodes[unique] = Node(type_id, inputs)
        self.places[unique] = {"x": self._column * COLUMN, "y": self._row * ROW}
        self._row += 1
        return unique

    def next_column(self) -> None:
        """Go on to the right."""
        self._column, self._row = self._column + 1, 0

    def models(self) -> tuple[Link, Link, Link]:
        """Checkpoint and VAE."""
        settings = self.settings
        name = settings.text("Model")
        if name:
            named = {"ckpt_name": self._file(name, "checkpoints", settings.text("Model hash"))}
        else:
            settings.report("The infotext names no model.", "Choose one in the node 'checkpoint'.", "unmapped_values")
            named = {}
        checkpoint = self.add("checkpoint", "CheckpointLoaderSimple", **named)
        vae = settings.text("VAE")
        if vae.lower() in ("", "none", "automatic"):
            return Link(checkpoint, "MODEL"), Link(checkpoint, "CLIP"), Link(checkpoint, "VAE")
        loader = self.add("vae", "VAELoader", vae_name=self._file(vae, "vae", settings.text("VAE hash")))
        return Link(checkpoint, "MODEL"), Link(checkpoint, "CLIP"), Link(loader, "VAE")

    def loras(self, prompt: Prompt, model: Link, clip: Link) -> tuple[Link, Link]:
        """A LoraLoader for each LoRA the prompt names, one after another."""
        hashes = self.settings.names("Lora hashes")
        for network in prompt.networks:
            self.next_column()
            file = self._file(network.name, "loras", hashes.get(network.name, ""))
            loader = self.add(
                "lora",
                "LoraLoader",
                model=model,
                clip=clip,
                lora_name=file,
                strength_model=network.model,
                strength_clip=network.clip,
            )
            model, clip = Link(loader, "MODEL"), Link(loader, "CLIP")
        return model, clip

    def clip_skip(self, clip: Link) -> Link:
        """Clip skip 2 is the layer before the last one, -2."""
        skip = self.settings.whole("Clip skip", 1, 1, 24)
        if skip == 1:
            return clip
        return Link(self.add("clip_skip", "CLIPSetLastLayer", clip=clip, stop_at_clip_layer=-skip), "CLIP")

    def noise(self, model: Link) -> Link:
        """Noise as NVIDIA cards draw it, of the first step and of all others, where the picture was made with it."""
        if not self.settings.noise_of_card:
            return model
        self._on_card = True
        return Link(self.add("noise", "ModelNoiseSource", model=model, initial="cuda", steps="cuda"), "MODEL")

    def encoded(self, name: str, prompt: Prompt, clip: Link, *, loads: bool = False) -> Link:
        """A prompt, the parts of which BREAK and AND join. loads: whether its LoRAs have been loaded."""
        for words, reason in prompt.unmapped:
            self.settings.report(f"In the {name.replace('_', ' ')} {shown(words)}: {reason}.", "")
        for network in () if loads else prompt.networks:
            reason = "only the LoRAs of the prompt are loaded"
            self.settings.report(f"In the {name.replace('_', ' ')} '<lora:{network.name}>': {reason}.", "")
        if len(prompt.parts) > 1:
            weights = ", ".join(f"{part.weight:g}" for part in prompt.parts)
            reason = f"AND (weights {weights}) adds up what each part asks for in A1111; here it is averaged"
            self.settings.report(f"In the {name.replace('_', ' ')}: {reason}.", "")
        self.next_column()
        parts: list[Link] = []
        for part in prompt.parts:
            chunks = [
                Link(self.add(name, "CLIPTextEncode", text=text, clip=clip), CONDITIONING) for text in part.chunks
            ]
            parts.append(self._joined(chunks, "join", "ConditioningConcat", ("conditioning_to", "conditioning_from")))
        return self._joined(parts, "combine", "ConditioningCombine", ("conditioning_1", "conditioning_2"))

    def _joined(self, links: list[Link], name: str, type_id: str, inputs: tuple[str, str]) -> Link:
        first, *rest = links
        for link in rest:
            first = Link(self.add(name, type_id, **{inputs[0]: first, inputs[1]: link}), CONDITIONING)
        return first

    def first_pass(self, model: Link, prompts: tuple[Link, Link], steps: int) -> Link:
        """The latent of the first pass."""
        settings = self.settings
        width, height = settings.size("Size", (512, 512))
        size = self.add("size", "EmptyLatentImage", width=width, height=height, batch_size=1)
        self.next_column()
        return self._sample("sample", model, prompts, Link(size, "LATENT"), steps, 1.0)

    def second_pass(self, latent: Link, model: Link, prompts: Iterable[Link], vae: Link) -> Link:
        """The hires pass: enlarge, as latent or as picture, and sample again."""
        settings = self.settings
        upscaler = settings.text("Hires upscaler") or "Latent"
        (width, height), crop = settings.hires_size()
        self.next_column()
        method = LATENT_METHODS.get(upscaler.lower())
        if method:
            if upscaler.lower() not in ("latent", "latent (bicubic)", "latent (nearest-exact)"):
                settings.report(f"The upscaler '{upscaler}' is not here; '{method}' stands in its place.", "")
            larger = self.add(
                "larger", "LatentUpscale", samples=latent, upscale_method=method, width=width, height=height, crop=crop
            )
        else:
            larger = self._larger_picture(latent, vae, upscaler, width=width, height=height, crop=crop)
        self.next_column()
        steps = settings.whole("Hires steps", 0, 0, 10000) or settings.whole("Steps", 20, 1, 10000)
        denoise = settings.number("Denoising strength", 0.75, 0.0, 1.0)
        return self._sample("refine", model, prompts, Link(larger, "LATENT"), steps, denoise)

    def _larger_picture(self, latent: Link, vae: Link, upscaler: str, **target: Any) -> str:
        pixels = Link(self.add("first_picture", "VAEDecode", samples=latent, vae=vae), "IMAGE")
        method = PIXEL_METHODS.get(upscaler.lower())
        if method is None and self.catalogue.spec("ImageUpscaleWithModel"):
            name = self._file(upscaler, "upscale_models", "", ".pth")
            loader = self.add("upscale_model", "UpscaleModelLoader", model_name=name)
            link = Link(loader, "UPSCALE_MODEL")
            pixels = Link(self.add("upscale", "ImageUpscaleWithModel", upscale_model=link, image=pixels), "IMAGE")
        elif method is None:
            self.settings.report(f"The upscaler '{upscaler}' is not here; 'lanczos' stands in its place.", "")
        scaled = self.add("larger_picture", "ImageScale", image=pixels, upscale_method=method or "lanczos", **target)
        return self.add("larger", "VAEEncode", pixels=Link(scaled, "IMAGE"), vae=vae)

    def _sample(
        self, name: str, model: Link, prompts: Iterable[Link], latent: Link, steps: int, denoise: float
    ) -> Link:
        settings = self.settings
        first = sampling(settings.text("Sampler") or "Euler", settings.text("Schedule type"))
        chosen, cfg = first, settings.number("CFG scale", 7.0, 0.0, 100.0)
        if name == "refine":
            label, schedule = settings.text("Hires sampler"), settings.text("Hires schedule type")
            if label or schedule:
                chosen = sampling(label or settings.text("Sampler"), schedule or settings.text("Schedule type"))
            cfg = settings.number("Hires CFG Scale", cfg, 0.0, 100.0)
        if name == "sample" or chosen != first:
            for note in chosen.notes:
                settings.report(f"{note[0].upper()}{note[1:]}.", "")
            if self._on_card and chosen.sampler in BROWNIAN:
                text = f"The sampler '{chosen.sampler}' adds the processor's noise in its steps; A1111 adds the card's."
                settings.report(text, "")
        positive, negative = prompts
        variation = self._variation(reports=name == "sample")
        sampler = self.add(
            name,
            "KSamplerVariation" if variation else "KSampler",
            model=model,
            seed=settings.whole("Seed", 0, 0, LARGEST_SEED),
            **variation,
            steps=steps,
            cfg=cfg,
            sampler_name=chosen.sampler,
            scheduler=chosen.scheduler,
            positive=positive,
            negative=negative,
            latent_image=latent,
            denoise=denoise,
        )
        return Link(sampler, "LATENT")

    def _variation(self, *, reports: bool) -> dict[str, int | float]:
        """The seed whose noise both passes mix into their own, and how much of it; nothing where there is none."""
        seed = self.settings.whole("Variation seed", 0, 0, LARGEST_SEED)
        strength = self.settings.number("Variation seed strength", 0.0, 0.0, 1.0)
        if not strength:
            return {}
        if reports and strength < 1:
            message = (
                "The noises of 'Seed' and 'Variation seed' are mixed as a whole; A1111 mixes them column by column."
            )
            self.settings.report(message, "The picture will resemble that one, and not be the same.")
        return {"variation_seed": seed, "variation_strength": strength}

    def end(self, latent: Link, vae: Link) -> None:
        """Decode and save."""
        self.next_column()
        decode = self.add("decode", "VAEDecode", samples=latent, vae=vae)
        self.next_column()
        self.add("save", "SaveImage", images=Link(decode, "IMAGE"), filename_prefix="infotext")

    def _file(self, name: str, folder: str, digest: str, suffix: str = ".safetensors") -> str:
        """The file a name without folder and ending means, remembered with the beginning of its digest."""
        name = _HASH.sub("", name.replace("\\", "/"))
        file = name if PurePosixPath(name).suffix.lower() in WEIGHT_SUFFIXES else f"{name}{suffix}"
        self.files[file] = {"folder": folder} | ({"x-hash": digest} if digest else {})
        return file

    def workflow(self, infotext: Infotext) -> Workflow:
        """The finished document."""
        inputs = tuple(InterfaceInput(*entry) for entry in INTERFACE)
        return Workflow(
            nodes=self.nodes,
            title="From an infotext",
            interface=Interface(inputs, (InterfaceOutput("save"),)),
            layout={"nodes": self.places},
            requires={"models": self.files} if self.files else {},
            extra={"x-infotext": infotext.text},
        )

    def problems(self) -> list[Problem]:
        """What was reported on the way, and every setting that nothing asked for."""
        self.settings.report_the_rest()
        return self.settings.problems
