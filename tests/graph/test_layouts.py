import pytest

from graph.errors import GraphError
from graph.folders import Folders
from graph.layouts import check_roots, folders_below, read_extra_paths, saved_below


def test_a_kind_lies_where_people_s_programs_put_it(tmp_path):
    places = {path.relative_to(tmp_path).as_posix() for path in folders_below(tmp_path, "checkpoints")}
    assert places >= {"checkpoints", "models/checkpoints", "Stable-diffusion", "models/Stable-diffusion"}
    assert folders_below(tmp_path, "own_kind") == [tmp_path / "own_kind", tmp_path / "models" / "own_kind"]


def test_extra_model_paths(tmp_path):
    path = tmp_path / "extra_model_paths.yaml"
    path.write_text(
        "a111:\n  base_path: webui\n  checkpoints: models/Stable-diffusion\n"
        "  loras: |\n    models/Lora\n    models/LyCORIS\n"
        f"mine:\n  is_default: true\n  checkpoints: {tmp_path}/big\n  clip: enc\nempty:\n"
    )
    assert read_extra_paths(path) == {
        "checkpoints": (tmp_path / "big", tmp_path / "webui/models/Stable-diffusion"),
        "text_encoders": (tmp_path / "enc",),
        "loras": (tmp_path / "webui/models/Lora", tmp_path / "webui/models/LyCORIS"),
    }


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: [", "cannot be read as model paths"),
        ("- a", "is not a file of model paths"),
        ("a: b", "is not a file of model paths"),
        ("a: {checkpoints: 3}", "the paths of 'checkpoints' must be text"),
    ],
)
def test_a_file_that_says_something_else_is_one_sentence(tmp_path, text, message):
    path = tmp_path / "extra.yaml"
    path.write_text(text)
    with pytest.raises(GraphError, match=message) as caught:
        read_extra_paths(path)
    assert "\n" not in str(caught.value)


def test_a_comment_behind_a_path_is_none_of_it(tmp_path):
    path = tmp_path / "extra.yaml"
    path.write_text("a:\n  loras: |\n    old/Lora  # as it was\n    # new\n    c#/loras\n")
    assert read_extra_paths(path) == {"loras": (tmp_path / "old/Lora", tmp_path / "c#/loras")}


def test_folders_and_files_of_model_paths_are_roots_of_models(tmp_path):
    (tmp_path / "one.YAML").write_text("a:\n  loras: b\n")
    check_roots([tmp_path, tmp_path / "one.YAML"])
    for name in ("none", "none.yaml"):
        with pytest.raises(GraphError, match=f"^models: There is no folder '.*{name}' of models"):
            check_roots([tmp_path, tmp_path / name], "models")
    (tmp_path / "extra_model_paths.yaml").write_text("a: [")
    with pytest.raises(GraphError, match="cannot be read as model paths"):
        check_roots([tmp_path])


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(GraphError, match="No such file"):
        read_extra_paths(tmp_path / "none.yaml")


def test_models_that_were_saved_are_offered(tmp_path):
    """Nodes save below the output folder; what they have saved is found there, and nothing else of it is."""
    for name in ("checkpoints/mine.safetensors", "clip/mine_clip_l.safetensors", "picture.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    folders = Folders(places=saved_below(tmp_path))
    offered = {kind: folders.choices(kind) for kind in ("checkpoints", "text_encoders", "loras")}
    assert offered == {"checkpoints": ("mine.safetensors",), "text_encoders": ("mine_clip_l.safetensors",), "loras": ()}
