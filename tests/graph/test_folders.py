import hashlib
import os

import pytest

from graph.errors import FileMissing
from graph.folders import Folders, Found


@pytest.fixture
def put(tmp_path):
    def put(name: str, text: str = "x"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    return put


def test_finds_a_model_and_digests_its_content(tmp_path, put):
    path = put("models/checkpoints/sd/a.safetensors", "weights")
    file = Folders([tmp_path / "models"]).find("checkpoints", "sd/a.safetensors")
    assert (file.name, file.path) == ("sd/a.safetensors", path)
    assert file.digest == f"sha256:{hashlib.sha256(b'weights').hexdigest()}"


@pytest.mark.parametrize(
    ("where", "kind"),
    [
        ("checkpoints", "checkpoints"),
        ("models/checkpoints", "checkpoints"),
        ("models/Stable-diffusion", "checkpoints"),
        ("models/VAE", "vae"),
        ("models/Lora", "loras"),
        ("models/ControlNet", "controlnet"),
        ("models/ESRGAN", "upscale_models"),
        ("embeddings", "embeddings"),
        ("models/clip", "text_encoders"),
        ("models/text_encoders", "text_encoders"),
        ("models/unet", "diffusion_models"),
    ],
)
def test_knows_the_layouts_of_other_programs(tmp_path, put, where, kind):
    put(f"{where}/a.pt")
    folders = Folders([tmp_path])
    assert folders.choices(kind) == ("a.pt",)
    assert folders.choices("clip_vision") == ()


def test_files_without_layout_may_be_of_any_kind_but_sub_folders_are_not_searched(tmp_path, put):
    put("loose/a.safetensors")
    put("loose/holidays/b.safetensors")
    assert Folders([tmp_path / "loose"]).choices("loras") == ("a.safetensors",)


def test_a_file_of_model_paths_says_where_each_kind_lies(tmp_path, put):
    lora = put("odd/a.safetensors")
    put("webui/models/Stable-diffusion/b.ckpt")
    paths = put("paths.yaml", "one:\n  loras: odd\ntwo:\n  base_path: webui\n  checkpoints: models/Stable-diffusion\n")
    folders = Folders([paths])
    assert folders.find("loras", "a.safetensors").path == lora
    assert folders.choices("checkpoints") == ("b.ckpt",)
    assert folders.choices("vae") == ()


def test_a_file_of_model_paths_is_read_once_so_that_all_look_in_the_same_places(put):
    put("one/a.pt")
    paths = put("paths.yaml", "a:\n  loras: one\n")
    assert Folders([paths]).choices("loras") == ("a.pt",)
    paths.write_text("a: [")
    assert Folders([paths]).choices("loras") == ("a.pt",)


def test_a_file_of_model_paths_in_a_folder_adds_to_it(tmp_path, put):
    put("ComfyUI/models/loras/a.pt", "own")
    put("shared/a.pt", "other")
    put("shared/b.pt")
    put("ComfyUI/extra_model_paths.yaml", "a:\n  loras: ../shared\n")
    folders = Folders([tmp_path / "ComfyUI"])
    assert folders.choices("loras") == ("a.pt", "b.pt")
    assert folders.find("loras", "a.pt").path.read_text() == "own"


def test_the_first_folder_wins_and_none_is_left_out(tmp_path, put):
    first = put("one/vae/a.pt", "1")
    put("two/vae/a.pt", "2")
    put("two/vae/b.pt", "2")
    folders = Folders([tmp_path / "one", tmp_path / "missing", tmp_path / "two"])
    assert folders.find("vae", "a.pt").path == first
    assert folders.choices("vae") == ("a.pt", "b.pt")


def test_a_backslash_counts_as_a_slash(tmp_path, put):
    put("loras/sub/a.pt")
    assert Folders([tmp_path]).find("loras", "sub\\a.pt").name == "sub/a.pt"


def test_a_file_elsewhere_is_found_by_a_base_name_that_is_alone(tmp_path, put):
    put("checkpoints/sd15/a.safetensors")
    put("checkpoints/x/twin.pt")
    put("checkpoints/y/twin.pt")
    folders = Folders([tmp_path])
    assert folders.locate("checkpoints", "old\\a.safetensors").name == "sd15/a.safetensors"
    with pytest.raises(FileMissing, match=r"several files for 'twin.pt' .*'x/twin.pt' and 'y/twin.pt'. Name one"):
        folders.locate("checkpoints", "twin.pt")


def test_prompts_name_embeddings_without_their_ending(tmp_path, put):
    path = put("embeddings/neg/bad.v2.pt")
    folders = Folders([tmp_path])
    assert folders.locate("embeddings", "bad.v2") == Found("neg/bad.v2.pt", path)
    with pytest.raises(FileMissing):
        folders.locate("embeddings", "bad")


def test_a_missing_file_is_told_with_the_nearest_name_and_where_it_was_looked_for(tmp_path, put):
    put("checkpoints/dreamshaper_8.safetensors")
    with pytest.raises(FileMissing) as caught:
        Folders([tmp_path]).find("checkpoints", "dreamshaper_7.safetensors")
    assert str(caught.value) == (
        "There is no file 'dreamshaper_7.safetensors' in the folder 'checkpoints'. "
        f"Did you mean 'dreamshaper_8.safetensors'? Searched: '{tmp_path / 'checkpoints'}'."
    )
    assert (caught.value.folder, caught.value.name) == ("checkpoints", "dreamshaper_7.safetensors")


@pytest.mark.parametrize("folder", ["vae", "loras", "ipadapter"])
def test_a_file_of_another_kind_is_told_where_it_lies(tmp_path, put, folder):
    put("checkpoints/mine/dreamshaper.safetensors")
    put("vae/a.pt")
    (tmp_path / "input").mkdir()
    files = Folders([tmp_path], [tmp_path / "input"])
    with pytest.raises(FileMissing) as caught:
        files.find(folder, "dreamshaper.safetensors")
    assert str(caught.value) == (
        f"There is no file 'dreamshaper.safetensors' in the folder '{folder}', but there is one in 'checkpoints': load "
        "it with a node that takes its files from there, or move it."
    )
    with pytest.raises(FileMissing, match="Searched"):
        files.find("input", "dreamshaper.safetensors")


def test_a_kind_without_a_folder_says_where_one_could_be(tmp_path, put):
    put("vae/a.pt")
    with pytest.raises(
        FileMissing, match=f"no file 'x' in the folder 'loras'. There is no such folder in '{tmp_path}'"
    ):
        Folders([tmp_path]).find("loras", "x")


@pytest.mark.parametrize("name", ["../a.pt", "/etc/passwd", "x/../../a.pt", "..\\a.pt", "", ".", "a\0"])
def test_a_name_never_leads_out(tmp_path, put, name):
    put("a.pt")
    put("vae/x/b.pt")
    with pytest.raises(FileMissing, match="is not the name of a file in the folder 'vae'"):
        Folders([tmp_path]).find("vae", name)


@pytest.mark.skipif(os.name == "nt", reason="links need rights there")
def test_links_are_followed_but_not_in_circles(tmp_path, put):
    put("elsewhere/deep/a.pt")
    (tmp_path / "models" / "vae").mkdir(parents=True)
    (tmp_path / "models" / "vae" / "linked").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "elsewhere" / "deep" / "back").symlink_to(tmp_path / "elsewhere")
    folders = Folders([tmp_path / "models"])
    assert folders.choices("vae") == ("linked/deep/a.pt",)
    assert folders.find("vae", "linked/deep/a.pt").path.read_text() == "x"


