"""A denoiser's network, ready to be asked: latents in, its raw answer out."""

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

import torch
from torch import Tensor, nn

from diffusion.activations import denoising_bytes
from diffusion.changes import Call
from diffusion.changing import Layout
from diffusion.context import Context, Inputs
from diffusion.equipment import Equipment
from diffusion.keys_values import KeysValues
from diffusion.lease import Lease, MemoryShortage
from diffusion.prediction import Prediction
from diffusion.shortage import explained
from diffusion.tensors import Residence
from diffusion.unet import Denoiser
from diffusion.values import LatentSpace

SIZES = (5, 6)
"""How many sizes networks are told that are told any: the refiner of SDXL, SDXL."""


class Network:
    """What `Weights.lend(model)` gives. prediction: what its answer means. space: the latents it knows. equipment: what
    is lent beside it.
    count: is told how many items it is asked about, each time.
    """

    def __init__(
        self,
        lease: Lease,
        prediction: Prediction,
        space: LatentSpace,
        count: Callable[[int], object] = lambda items: None,
    ) -> None:
        self._lease = lease
        self._count = count
        self.prediction = prediction
        self.space = space
        self.equipment = Equipment()
        self.keys_values = KeysValues()
        self._rows = 0  # how many items one call may have; 0: all

    @property
    def device(self) -> torch.device:
        """Where it computes; inputs from elsewhere are brought there."""
        return self._lease.residence.device

    @cached_property
    def inputs(self) -> Inputs:
        """What it takes besides the noisy latent."""
        config: Any = self._lease.run.config
        tokens, beside = config.cross_attention_dim, config.in_channels - self.space.channels
        if config.addition_embed_type is None:
            told = config.projection_class_embeddings_input_dim if config.class_embed_type == "projection" else 0
            return Inputs(tokens, beside=beside, classes=told, levels=config.num_class_embeds or 0)
        told, each = config.projection_class_embeddings_input_dim, config.addition_time_embed_dim
        # The refiner attends to the states of one text encoder, whose pooled state is as wide.
        sizes = SIZES[0] if told - tokens == SIZES[0] * each else SIZES[1]
        return Inputs(tokens, told - sizes * each, sizes, beside)

    def note(self, sentence: str) -> None:
        """Tell the user something."""
        self._lease.note(sentence)

    @cached_property
    def layout(self) -> Layout:
        """What changes of the way through it go by."""
        return Layout.of(self._lease.run.config)

    def __call__(self, x: Tensor, timestep: Tensor, context: Context) -> Tensor:
        """The network's raw answer, float32 [B, C, H, W] on x's device; any H and W.

        x: float32 [B, C, H, W], scaled as the prediction scales its input. timestep: [B] or one for all, as the
        prediction gives it. context: what it is told besides. Where memory is too small for all of x at once, it is
        computed in parts, which is told. Raises MemoryShortage where one item is too much.
        """
        self._count(len(x))
        times = timestep.expand(len(x))
        while True:
            rows = self._rows or len(x)
            try:
                parts = zip(x.split(rows), times.split(rows), context.split(rows), strict=True)
                answers = [self._asked(*part) for part in parts]
                out = torch.cat(answers) if len(answers) > 1 else answers[0]
                return out.to(x.device, torch.float32, memory_format=torch.contiguous_format)
            except MemoryShortage as shortage:
                self._split(min(rows, len(x)), x.shape[2:], shortage)

    def _split(self, rows: int, size: Sequence[int], shortage: MemoryShortage) -> None:
        """Let a call have half as many items from here on. Raises the shortage, explained, where it had one."""
        if rows == 1:
            factor = self.space.factor
            height, width = (side * factor for side in size)

            def need(wide: int, high: int) -> int:
                return self._need(1, high // factor, wide // factor)

            raise explained(shortage, "Sampling", width, height, need) from None
        self._rows = rows // 2
        self._lease.note(
            f"There is too little memory for {rows} latents at once; the network is asked about {self._rows} at a time."
        )

    def _asked(self, x: Tensor, timestep: Tensor, context: Context) -> Tensor:
        """The answer to items that go through the network together, as it gives it."""
        context = context.steered(x, timestep)

        def forward(denoiser: nn.Module, residence: Residence) -> Tensor:
            layout = torch.channels_last if residence.channels_last else torch.contiguous_format
            seen = x if context.beside is None else torch.cat([x, context.beside], dim=1)
            added = dict[str, Tensor]()
            if context.pooled is not None and context.sizes is not None:
                added["text_embeds"] = context.pooled.to(residence.device, residence.dtype)
                added["time_ids"] = context.sizes.to(residence.device)
            if context.classes is not None:
                dtype = residence.dtype if context.classes.is_floating_point() else None
                added["class_labels"] = context.classes.to(residence.device, dtype)
            tokens = context.tokens.to(residence.device, residence.dtype)
            # A compiled network remembers nothing: it would be compiled anew for what is known and for what is not.
            known = self.keys_values.about(denoiser, tokens) if isinstance(denoiser, Denoiser) else None
            return denoiser(
                seen.to(residence.device, residence.dtype, memory_format=layout),
                timestep.to(residence.device),
                tokens,
                added,
                Call((x.shape[2], x.shape[3]), context, known),
            )

        return self._lease.compute(forward, self._need(len(x), *x.shape[2:]))

    def _need(self, rows: int, height: int, width: int) -> int:
        """Bytes that a call takes beside the weights."""
        return denoising_bytes(self._lease.run.config, rows, height, width, self._lease.residence.dtype.itemsize)  # pyright: ignore[reportArgumentType] — a configuration
