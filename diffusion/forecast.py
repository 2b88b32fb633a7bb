"""Whether what a run needs will fit, said before it begins: from headers and settings alone. Loads no torch.

Only what a run will then do is said: what `diffusion.memory` decides by the same estimates.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from diffusion import checkpoint
from diffusion.activations import coding_bytes, denoising_bytes
from diffusion.budget import Budget, said
from diffusion.families import Component
from diffusion.header import Header, WeightFileError, read_header
from diffusion.memory import NEGLIGIBLE
from diffusion.parts import called, casts_in_layers
from diffusion.precision import Choice

ITEMSIZES = {"fp32": 4, "bf16": 2, "fp16": 2}
STORED = {"fp32": "F32", "bf16": "BF16", "fp16": "F16"}

LARGEST_LAYER = 30
"""Numbers in the largest layer of a U-Net, times the square of its greatest width."""

LARGEST_CODING_LAYER = 18
"""The same of an autoencoder."""

AHEAD = 3
"""How many layers are on a GPU at once, beside those that stay."""

LARGEST_WHOLE, TILES = 1536**2, (512, 256, 128)
"""Pixels of a picture that is decoded in one piece at most; sides of the tiles that are tried: see `diffusion.vae`."""

WHOLE = {"UPSCALE_MODEL": "upscaling model", "IPADAPTER": "IP-Adapter", "STYLE_MODEL": "style model"}
"""What comes whole, by the name that links know it by."""

AVERAGE = "params_ema."
"""How names begin of tensors beside which others of a file are not used."""

_REPEATED = re.compile(r"(.*\.(?:layers|resblocks)\.\d+)\.")


@dataclass(frozen=True)
class Drawn:
    """What is sampled: pictures of width × height, and how many at once, negative ones included."""

    width: int
    height: int
    rows: int


@dataclass(frozen=True)
class Needed:
    """What a run computes with. wire: what it is, as links know it ("MODEL", "CLIP", "VAE", …). files: that hold it,
    each with its digest. decoded: width and height of the pictures that an autoencoder decodes at once, if known.
    """

    wire: str
    files: tuple[tuple[Path, str], ...]
    decoded: tuple[int, int] | None = None


def foreseen(choice: Choice, limit: int | None, needed: Sequence[Needed], drawn: Drawn | None) -> list[str]:
    """What a person should know of the memory that a run will take, in sentences; nothing where all will fit.

    drawn: what is sampled, if known. Files that are of no use are passed over: the node that loads them tells.
    """
    budget = Budget(choice.device, limit)
    scale = Scale(choice, limit, max(0, budget.left(0)))
    sentences, unets, steering = list[str](), list[Unet](), list[Component]()
    for one in needed:
        try:
            match one.wire:
                case "MODEL":
                    unet = _unet(one)
                    unets.append(unet)
                    sentences += scale.sampling(unet, drawn)
                case "CLIP" | "CLIP_VISION":
                    sentences += chain.from_iterable(scale.reading(found) for found in _encoders(one))
                case "VAE":
                    sentences += scale.coding(_autoencoder(one), one.decoded)
                case "CONTROL_NET":
                    steering.append(_control_net(one))
                case wire if wire in WHOLE:
                    sentences += scale.whole(WHOLE[wire], read_header(one.files[0][0]))
        except (WeightFileError, OSError):
            continue
    if len(unets) == 1 and steering and not sentences:
        sentences += scale.steering(unets[0], steering, drawn)
    return list(dict.fromkeys(sentences))


@dataclass(frozen=True)
class Unet:
    """A denoiser's network. factor: pixels of the side of a latent pixel."""

    component: Component
    factor: int


