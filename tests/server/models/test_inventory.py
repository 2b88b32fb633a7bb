"""What is there: listed once, found by what people call it, verified, removed only where it is the person's own."""

from dataclasses import replace
from pathlib import Path

import pytest

from diffusion.names import FAMILIES, MODEL_FOLDERS
from server.models.card import Card, place_of, read_card, write_card
from server.models.error import ModelError
from server.models.header import Header, read_header
from server.models.inventory import Inventory
from server.models.kind import kind_of
from server.models.source import read_source
from server.models.starting_points import RUN_NOW, point_of, starting_points, suggestions
from tests.server.models.elsewhere import LORA, places_in, safetensors, sha256

ROOT = Path(__file__).parents[3]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Two models of one's own, one of them with a card, and one that lies elsewhere."""
    put(tmp_path / "models/vae/fine/oak.safetensors", safetensors(1000, 1), card=True)
    put(
        tmp_path / "models/loras/Ink-Drawing.safetensors",
        safetensors(1000, 2, LORA, ss_base_model_version="sdxl_base_v1-0"),
    )
    put(tmp_path / "more/vae/elm.safetensors", safetensors(1000, 3))
    put(tmp_path / "models/loras/read-me.txt", b"text")
    return tmp_path


def put(path: Path, data: bytes, *, card: bool = False) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    if card:
        write_card(path, Card(sha256=sha256(data), size=len(data), licence="mit", source="hf:o/r/oak.safetensors@main"))
    return path


def inventory(home: Path) -> Inventory:
    return Inventory(places_in(home, home / "more"))


def test_models_are_listed_with_what_is_known(home: Path):
    listed = {f"{info.folder}/{info.name}": info for info in inventory(home).list()}
    assert sorted(listed) == ["loras/Ink-Drawing.safetensors", "vae/elm.safetensors", "vae/fine/oak.safetensors"]
    oak = listed["vae/fine/oak.safetensors"]
    assert (oak.own, oak.licence, oak.sha256) == (True, "mit", sha256(safetensors(1000, 1)))
    assert not listed["vae/elm.safetensors"].own
    assert listed["loras/Ink-Drawing.safetensors"].family == "sdxl"
    assert [info.name for info in inventory(home).list("loras")] == ["Ink-Drawing.safetensors"]
    with pytest.raises(ModelError, match="Did you mean 'loras'"):
        inventory(home).list("lora")


def test_a_folder_without_sub_folders_holds_each_file_once(tmp_path: Path):
    put(tmp_path / "plain/ink.safetensors", safetensors(1000, 2, LORA))
    put(tmp_path / "plain/some.ckpt", b"\x80\x02")
    listed = Inventory(places_in(tmp_path, tmp_path / "plain")).list()
    assert [(info.folder, info.name) for info in listed] == [("checkpoints", "some.ckpt"), ("loras", "ink.safetensors")]


@pytest.mark.parametrize(
    ("text", "how", "name"),
    [
        ("fine/oak.safetensors", "name", "fine/oak.safetensors"),
        ("vae/fine/oak.safetensors", "name", "fine/oak.safetensors"),
        ("fine\\oak.safetensors", "name", "fine/oak.safetensors"),
        ("OAK", "name", "fine/oak.safetensors"),
        ("oak.safetensors", "name", "fine/oak.safetensors"),
        (sha256(safetensors(1000, 1))[:10], "digest", "fine/oak.safetensors"),
        ("sha256:" + sha256(safetensors(1000, 1)).upper(), "digest", "fine/oak.safetensors"),
        ("drawing", "text", "Ink-Drawing.safetensors"),
    ],
)
def test_models_are_found(home: Path, text: str, how: str, name: str):
    finding = inventory(home).find(text)
    assert (finding.how, [info.name for info in finding.models]) == (how, [name])


def test_what_is_not_there_has_a_suggestion(home: Path):
    finding = inventory(home).find("ink-drowing")
    assert (finding.how, finding.suggestion) == ("nothing", "Ink-Drawing.safetensors")
    assert inventory(home).find("zzzzzz").suggestion == ""
    with pytest.raises(ModelError, match="Did you mean"):
        inventory(home).one("ink-drowing")
    put(home / "models/vae/oak.safetensors", safetensors(1000, 9))
    put(home / "models/loras/oak.safetensors", safetensors(1000, 9))
    with pytest.raises(ModelError, match="several"):
        inventory(home).one("oak")


def test_damage_is_found(home: Path):
    def states() -> dict[str, str]:
        held = inventory(home)
        return {verdict.name: verdict.state for verdict in held.verify(held.shelved())}

    assert states() == {
        "fine/oak.safetensors": "ok",
        "elm.safetensors": "unknown",
        "Ink-Drawing.safetensors": "unknown",
    }
    for name in ("fine/oak", "../../more/vae/elm"):
        path = home / f"models/vae/{name}.safetensors"
        data = bytearray(path.read_bytes())
        data[-1] ^= 1
        path.write_bytes(data)
    assert states()["fine/oak.safetensors"] == "damaged"
    assert states()["elm.safetensors"] == "unknown", "nobody knows what it was"
    put(home / "models/loras/Ink-Drawing.safetensors", safetensors(1000, 2, LORA)[:-1])
    assert states()["Ink-Drawing.safetensors"] == "damaged"


