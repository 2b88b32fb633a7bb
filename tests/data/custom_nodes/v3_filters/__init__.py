"""A pack of schema nodes as people write them after the published guide: filters, previews, files."""

import asyncio
import math
from enum import Enum

import torch
from comfy_api.latest import ComfyExtension, io, ui
from typing_extensions import override


class Tone(Enum):
    sepia = "sepia"
    cold = "cold"


class Tint(io.ComfyNode):
    """Multiplies colours."""

    WEIGHTS = {Tone.sepia.value: (1.0, 0.8, 0.6), Tone.cold.value: (0.6, 0.8, 1.0)}

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="V3Tint",
            display_name="Tint",
            category="filters/colour",
            description="Gives a picture a tint.",
            inputs=[
                io.Image.Input("image", tooltip="what to tint"),
                io.Combo.Input("tone", options=Tone, default=Tone.cold),
                io.Float.Input(
                    "strength", default=1, min=0.0, max=1.0, step=0.01, display_mode=io.NumberDisplay.slider
                ),
                io.Mask.Input("where", optional=True),
            ],
            outputs=[io.Image.Output(display_name="tinted"), io.Float.Output("mean")],
        )

    @classmethod
    def execute(cls, image, tone, strength, where=None) -> io.NodeOutput:
        weights = torch.tensor(cls.WEIGHTS[tone])
        tinted = image * (1 - strength + strength * weights)
        if where is not None:
            tinted = torch.where(where.unsqueeze(-1) > 0.5, tinted, image)
        image.zero_()  # what a node does to its inputs stays its own affair
        return io.NodeOutput(tinted, tinted.mean().item())


class SlowInvert(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="V3SlowInvert", inputs=[io.Image.Input("image")], outputs=[io.Image.Output()], category="filters"
        )

    @classmethod
    async def execute(cls, image):
        await asyncio.sleep(0.01)
        return io.NodeOutput(1.0 - image)


class Look(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="V3Look",
            inputs=[io.Image.Input("image"), io.Mask.Input("mask", optional=True)],
            outputs=[io.String.Output("who"), io.Int.Output("nodes")],
            hidden=[io.Hidden.unique_id],
            is_output_node=True,
        )

    @classmethod
    def execute(cls, image, mask=None):
        shown = ui.PreviewMask(mask, cls=cls) if mask is not None else ui.PreviewImage(image, cls=cls)
        return io.NodeOutput(cls.hidden.unique_id, len(cls.hidden.prompt), ui=shown)


class Say(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        return io.Schema(node_id="V3Say", inputs=[io.String.Input("text", multiline=True)], is_output_node=True)

    @classmethod
    def execute(cls, text):
        return io.NodeOutput(ui=ui.PreviewText(text))


class Keep(io.ComfyNode):
    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="V3Keep",
            inputs=[io.Image.Input("images"), io.String.Input("filename_prefix", default="v3/kept")],
            is_output_node=True,
        )

    @classmethod
    def execute(cls, images, filename_prefix) -> io.NodeOutput:
        return io.NodeOutput(ui=ui.ImageSaveHelper.get_save_images_ui(images, filename_prefix, cls=cls))


class Dice(io.ComfyNode):
    """Never the same again."""

    thrown = []

    @classmethod
    def define_schema(cls):
        return io.Schema(node_id="V3Dice", inputs=[io.Int.Input("sides", default=6, min=2)], outputs=[io.Int.Output()])

    @classmethod
    def fingerprint_inputs(cls, sides):
        return math.nan

    @classmethod
    def execute(cls, sides):
        cls.thrown.append(sides)
        return io.NodeOutput(len(cls.thrown))


class Stubborn(io.ComfyNode):
    """Tries to keep something from call to call."""

    @classmethod
    def define_schema(cls):
        return io.Schema(node_id="V3Stubborn", outputs=[io.Int.Output()])

    @classmethod
    def execute(cls):
        cls.count = 1
        return io.NodeOutput(cls.count)


class FilterExtension(ComfyExtension):
    loaded = False

    @override
    async def on_load(self) -> None:
        FilterExtension.loaded = True

    @override
    async def get_node_list(self) -> list[type[io.ComfyNode]]:
        assert FilterExtension.loaded
        return [Tint, SlowInvert, Look, Say, Keep, Dice, Stubborn]


async def comfy_entrypoint() -> FilterExtension:
    return FilterExtension()
