"""Values to a pack and back: nothing is lost, nothing is shared."""

import io

import numpy as np
import pytest
import torch

from diffusion.conditioning import as_default, carrying, restrict_to_area, restrict_to_mask, restrict_to_range
from diffusion.controlling import controlled
from diffusion.hooks import Hook, HookKeyframes, Hooks, Keyframe
from diffusion.latents import empty, with_noise_mask
from diffusion.lora.patch import LoraPatch
from diffusion.sampling_values import Sigmas
from diffusion.values import (
    Area,
    Conditioning,
    ConditioningEntry,
    Control,
    ControlNet,
    Image,
    Latent,
    LatentSpace,
    Mask,
    Model,
    Shown,
    SizeConditioning,
    ToldPicture,
    WeightFile,
)
from graph.files import File
from nodes.comfyui.values import PackLatent, Untranslatable, from_pack, same, to_pack

SPACE = LatentSpace("sd", 4, 8, 0.18215)


def random(*shape: int) -> torch.Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(sum(shape)))


LATENTS = [
    Latent(random(2, 4, 3, 5)),
    Latent(random(2, 4, 3, 5), SPACE, batch_index=(3, 1)),
    with_noise_mask(Latent(random(1, 4, 3, 5), SPACE), Mask(random(1, 24, 40))),
    Latent(random(1, 16, 2, 3, 4)),
    Latent(random(1, 8, 100)),
    Latent(torch.zeros(1, 4, 2, 2), SPACE),
    empty(64, 128, 2),
    empty(70, 130),
    PackLatent(random(1, 4, 2, 2), SPACE, extras={"type": "audio", "shape": [1, 2], "more": random(2)}),
]

FILE = WeightFile("/ink.safetensors", "ink")
HOOK = Hook(LoraPatch(FILE, 0.5), None, HookKeyframes((Keyframe(0.25, 0.5),)))
NET = ControlNet("controlnet", FILE)
PROMPT = Conditioning((ConditioningEntry(random(1, 77, 8), random(1, 8)), ConditioningEntry(random(2, 7, 8))))
CONDITIONINGS = [
    PROMPT,
    Conditioning(()),
    restrict_to_area(PROMPT, Area(64, 128, 8, 0), 0.5),
    restrict_to_area(PROMPT, Area(63, 127, 5, 3), 1.0),
    restrict_to_area(PROMPT, Area(0.5, 0.25, 0.1, 0.2, relative=True), 2.0),
    restrict_to_mask(PROMPT, random(1, 8, 8), 0.7, bounds=True),
    restrict_to_range(PROMPT, 0.2, 0.9),
    Conditioning((ConditioningEntry(random(1, 3, 4), size=SizeConditioning((8, 9), (1, 2), (3, 4), 6.5)),)),
    Conditioning((ConditioningEntry(random(1, 3, 4), size=SizeConditioning()),)),
    Conditioning((ConditioningEntry(random(1, 3, 4), shown=Shown(random(1, 4, 2, 2), random(1, 16, 16))),)),
    Conditioning((ConditioningEntry(random(1, 3, 4), shown=Shown(random(1, 4, 2, 2))),)),
    as_default(carrying(PROMPT, Hooks((HOOK,)))),
    controlled(PROMPT, Control(NET, random(1, 3, 8, 8), 0.5, is_shared=True)),
    Conditioning((ConditioningEntry(random(1, 3, 4), told=(ToldPicture(random(1, 8), 0.5, 0.1),)),)),
    Conditioning((ConditioningEntry(random(1, 3, 4), extras={"guidance": 3.5, "reference_latents": [random(1, 4)]}),)),
]


PICTURES = [Image(random(2, 4, 5, 3)), Image(random(1, 4, 5, 1)), Mask(random(2, 4, 5)), Sigmas(random(5))]


@pytest.mark.parametrize("value", [*PICTURES, *LATENTS, *CONDITIONINGS])
def test_there_and_back_is_the_same(value: Image | Mask | Sigmas | Latent | Conditioning) -> None:
    given = to_pack(value)
    back = from_pack(given, type(value).wire)
    assert type(back) is type(value)
    assert same(back, value)


