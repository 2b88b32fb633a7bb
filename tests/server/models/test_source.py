"""Sources as people write them, and what is refused before anything is asked."""

from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.models.error import ModelError
from server.models.reach import is_public
from server.models.source import read_source
from server.models.tokens import Tokens


@pytest.mark.parametrize(
    ("text", "url", "shown"),
    [
        (
            "https://a.org/x/tree.safetensors?key=1#f",
            "https://a.org/x/tree.safetensors?key=1",
            "https://a.org/x/tree.safetensors",
        ),
        ("http://127.0.0.1:90/t.pt", "http://127.0.0.1:90/t.pt", "http://127.0.0.1:90/t.pt"),
        (
            "hf:o/r/a/b c.safetensors".replace(" ", "%20"),
            "https://huggingface.co/o/r/resolve/main/a/b%2520c.safetensors",
            "hf:o/r/a/b%20c.safetensors@main",
        ),
        (
            "hf:o/r/t.safetensors@refs/pr/1",
            "https://huggingface.co/o/r/resolve/refs%2Fpr%2F1/t.safetensors",
            "hf:o/r/t.safetensors@refs/pr/1",
        ),
        (
            "https://huggingface.co/o/r/blob/main/d/t.safetensors",
            "https://huggingface.co/o/r/resolve/main/d/t.safetensors",
            "hf:o/r/d/t.safetensors@main",
        ),
        (
            "https://huggingface.co/o/r/resolve/v1/t.safetensors?download=true",
            "https://huggingface.co/o/r/resolve/v1/t.safetensors",
            "hf:o/r/t.safetensors@v1",
        ),
        ("civitai:128713", "https://civitai.com/api/download/models/128713", "civitai:128713"),
        ("https://civitai.com/models/1?modelVersionId=77", "https://civitai.com/api/download/models/77", "civitai:77"),
    ],
)
def test_sources_are_understood(text: str, url: str, shown: str):
    source = read_source(text, {})
    assert str(source.url) == url
    assert source.text == shown
    assert read_source(shown, {}).text == shown


def test_another_hub_can_be_named():
    environment = {"HF_ENDPOINT": "https://mirror.example/hub/"}
    source = read_source("hf:o/r/t.safetensors", environment)
    assert str(source.url) == "https://mirror.example/hub/o/r/resolve/main/t.safetensors"
    assert str(source.about) == "https://mirror.example/hub/api/models/o/r/revision/main"
    pasted = read_source("https://huggingface.co/o/r/blob/main/t.safetensors", environment)
    assert pasted.host == "huggingface.co"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "tree.safetensors",
        "ftp://a.org/t.pt",
        "http://a.org/t.pt",
        "http://127.0.0.1.evil.org/t.pt",
        "https://",
        "https://u:p@a.org/t",
        "https://a.org:99999/t.pt",
        "hf:o/r",
        "hf:o",
        "hf:",
        "hf:../../x/y",
        "hf:o/../x.pt",
        "hf:o/r/../../x.pt",
        "hf:o/r/a//b.pt",
        "hf:o r/x/y.pt",
        "hf:o/r/x.pt@../main",
        "civitai:abc",
        "civitai:",
        "https://civitai.com/models/5",
        "https://huggingface.co/o/r",
        "file:///etc/passwd",
        "https://a.org/\r\nX: y",
        "https://a.org/" + "a" * 5000,
        "http://[::1",
        "https://]",
        "https://a b.org/x.pt",
    ],
)
def test_what_is_no_source_is_refused(text: str):
    with pytest.raises(ModelError) as caught:
        read_source(text, {})
    assert caught.value.code == "bad_source"


def test_a_secret_in_a_wrong_source_is_not_repeated():
    for text in ("http://a.org/t.pt?token=SECRET", "nothing://a.org/t?token=SECRET", "https://me:SECRET@a.org/t.pt"):
        with pytest.raises(ModelError) as caught:
            read_source(text, {})
        assert "SECRET" not in str(caught.value)


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("93.184.216.34", True),
        ("2606:4700::1111", True),
        ("127.0.0.1", False),
        ("10.1.2.3", False),
        ("192.168.0.1", False),
        ("172.16.9.9", False),
        ("169.254.169.254", False),
        ("100.64.0.1", False),
        ("0.0.0.0", False),
        ("224.0.0.1", False),
        ("255.255.255.255", False),
        ("::1", False),
        ("::", False),
        ("fe80::1%eth0", False),
        ("fd00::1", False),
        ("ff02::1", False),
        ("::ffff:127.0.0.1", False),
        ("::ffff:10.0.0.1", False),
        ("::ffff:93.184.216.34", True),
        ("64:ff9b::a00:1", False),
        ("2002:7f00:1::", False),
    ],
)
def test_addresses_of_the_open_internet(address: str, public: bool):
    assert is_public(address) is public


def test_tokens_are_found_and_not_shown(tmp_path):
    hub, address = read_source("hf:o/r/t.pt", {}), read_source("https://a.org/t.pt", {})
    (tmp_path / "token").write_text(" hf_file\n")
    tokens = Tokens({"HF_TOKEN": " hf_a\n", "HUGGING_FACE_HUB_TOKEN": "hf_b", "HF_HOME": str(tmp_path)})
    assert tokens.token_for(hub) == "hf_a"
    assert Tokens({"HUGGING_FACE_HUB_TOKEN": "hf_b"}).token_for(hub) == "hf_b"
    assert Tokens({"HF_HOME": str(tmp_path)}).token_for(hub) == "hf_file"
    assert Tokens({"HF_TOKEN_PATH": str(tmp_path / "token")}).token_for(hub) == "hf_file"
    assert Tokens({"HF_HOME": str(tmp_path / "none")}).token_for(hub) == ""
    assert tokens.token_for(address) == ""
    assert Tokens({"CIVITAI_TOKEN": "c"}).token_for(read_source("civitai:1", {})) == "c"
    assert "hf_a" not in repr(tokens)


@given(
    st.sampled_from(
        ["", "hf:", "hf:o/r/", "https://", "http://127.0.0.1", "civitai:", "https://huggingface.co/o/r/blob/"]
    ),
    st.text(max_size=40) | st.text("ab/\\.:@%?#[]&=~ ", max_size=40),
)
def test_whatever_is_written_is_a_source_or_refused(start: str, text: str):
    try:
        source = read_source(start + text, {})
    except ModelError:
        return
    assert source.url.scheme == "https" or ip_address(source.url.host or "").is_loopback
    again = read_source(source.text, {})
    assert again.text == source.text
    if source.kind == "hub":
        assert again.url == source.url
        assert str(source.url).startswith("https://huggingface.co/")
        assert not {".", ".."} & set(source.url.raw_path.split("/"))
