"""PhotoMaker (Li et al. 2023, "PhotoMaker: Customizing Realistic Human Photos via Stacked ID Embedding"): a word of a
prompt becomes the person on pictures. This is its network; `diffusion.person_prompts` has the prompts.
"""

from typing import Any

import torch
from torch import Tensor, nn

from diffusion.clip_vision import prepared
from diffusion.lease import Lease
from diffusion.tensors import Residence
from diffusion.values import Image


class PhotoMakerNetwork(nn.Module):
    """A CLIP vision model with two projections, and what fuses their vectors with states of a text. Weights are named
    as in the files. vision: a `CLIPVisionModelWithProjection`. second: width of the other projection.
    """

    def __init__(self, vision: nn.Module, second: int) -> None:
        super().__init__()
        clip: Any = vision
        self.config = clip.config
        self.vision_model = clip.vision_model
        self.visual_projection = clip.visual_projection
        self.visual_projection_2 = nn.Linear(clip.config.hidden_size, second, bias=False)
        self.fuse_module = Fusing(clip.config.projection_dim + second)

    def forward(self, pixels: Tensor, states: Tensor) -> Tensor:
        """The states [N, D] of N words fused with pictures [N, 3, side, side], one each (§3.2)."""
        seen = self.vision_model(pixels).pooler_output
        vectors = torch.cat([self.visual_projection(seen), self.visual_projection_2(seen)], dim=-1)
        return self.fuse_module(states, vectors)


class Fusing(nn.Module):
    """Two MLPs over a word's state and a picture's vector, each of this width; the second one adds to its input."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.mlp1 = Mlp(2 * width, width)
        self.mlp2 = Mlp(width, width)
        self.layer_norm = nn.LayerNorm(width)

    def forward(self, states: Tensor, vectors: Tensor) -> Tensor:
        """[N, D] of both."""
        fused = self.mlp1(torch.cat([states, vectors], dim=-1)) + states
        return self.layer_norm(self.mlp2(fused) + fused)


class Mlp(nn.Module):
    """A norm and two layers with GELU between them."""

    def __init__(self, takes: int, width: int) -> None:
        super().__init__()
        self.layernorm = nn.LayerNorm(takes)
        self.fc1 = nn.Linear(takes, width)
        self.fc2 = nn.Linear(width, width)

    def forward(self, states: Tensor) -> Tensor:
        """[N, takes] → [N, width]."""
        return self.fc2(nn.functional.gelu(self.fc1(self.layernorm(states))))


class PersonSight:
    """What `Weights.lend(photomaker)` gives."""

    def __init__(self, lease: Lease) -> None:
        self._lease = lease

    def fused(self, image: Image, states: Tensor) -> Tensor:
        """The states float32 [N, D] of a word for each of N pictures, fused with them; on the CPU."""
        network: Any = self._lease.run
        pixels = prepared(image, network.config.image_size, "center")

        def forward(network: nn.Module, residence: Residence) -> Tensor:
            placed = (each.to(residence.device, residence.dtype) for each in (pixels, states))
            return network(*placed)

        return self._lease.compute(forward).to("cpu", torch.float32)