def test_pictures_and_masks_are_tensors_of_their_own() -> None:
    image, mask = Image(random(1, 2, 3, 3)), Mask(random(1, 2, 3))
    for value, tensor in ((image, image.pixels), (mask, mask.values)):
        given = to_pack(value)
        before = tensor.clone()
        given.fill_(7)
        assert torch.equal(tensor, before)


def test_a_latent_is_a_dict() -> None:
    given = to_pack(with_noise_mask(Latent(random(2, 4, 3, 5), SPACE, batch_index=(0, 2)), Mask(random(1, 24, 40))))
    assert given["samples"].shape == (2, 4, 3, 5)
    assert given["noise_mask"].shape == (1, 1, 24, 40)
    assert given["batch_index"] == [0, 2]


def test_keys_that_packs_add_to_a_latent_stay() -> None:
    found = from_pack({"samples": random(1, 4, 2, 2), "type": "audio", "noise_mask": random(2, 2)}, "LATENT")
    assert isinstance(found, PackLatent)
    assert found.extras == {"type": "audio"}
    assert found.noise_mask is not None
    assert found.noise_mask.shape == (1, 2, 2)
    assert to_pack(found)["type"] == "audio"


def test_zeros_of_no_space_are_an_empty_latent() -> None:
    found = from_pack({"samples": torch.zeros(2, 4, 8, 16)}, "LATENT")
    assert found.empty_size == (64, 128)


def test_an_empty_latent_that_was_filled_is_none() -> None:
    given = to_pack(empty(64, 64))
    given["samples"] += 1
    assert from_pack(given, "LATENT").empty_size is None
    changed = to_pack(empty(64, 64))
    changed["samples"] = torch.zeros(1, 4, 16, 16)
    assert from_pack(changed, "LATENT").empty_size == (128, 128)


def test_a_latent_of_other_channels_has_no_space() -> None:
    given = to_pack(Latent(random(1, 4, 2, 2), SPACE))
    given["samples"] = random(1, 16, 2, 2)
    assert from_pack(given, "LATENT").space is None


def test_what_models_are_told_and_shown_has_the_fields_names() -> None:
    entry = ConditioningEntry(
        random(1, 3, 4),
        size=SizeConditioning((8, 9), aesthetic=2.5),
        shown=Shown(random(1, 4, 2, 2), random(1, 16, 16)),
    )
    ((_, facts),) = to_pack(Conditioning((entry,)))
    assert {name: facts[name] for name in ("height", "width", "crop_h", "crop_w", "aesthetic_score")} == {
        "height": 8, "width": 9, "crop_h": 0, "crop_w": 0, "aesthetic_score": 2.5,
    }  # fmt: skip
    assert facts["concat_latent_image"].shape == (1, 4, 2, 2)
    assert facts["concat_mask"].shape == (1, 16, 16)


def test_hooks_and_controls_of_a_packs_own_stay_as_they_are() -> None:
    given = [[random(1, 3, 4), {"hooks": "a pack's", "control": ["a pack's"], "default": True}]]
    (entry,) = from_pack(given, "CONDITIONING").entries
    assert (entry.hooks, entry.controls, entry.is_default) == ((), (), True)
    assert dict(entry.extras) == {"hooks": "a pack's", "control": ["a pack's"]}


def test_a_conditioning_is_pairs_of_tokens_and_facts() -> None:
    given = to_pack(restrict_to_area(PROMPT, Area(64, 128, 8, 16), 0.5))
    tokens, facts = given[0]
    assert torch.equal(tokens, PROMPT.entries[0].tokens)
    assert facts["pooled_output"].shape == (1, 8)
    assert (tuple(facts["area"]), facts["strength"]) == ((8, 16, 1, 2), 0.5)
    assert tuple(to_pack(CONDITIONINGS[4])[0][1]["area"]) == ("percentage", 0.5, 0.25, 0.1, 0.2)
    masked = to_pack(CONDITIONINGS[5])[0][1]
    assert (masked["mask_strength"], masked["set_area_to_bounds"], masked["mask"].shape) == (0.7, True, (1, 8, 8))
    assert to_pack(CONDITIONINGS[6])[0][1]["start_percent"] == 0.2


