"""PhotoMaker against its formulas, written out over transformers' own modules on the same small random weights."""

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor
from torch.nn import functional

from diffusion.checkpoint import Parts, read_checkpoint
from diffusion.clip_vision import prepared
from diffusion.families.photomaker import read_photomaker
from diffusion.header import WeightFileError
from diffusion.lora.file import read_lora
from diffusion.person_prompts import TRIGGER, encoded
from diffusion.text.tokens import BEGIN, END
from diffusion.values import Image, PhotoMaker
from tests.diffusion.families.pipelines import WEIGHTS, nowhere, prompt
from tests.diffusion.tiny import write_tiny_checkpoint
from tests.diffusion.tiny_families import G_WIDTH, L_WIDTH, tiny_sdxl
from tests.diffusion.tiny_photomaker import fusing, photomaker_tensors, write_photomaker
from tests.diffusion.tiny_vision import SIDE, tiny_vision

SDXL, VISION = tiny_sdxl(), tiny_vision(projection=L_WIDTH)
FULL = L_WIDTH + G_WIDTH


FUSING = fusing(L_WIDTH, G_WIDTH)


@pytest.fixture(scope="module")
def photomaker(tmp_path_factory) -> PhotoMaker:
    path = write_photomaker(tmp_path_factory.mktemp("photomaker") / "v1.safetensors", L_WIDTH, G_WIDTH)
    return read_photomaker(path, "photomaker")


@pytest.fixture(scope="module")
def sdxl(tmp_path_factory) -> Parts:
    return read_checkpoint(SDXL.write(tmp_path_factory.mktemp("sdxl") / "sdxl.safetensors"), "sdxl of a person")


def pictures(count: int) -> Image:
    return Image(torch.rand(count, 40, 36, 3, generator=torch.Generator().manual_seed(1)))


@torch.no_grad()
def fused(states: Tensor, image: Image) -> Tensor:
    """Li et al. 2023, §3.2: two MLPs over a word's state and a picture's vector."""

    def norm(x: Tensor, name: str) -> Tensor:
        return functional.layer_norm(x, x.shape[-1:], *(FUSING[f"fuse_module.{name}.{leaf}"] for leaf in LEAVES))

    def mlp(x: Tensor, name: str) -> Tensor:
        first, second = ([FUSING[f"fuse_module.{name}.fc{place}.{leaf}"] for leaf in LEAVES] for place in (1, 2))
        return functional.linear(functional.gelu(functional.linear(norm(x, f"{name}.layernorm"), *first)), *second)

    seen = VISION.vision_model(prepared(image, SIDE, "center")).pooler_output
    vectors = torch.cat([VISION.visual_projection(seen), seen @ FUSING["visual_projection_2.weight"].T], dim=1)
    inner = mlp(torch.cat([states, vectors], dim=1), "mlp1") + states
    return norm(mlp(inner, "mlp2") + inner, "layer_norm")


LEAVES = ("weight", "bias")


@torch.no_grad()
def states(tokens: list[int]) -> tuple[Tensor, Tensor]:
    """What SDXL has of a prompt's tokens: both encoders' last layer but one, the larger one's pooled state."""

    def ids(padding: int) -> Tensor:
        whole = [BEGIN, *tokens, END]
        return torch.tensor([whole + [padding] * (77 - len(whole))])

    small = SDXL.texts["text_encoder"](ids(END), output_hidden_states=True)
    large = SDXL.texts["text_encoder_2"](ids(0), output_hidden_states=True)
    return torch.cat([small.hidden_states[-2], large.hidden_states[-2]], dim=2), large.text_embeds


A, PHOTO, OF, CAT = 320, 1125, 539, 2368
"""CLIP's tokens of "a photo of a cat"."""


