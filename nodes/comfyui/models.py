"""Models, text encoders and autoencoders as packs hold them: recipes of ours, and what can be asked of them.

Asking what we do not have is an error that names it. Nothing here is ever changed: `clone` gives the same.
"""

from dataclasses import replace
from typing import TYPE_CHECKING, Any, NoReturn

from diffusion.values import Latent, Model, TextEncoder, Vae
from nodes.comfyui.absent import Lacking, lacking_attribute
from nodes.comfyui.built_in import weights_of
from nodes.comfyui.surroundings import current

if TYPE_CHECKING:
    from torch import Tensor


class PackModel:
    """A `Model` in the hands of a pack."""

    def __init__(self, recipe: Model) -> None:
        self.recipe = recipe

    def clone(self) -> "PackModel":
        """The same: it cannot be patched."""
        return PackModel(self.recipe)

    def get_model_object(self, name: str) -> Any:
        """What a model knows about itself; `model_sampling` tells its noise levels."""
        if name != "model_sampling":
            raise Lacking(f"MODEL.{name}")
        from diffusion.predictions import chosen_prediction

        return chosen_prediction(self.recipe)

    def __getattr__(self, name: str) -> NoReturn:
        lacking_attribute("MODEL", name)


class PackTokens:
    """A text on its way into a text encoder."""

    def __init__(self, text: str) -> None:
        self.text = text


class PackClip:
    """A `TextEncoder` in the hands of a pack."""

    def __init__(self, recipe: TextEncoder) -> None:
        self.recipe = recipe

    def clone(self) -> "PackClip":
        """One whose last layer can be chosen apart from this one's."""
        return PackClip(self.recipe)

    def clip_layer(self, layer: int) -> None:
        """Take the answer from an earlier layer: −1 is the last one."""
        self.recipe = replace(self.recipe, last_layer=layer)

    def tokenize(self, text: str, return_word_ids: bool = False, **options: Any) -> PackTokens:
        """A text, ready to be encoded. Its tokens cannot be looked at."""
        del return_word_ids, options
        return PackTokens(text)

    def encode_from_tokens(
        self, tokens: PackTokens, return_pooled: bool | str = False, return_dict: bool = False
    ) -> Any:
        """The tokens' states float32 [1, T, D]; with `return_pooled` also the pooled state; or both in a dict."""
        states, facts = self.encode_from_tokens_scheduled(tokens)[0]
        if return_dict:
            return {"cond": states, **facts}
        return (states, facts["pooled_output"]) if return_pooled else states

    def encode_from_tokens_scheduled(
        self, tokens: PackTokens, unprojected: bool = False, add_dict: dict[str, Any] | None = None
    ) -> list[Any]:
        """The conditioning of a text, as packs hold it; add_dict: further facts about it."""
        from nodes.comfyui.values import to_pack
        from nodes.conditioning import encode_text

        if unprojected:
            raise Lacking("CLIP.encode_from_tokens_scheduled(unprojected=True)")
        around = current()
        found = encode_text(tokens.text, self.recipe, weights=weights_of(around), files=around.files)
        return [[states, facts | (add_dict or {})] for states, facts in to_pack(found)]

    def encode(self, text: str) -> "Tensor":
        """The states of a text, float32 [1, T, D]."""
        return self.encode_from_tokens(self.tokenize(text))

    def __getattr__(self, name: str) -> NoReturn:
        lacking_attribute("CLIP", name)


class PackVae:
    """A `Vae` in the hands of a pack."""

    def __init__(self, recipe: Vae) -> None:
        self.recipe = recipe

    @property
    def latent_channels(self) -> int:
        """Channels of its latents."""
        return self.recipe.space.channels

    @property
    def downscale_ratio(self) -> int:
        """Picture pixels per latent pixel."""
        return self.recipe.space.factor

    upscale_ratio = downscale_ratio

    def spacial_compression_encode(self) -> int:
        """Picture pixels per latent pixel."""
        return self.recipe.space.factor

    spacial_compression_decode = spacial_compression_encode

    def temporal_compression_decode(self) -> None:
        """Frames per latent frame: None, it knows pictures alone."""

    def decode(self, samples: "Tensor") -> "Tensor":
        """Pictures float32 [B, H, W, 3] in 0..1 from latents [B, C, h, w]."""
        return self._decoded(samples, None)

    def decode_tiled(
        self, samples: "Tensor", tile_x: int = 64, tile_y: int = 64, overlap: int = 16, **options: Any
    ) -> "Tensor":
        """The same in tiles of so many latent pixels."""
        from diffusion.vae import Tiles

        del options
        factor = self.recipe.space.factor
        return self._decoded(samples, Tiles(min(tile_x, tile_y) * factor, overlap * factor))

    def encode(self, pixels: "Tensor") -> "Tensor":
        """Latents [B, C, h, w] of pictures [B, H, W, C] in 0..1."""
        return self._encoded(pixels, None)

    def encode_tiled(
        self, pixels: "Tensor", tile_x: int = 512, tile_y: int = 512, overlap: int = 64, **options: Any
    ) -> "Tensor":
        """The same in tiles of so many pixels."""
        from diffusion.vae import Tiles

        del options
        return self._encoded(pixels, Tiles(min(tile_x, tile_y), overlap))

    def _decoded(self, samples: "Tensor", tiles: Any) -> "Tensor":
        from diffusion.vae import decode

        latent = Latent(samples.float().cpu(), self.recipe.space)
        return decode(latent, self.recipe, weights_of(current()), tiles).pixels

    def _encoded(self, pixels: "Tensor", tiles: Any) -> "Tensor":
        from diffusion.vae import encode
        from nodes.comfyui.values import from_pack

        return encode(from_pack(pixels, "IMAGE"), self.recipe, weights_of(current()), tiles).samples

    def __getattr__(self, name: str) -> NoReturn:
        lacking_attribute("VAE", name)


def recipe_of(value: object) -> Model | TextEncoder | Vae | None:
    """The recipe that a pack holds, or None for anything else."""
    return value.recipe if isinstance(value, PackModel | PackClip | PackVae) else None