def test_new_files_are_seen(tmp_path, put):
    put("vae/a.pt")
    folders = Folders([tmp_path])
    assert folders.choices("vae") == ("a.pt",)
    put("vae/sub/b.pt")
    os.utime(tmp_path / "vae", ns=(5, 5))  # as if it had happened at another time
    assert folders.choices("vae") == ("a.pt", "sub/b.pt")


def test_a_folder_in_the_layout_of_diffusers_is_one_model(tmp_path, put):
    put("checkpoints/tiny/model_index.json", "{}")
    put("checkpoints/tiny/unet/config.json", "{}")
    put("checkpoints/b.ckpt")
    folders = Folders([tmp_path])
    assert folders.choices("checkpoints") == ("b.ckpt", "tiny")
    found = folders.find("checkpoints", "tiny")
    assert found.path == tmp_path / "checkpoints" / "tiny"
    assert found.digest.startswith("folder:")


def test_hidden_and_unfinished_files_are_not_offered(tmp_path, put):
    for name in (".hidden", "a.part", "b.crdownload", ".git/c", "put_models_here", "ok.pt"):
        put(f"vae/{name}")
    assert Folders([tmp_path]).choices("vae") == ("ok.pt",)


def test_two_halves_elsewhere_are_one_file(tmp_path, put):
    encoder, decoder = (put(f"vae_approx/taesd_{half}.safetensors", half) for half in ("encoder", "decoder"))
    put("vae_approx/alone_decoder.safetensors")
    put("vae_approx/odd_encoder.txt")
    put("vae_approx/odd_decoder.txt")
    put("vae/full.safetensors")
    folders = Folders([tmp_path])
    assert folders.choices("vae") == ("full.safetensors", "taesd")
    assert "taesd" not in folders.choices("vae_approx")
    assert folders.locate("vae", "taesd") == Found("taesd", decoder, encoder)
    digest = folders.find("vae", "taesd").digest
    encoder.write_text("another encoder")
    assert Folders([tmp_path]).find("vae", "taesd").digest != digest
    put("vae/taesd", "a file of that name")
    assert Folders([tmp_path]).locate("vae", "taesd").path == tmp_path / "vae" / "taesd"


def test_choices_are_sorted_letter_case_aside(tmp_path, put):
    for name in ("b.png", "A.png", "c.png", "a.png"):
        put(f"input/{name}")
    assert Folders(input=[tmp_path / "input"]).choices("input") == ("A.png", "a.png", "b.png", "c.png")


def test_a_picture_may_lie_in_a_folder_named_behind_it(tmp_path, put):
    put("input/a.png")
    output = put("output/a.png", "made")
    folders = Folders(input=[tmp_path / "input"], places={"output": [tmp_path / "output"]})
    assert folders.find("input", "a.png [output]").path == output
    assert folders.find("input", "a.png [input]").path == tmp_path / "input" / "a.png"


def test_other_places_are_looked_at_first(tmp_path, put):
    first = put("big/a.pt")
    put("models/vae/a.pt")
    folders = Folders([tmp_path / "models"], places={"vae": [tmp_path / "big"]})
    assert folders.find("vae", "a.pt").path == first