def test_facts_that_packs_write_are_read() -> None:
    facts = {"area": (8, 16, 1, 2), "strength": 2, "mask": random(4, 4), "start_percent": 0.5, "guidance": 3.5}
    (entry,) = from_pack([[random(1, 3, 4), facts]], "CONDITIONING").entries
    assert entry.area == Area(64, 128, 8, 16)
    assert (entry.strength, entry.start, entry.end, entry.extras) == (2.0, 0.5, 1.0, {"guidance": 3.5})
    assert entry.mask is not None
    assert entry.mask.shape == (1, 4, 4)


@pytest.mark.parametrize(
    ("value", "wire", "shape"),
    [
        (random(4, 5, 3), "IMAGE", (1, 4, 5, 3)),
        (random(2, 40, 50), "IMAGE", (2, 40, 50, 1)),
        (random(4, 5), "MASK", (1, 4, 5)),
        (random(2, 1, 4, 5), "MASK", (2, 4, 5)),
        (random(2, 4, 5, 1), "MASK", (2, 4, 5)),
        (random(1, 4, 5, 3).half(), "IMAGE", (1, 4, 5, 3)),
    ],
)
def test_near_misses_are_understood(value: torch.Tensor, wire: str, shape: tuple[int, ...]) -> None:
    found = from_pack(value, wire)
    tensor = found.pixels if isinstance(found, Image) else found.values
    assert (tuple(tensor.shape), tensor.dtype) == (shape, torch.float32)


@pytest.mark.parametrize(
    ("value", "wire", "said"),
    [
        (np.zeros((1, 4, 4, 3)), "IMAGE", "a ndarray"),
        (random(1, 2, 3, 4, 3), "IMAGE", r"a tensor of shape \[1, 2, 3, 4, 3\]"),
        (random(2, 3, 4, 5), "MASK", r"a tensor of shape \[2, 3, 4, 5\]"),
        ({"sample": 1}, "LATENT", "a dict"),
        (random(1, 4), "LATENT", "a tensor"),
        ([random(1, 4)], "CONDITIONING", "a list"),
        ([1, 2], "INT", None),
        (random(3), "INT", "a tensor"),
    ],
)
def test_what_is_something_else_is_refused(value: object, wire: str, said: str | None) -> None:
    if said is None:
        assert from_pack(value, wire) == value
        return
    with pytest.raises(Untranslatable, match=said):
        from_pack(value, wire)


def test_without_a_type_the_form_says_what_a_value_is() -> None:
    assert isinstance(from_pack(random(1, 4, 4, 3)), Image)
    assert isinstance(from_pack(random(2, 4, 4)), Mask)
    assert isinstance(from_pack({"samples": random(1, 4, 2, 2)}), Latent)
    assert isinstance(from_pack([[random(1, 3, 4), {}]]), Conditioning)
    assert from_pack([]) == []
    assert isinstance(from_pack(random(20)), torch.Tensor)
    assert isinstance(from_pack(random(1, 16, 4, 40)), torch.Tensor)


def test_numbers_of_numpy_and_torch_become_numbers() -> None:
    for value, wire, wanted in (
        (np.int64(3), "INT", 3),
        (torch.tensor(3), "INT", 3),
        (np.float32(0.5), "FLOAT", 0.5),
        (np.bool_(True), "BOOLEAN", True),
        (1, "BOOLEAN", True),
        (np.int64(3), "*", 3),
    ):
        found = from_pack(value, wire)
        assert (type(found), found) == (type(wanted), wanted)


def test_values_of_other_kinds_are_copied_as_far_as_they_hold_tensors() -> None:
    audio = {"waveform": random(1, 2, 100), "sample_rate": 44100, "tags": [random(1), ("a", random(1))]}
    given = to_pack(audio)
    given["waveform"].zero_()
    given["tags"].append(1)
    given["tags"][1][1].zero_()
    assert audio["waveform"].any()
    assert len(audio["tags"]) == 2
    assert audio["tags"][1][1].any()
    stream = io.BytesIO()
    assert to_pack(stream) is stream


def test_files_are_their_names(tmp_path) -> None:  # noqa: ANN001
    assert to_pack(File("a/b.safetensors", tmp_path, "1")) == "a/b.safetensors"


def test_models_are_the_same_recipes() -> None:
    model = Model("sd1", WeightFile("/x", "1"))
    assert from_pack(to_pack(model), "MODEL") is model
    assert from_pack(to_pack(model).clone(), "*") is model