@dataclass(frozen=True)
class Scale:
    """What weighs networks: where they compute, under which limit, and how much room there is with nothing else."""

    choice: Choice
    limit: int | None
    room: int

    @property
    def _itemsize(self) -> int:
        return ITEMSIZES[self.choice.precision]

    @property
    def _where(self) -> str:
        return f"; {'what is free' if self.limit is None else 'the budget'} is {said(self.room)}"

    def sampling(self, unet: Unet, drawn: Drawn | None) -> list[str]:
        """Of a U-Net."""
        own, widths = self._own(unet.component), unet.component.config["block_out_channels"]
        least = self._least(own, LARGEST_LAYER * max(widths) ** 2)
        all_rows, one_row = (self._need(unet, drawn, rows) for rows in (drawn.rows if drawn else 0, 1))
        if self._there(unet.component, own, least) + all_rows <= self.room:
            return []
        takes = f"{called(unet.component)} {f'takes {said(own)}' if own else 'stays in its file'}"
        if drawn is not None:
            takes += f", sampling {drawn.width} × {drawn.height} about {said(all_rows)} beside"
        takes = takes[0].upper() + takes[1:] + self._where
        if least + one_row > self.room:
            return [f"{takes}. {self._too_much} even layer by layer and one picture at a time: see --memory."]
        ways = ["its layers will come and go"] if own else []
        if least + all_rows > self.room and self.limit is not None:
            ways.append("its pictures will be computed a few at a time")
        return [f"{takes}: {', and '.join(ways)}{', which is slower' if len(ways) == 1 else ''}."] if ways else []

    def steering(self, unet: Unet, nets: Sequence[Component], drawn: Drawn | None) -> list[str]:
        """Of the largest control network, which is there together with the only U-Net."""
        net = max(nets, key=self._own)
        own, beside = self._own(unet.component), self._own(net)
        need = self._need(unet, drawn, drawn.rows if drawn else 0)
        there = self._there(unet.component, own, 0) + self._there(net, beside, 0)
        if there + need <= self.room or not own:
            return []
        sampling = f", sampling {drawn.width} × {drawn.height} about {said(need)} beside" if drawn else ""
        return [
            f"T{called(unet.component)[1:]} and {called(net)} take {said(own + beside)} together{sampling}{self._where}"
            ": layers of them will come and go, which is slower."
        ]

    def reading(self, encoder: Component) -> list[str]:
        """Of an encoder of text or of pictures, for which weights are all there is to consider."""
        own = self._own(encoder)
        least = self._least(own, _largest_layer(encoder))
        if self._there(encoder, own, least) <= self.room:
            return []
        takes = f"T{called(encoder)[1:]} takes {said(own)}{self._where}"
        if self.limit is not None and least > max(self.room, NEGLIGIBLE):
            return [f"{takes}. It cannot fit, even layer by layer: see --memory."]
        return [f"{takes}: its layers will come and go, which is slower."]

    def coding(self, autoencoder: Component, decoded: tuple[int, int] | None) -> list[str]:
        """Of an autoencoder. decoded: what is decoded at once."""
        own, config = self._own(autoencoder), autoencoder.config
        takes = f"T{called(autoencoder)[1:]} takes {said(own)}"
        slower = [f"{takes}{self._where}: its layers will come and go, which is slower."] if own > self.room else []
        if decoded is None or self.limit is None:
            return slower
        widths = config.get("block_out_channels") or config["decoder_block_out_channels"]
        least = self._least(own, LARGEST_CODING_LAYER * max(widths) ** 2)
        wide, high = decoded
        whole = [wide * high] if wide * high <= LARGEST_WHOLE else []
        needs = [coding_bytes(config, pixels, self._itemsize) for pixels in (*whole, *(side**2 for side in TILES))]
        tried = [need <= NEGLIGIBLE or least + need <= self.room for need in needs]
        if not whole or tried[0]:
            return slower
        takes += f", decoding {wide} × {high} about {said(needs[0])} beside{self._where}"
        if not any(tried):
            return [f"{takes}. It cannot fit, even in tiles: see --memory."]
        side = TILES[tried.index(True) - 1]
        return [f"{takes}: pictures will be decoded in tiles of {side} × {side}, which fade into each other."]

    def whole(self, what: str, header: Header) -> list[str]:
        """Of a network that comes whole. Pickles are not looked into."""
        if self.limit is None or header.format != "safetensors":
            return []
        averaged = [name for name in header.tensors if name.startswith(AVERAGE)]
        own = self._own_of(header, averaged or list(header.tensors))
        if own <= max(self.room, NEGLIGIBLE):
            return []
        return [f"The {what} of '{header.path.name}' takes {said(own)} and comes whole{self._where}. It cannot fit: "
                "see --memory."]  # fmt: skip

    @property
    def _too_much(self) -> str:
        return "It may be too much," if self.limit is None else "It cannot fit,"

    def _need(self, unet: Unet, drawn: Drawn | None, rows: int) -> int:
        """What a call takes, where that is considered."""
        if drawn is None:
            return 0
        height, width = drawn.height // unet.factor, drawn.width // unet.factor
        need = denoising_bytes(unet.component.config, rows, height, width, self._itemsize)
        return need if need > NEGLIGIBLE else 0

    def _least(self, own: int, largest: int) -> int:
        """Bytes of weights without which a network cannot compute. largest: numbers in its largest layer."""
        return min(own, (1 if self.choice.kind == "cpu" else AHEAD) * largest * self._itemsize)

    def _there(self, component: Component, own: int, least: int) -> int:
        """Bytes of a network's weights that are there at once where nothing is short."""
        return least if casts_in_layers(component, self.choice.kind, self.limit, own) else own

    def _own(self, component: Component) -> int:
        return self._own_of(component.header, component.names, changed=bool(component.rounding))

    def _own_of(self, header: Header, names: Sequence[str], *, changed: bool = False) -> int:
        """Bytes of its own memory: on a processor, what is computed with as it is stored stays in the mapped file."""
        precision = self.choice.precision
        is_mapped = self.choice.kind == "cpu" and header.format == "safetensors" and not changed
        tensors = [header.tensors[name] for name in names]
        total = sum(
            tensor.count
            for tensor in tensors
            # Half precision lays convolutions out anew.
            if not is_mapped or tensor.dtype != STORED[precision] or (precision != "fp32" and len(tensor.shape) == 4)
        )
        return total * self._itemsize