@pytest.mark.parametrize("count", [1, 3])
def test_the_word_before_is_fused_with_each_picture(photomaker, sdxl, count):
    text = f"a photo of a cat {TRIGGER} a cat"
    (entry,) = encoded(text, photomaker, pictures(count), sdxl.text_encoder, WEIGHTS, nowhere).entries
    truth, pooled = states([A, PHOTO, OF, A, *[CAT] * count, A, CAT])
    place = slice(5, 5 + count)  # behind the begin token and four others
    truth[0, place] = fused(truth[0, place], pictures(count))
    torch.testing.assert_close(entry.tokens, truth, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(entry.pooled, pooled, rtol=1e-4, atol=1e-5)


def test_punctuation_and_weights_stay(photomaker, sdxl):
    """The mark alone goes; a weight of the word holds for its states before they are fused."""
    (marked,) = encoded(
        f"a cat {TRIGGER}, a photo", photomaker, pictures(1), sdxl.text_encoder, WEIGHTS, nowhere
    ).entries
    (plain,) = prompt("a cat , a photo", sdxl.text_encoder).entries
    others = [column for column in range(77) if column != 2]
    torch.testing.assert_close(marked.tokens[0, others], plain.tokens[0, others])
    torch.testing.assert_close(marked.tokens[0, 2:3], fused(plain.tokens[0, 2:3], pictures(1)), rtol=1e-4, atol=1e-5)
    (heavy,) = encoded(f"a (cat:1.5) {TRIGGER}", photomaker, pictures(1), sdxl.text_encoder, WEIGHTS, nowhere).entries
    (weighted,) = prompt("a (cat:1.5)", sdxl.text_encoder).entries
    torch.testing.assert_close(heavy.tokens[0, 2:3], fused(weighted.tokens[0, 2:3], pictures(1)), rtol=1e-4, atol=1e-5)


def test_a_word_in_a_later_chunk_is_found(photomaker, sdxl):
    before = " ".join(["a"] * 80)
    (entry,) = encoded(f"{before} cat {TRIGGER}", photomaker, pictures(1), sdxl.text_encoder, WEIGHTS, nowhere).entries
    (plain,) = prompt(f"{before} cat", sdxl.text_encoder).entries
    changed = (entry.tokens != plain.tokens).any(2)[0].nonzero().flatten().tolist()
    assert changed == [77 + 1 + 5]  # 75 words stand before it in the first chunk, 5 in the second


@pytest.mark.parametrize("text", ["a cat", f"{TRIGGER} a cat", f"a cat {TRIGGER} and a cat {TRIGGER}", ""])
def test_a_prompt_without_one_person_is_refused(photomaker, sdxl, text):
    with pytest.raises(ValueError, match=f"the word '{TRIGGER}'.*Write it once, behind the word"):
        encoded(text, photomaker, pictures(1), sdxl.text_encoder, WEIGHTS, nowhere)


def test_text_encoders_of_another_family_are_refused(photomaker, tmp_path):
    parts = read_checkpoint(write_tiny_checkpoint(tmp_path / "sd1.safetensors"), "sd1 of a person")
    with pytest.raises(ValueError, match=f"states of width {FULL}, but the CLIP gives states of width 64"):
        encoded(f"a cat {TRIGGER}", photomaker, pictures(1), parts.text_encoder, WEIGHTS, nowhere)


def test_the_published_file_is_a_pickle_of_two_groups(tmp_path):
    """A network, of which the sizes are read, and a LoRA for the U-Net, which LoRA loaders find in it."""
    own = {name.removeprefix("id_encoder."): weight for name, weight in photomaker_tensors(L_WIDTH, G_WIDTH).items()}
    layer = "unet.down_blocks.1.attentions.0.transformer_blocks.0.attn1.processor.to_q_lora"
    lora = {f"{layer}.down.weight": torch.ones(2, 128), f"{layer}.up.weight": torch.ones(128, 2)}
    path = tmp_path / "photomaker-v1.bin"
    torch.save({"id_encoder": own, "lora_weights": lora}, path)
    with WEIGHTS.lend(read_photomaker(path, "pickled")) as sight:
        weights = sight._lease.run.state_dict()
    assert weights.keys() == own.keys()
    assert all(torch.equal(weights[name], weight) for name, weight in own.items())
    (entry,) = read_lora(path, "pickled").entries
    assert (entry.part, entry.place) == ("unet", "down_blocks_1_attentions_0_transformer_blocks_0_attn1_to_q")


def test_other_files_are_refused_in_a_sentence(tmp_path):
    second = tmp_path / "photomaker-v2.safetensors"
    save_file(photomaker_tensors(8, 8) | {"id_encoder.qformer_perceiver.token_proj.0.weight": torch.zeros(1)}, second)
    with pytest.raises(WeightFileError, match=r"'photomaker-v2\.safetensors' is PhotoMaker's second version"):
        read_photomaker(second, "v2")
    other = tmp_path / "vision.safetensors"
    save_file(VISION.state_dict(), other)
    with pytest.raises(WeightFileError, match=r"'vision\.safetensors' is no PhotoMaker: "):
        read_photomaker(other, "vision")