def test_only_one_s_own_models_are_removed(home: Path):
    held = inventory(home)
    oak = held.one("oak")
    held.remove(oak)
    assert not oak.path.exists()
    assert not place_of(oak.path).exists()
    with pytest.raises(ModelError, match="your own models folder"):
        held.remove(held.one("elm"))
    assert (home / "more/vae/elm.safetensors").exists()


def test_a_link_is_removed_and_not_what_it_leads_to(home: Path):
    link = home / "models/vae/linked.safetensors"
    link.symlink_to(home / "more/vae/elm.safetensors")
    inventory(home).remove(inventory(home).one("linked"))
    assert not link.is_symlink()
    assert (home / "more/vae/elm.safetensors").exists()


def test_a_card_that_cannot_be_read_is_passed_over(home: Path):
    path = home / "models/vae/fine/oak.safetensors"
    for text in ("", "{", "[]", '{"sha256": "x"}', '{"unknown": 1}'):
        place_of(path).write_text(text)
        assert read_card(path) is None
        assert inventory(home).find("oak").models[0].licence == ""


def shaped(*names: str, width: int = 8, **metadata: str) -> Header:
    return Header(dict.fromkeys(names, (4, width)), metadata, 0)


@pytest.mark.parametrize(
    ("header", "folder", "family"),
    [
        (
            shaped(
                "model.diffusion_model.input_blocks.1.1.transformer_blocks.0.attn2.to_k.weight",
                "first_stage_model.decoder.conv_in.weight",
                width=768,
            ),
            "checkpoints",
            "sd1",
        ),
        (
            shaped(
                "model.diffusion_model.input_blocks.4.1.transformer_blocks.0.attn2.to_k.weight",
                "first_stage_model.decoder.conv_in.weight",
                width=2048,
            ),
            "checkpoints",
            "sdxl",
        ),
        (
            shaped(
                "model.diffusion_model.x", "first_stage_model.y", "cond_stage_model.model.transformer.resblocks.0.z"
            ),
            "checkpoints",
            "sd2",
        ),
        (shaped("model.diffusion_model.joint_blocks.0.x_block.y", "first_stage_model.y"), "checkpoints", "sd3"),
        (shaped("double_blocks.0.img_attn.qkv.weight"), "diffusion_models", "flux"),
        (shaped("lora_unet_a.lora_down.weight"), "loras", ""),
        (shaped("unet.down.0.lora_A.weight"), "loras", ""),
        (shaped("lora_unet_a.hada_w1_a", ss_base_model_version="sd_v1"), "loras", "sd1"),
        (shaped("control_model.input_blocks.0.0.weight"), "controlnet", ""),
        (shaped("encoder.conv_in.weight", "decoder.conv_in.weight"), "vae", ""),
        (shaped("text_model.encoder.layers.0.mlp.fc1.weight"), "text_encoders", ""),
        (shaped("encoder.block.0.layer.0.SelfAttention.q.weight"), "text_encoders", ""),
        (shaped("vision_model.encoder.layers.0.mlp.fc1.weight"), "clip_vision", ""),
        (shaped("id_encoder.vision_model.embeddings.class_embedding"), "photomaker", ""),
        (shaped("image_proj.layers.0.0.to_q.weight", "ip_adapter.1.to_k_ip.weight"), "ipadapter", ""),
        (shaped("style_embedding", "transformer_layes.0.attn.in_proj_weight"), "style_models", ""),
        (shaped("conv_first.weight", "body.0.rdb1.conv1.weight"), "upscale_models", ""),
        (shaped("body.0.weight", "body.1.weight", "body.2.weight"), "upscale_models", ""),
        (shaped("body.0.in_conv.weight", "body.0.body.0.block1.weight"), "controlnet", ""),
        (shaped("emb_params"), "embeddings", ""),
        (shaped("something.else"), "", ""),
    ],
)
def test_kinds_are_seen_from_names_and_shapes(header: Header, folder: str, family: str):
    kind = kind_of(header)
    assert (kind.folder, kind.family) == (folder, family)


def test_the_bundled_model_is_what_it_is():
    kind = kind_of(read_header(ROOT / "models/checkpoints/sprout.safetensors"))
    assert (kind.folder, kind.family) == ("checkpoints", "sd1")


def test_a_checkpoint_tells_how_large_its_pictures_are():
    header = read_header(ROOT / "models/checkpoints/sprout.safetensors")
    assert kind_of(header).side == 64  # as its own configuration says
    assert kind_of(replace(header, metadata={})).side == 512  # as its family's
    assert kind_of(replace(header, metadata={"noisewright.config": "[1"})).side == 512


def test_starting_points_are_sources_and_folders_there_are():
    points = starting_points()
    assert 6 <= len(points) <= 10
    for point in points:
        assert read_source(point.source, {}).text == point.source
        assert point.folder in MODEL_FOLDERS
        assert point_of(point.source) == point
    assert set(RUN_NOW) == set(FAMILIES)
    assert {point.family for point in suggestions() if point.runs} == {"sd1", "sd2", "sdxl"}
    assert all(point.memory_gb <= 4 for point in suggestions(4))
    assert [point.memory_gb for point in points] == sorted(point.memory_gb for point in points)