def _unet(needed: Needed) -> Unet:
    model = checkpoint.read_unet(*needed.files[0])
    return Unet(checkpoint.component(model.file, "unet"), checkpoint.space_of(model).factor)


def _autoencoder(needed: Needed) -> Component:
    return checkpoint.component(checkpoint.read_vae(*needed.files[0]).file, "vae")


def _encoders(needed: Needed) -> Iterator[Component]:
    """Those of text, in a checkpoint or alone, or the one of pictures."""
    if needed.wire == "CLIP_VISION":
        yield checkpoint.vision_component(checkpoint.read_clip_vision(*needed.files[0]).file)
        return
    try:
        whole = checkpoint.read_text_encoders(needed.files)
    except WeightFileError:
        whole = checkpoint.read_checkpoint(*needed.files[0]).text_encoder
    for recipe in whole.encoders:
        (file,) = recipe.files
        yield checkpoint.component(file, checkpoint.text_part(file), recipe.family)


def _control_net(needed: Needed) -> Component:
    from diffusion.families import controlnet

    return controlnet.component(controlnet.read_control_net(*needed.files[0]))


def _largest_layer(encoder: Component) -> int:
    """Numbers in the largest part that comes and goes whole: a transformer's layer, or a layer outside of them."""
    sizes: dict[str, int] = {}
    for name in encoder.names:
        found = _REPEATED.match(name)
        place = found[1] if found else name.rpartition(".")[0]
        sizes[place] = sizes.get(place, 0) + encoder.header.tensors[name].count
    return max(sizes.values(), default=0)
