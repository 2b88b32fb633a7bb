"""Texts in picture files. Pillow, which writes them, is the truth; chunks that it cannot write are made by hand."""

import json
import struct
import zlib
from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, PngImagePlugin

from graph.comfyui.pictures import LIMIT, PNG, documents_in, is_picture

GRAPH = {"3": {"class_type": "CLIPTextEncode", "inputs": {"text": "äpfel, 赤い林檎 🍎"}}}
JSON = json.dumps(GRAPH)
READABLE = json.dumps(GRAPH, ensure_ascii=False)
INFOTEXT = "a café, ночь\nNegative prompt: blur\nSteps: 20, Sampler: Euler a, CFG scale: 7, Seed: 1, Size: 512x512"
PICTURE = Image.new("RGB", (8, 8), "red")


def written(format: str, **options: object) -> bytes:
    file = BytesIO()
    PICTURE.save(file, format=format, **options)
    return file.getvalue()


def png(**options: object) -> bytes:
    info = PngImagePlugin.PngInfo()
    for key, text in options.items():
        info.add_text(key, str(text))
    return written("PNG", pnginfo=info)


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I4s", len(data), kind) + data + struct.pack(">I", zlib.crc32(kind + data))


def with_chunk(kind: bytes, data: bytes) -> bytes:
    """A PNG file with one more chunk before its end."""
    return written("PNG")[:-12] + chunk(kind, data) + chunk(b"IEND", b"")


def exif(**tags: object) -> bytes:
    block = Image.Exif()
    for tag, value in tags.items():
        block[int(tag[1:], 16)] = value
    return block.tobytes()


def user_comment(value: bytes) -> bytes:
    block = Image.Exif()
    block.get_ifd(0x8769)[0x9286] = value
    return block.tobytes()


# PNG


def test_png_text_chunks_in_latin_1_and_utf_8():
    data = png(prompt=JSON, workflow='{"nodes": []}', parameters=INFOTEXT)  # Pillow: the last as iTXt
    assert documents_in(data) == {"prompt": JSON, "workflow": '{"nodes": []}', "parameters": INFOTEXT}
    assert documents_in(png(comment="café")) == {"comment": "café"}


@pytest.mark.parametrize("compressed", [False, True])
def test_png_itxt_and_ztxt(compressed: bool):
    info = PngImagePlugin.PngInfo()
    info.add_itxt("workflow", READABLE, "de", "Ablauf", zip=compressed)
    info.add_text("prompt", JSON, zip=compressed)
    assert documents_in(written("PNG", pnginfo=info)) == {"workflow": READABLE, "prompt": JSON}


def test_text_that_is_utf_8_against_the_rules():
    assert documents_in(with_chunk(b"tEXt", b"parameters\0" + INFOTEXT.encode())) == {"parameters": INFOTEXT}


def test_comf_chunks_of_animated_png():
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("blue", "green")]
    data = written("PNG", save_all=True, append_images=frames)
    data = data[:-12] + chunk(b"comf", b"prompt\0" + JSON.encode("latin-1")) + data[-12:]
    assert documents_in(data) == {"prompt": JSON}


def test_exif_in_png():
    data = written("PNG", exif=user_comment(b"UNICODE\0" + INFOTEXT.encode("utf-16-be")))
    assert documents_in(data) == {"parameters": INFOTEXT}


# WebP and JPEG


def test_webp_as_comfyui_writes_it():
    tags = {"t0110": f"prompt:{JSON}", "t010F": 'workflow:{"nodes": []}', "t010E": "extra:[1]"}
    assert documents_in(written("WEBP", exif=exif(**tags))) == {
        "prompt": JSON, "workflow": '{"nodes": []}', "extra": "[1]"
    }  # fmt: skip


def test_animated_webp_and_unescaped_text():
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("blue", "green")]
    block = exif(t0110=f"Prompt: {READABLE}".encode())
    data = written("WEBP", save_all=True, append_images=frames, exif=block)
    assert documents_in(data) == {"prompt": READABLE}


@pytest.mark.parametrize("format", ["WEBP", "JPEG"])
@pytest.mark.parametrize(
    "comment",
    [
        b"UNICODE\0" + INFOTEXT.encode("utf-16-be"),
        b"UNICODE\0" + INFOTEXT.encode("utf-16-le"),
        b"UNICODE\0" + INFOTEXT.encode("utf-16"),
        b"ASCII\0\0\0" + INFOTEXT.encode(),
        bytes(8) + INFOTEXT.encode(),
        INFOTEXT.encode(),
    ],
)
def test_infotext_in_a_user_comment(format: str, comment: bytes):
    assert documents_in(written(format, exif=user_comment(comment))) == {"parameters": INFOTEXT}


def test_jpeg_with_keys_and_with_json_in_the_comment():
    assert documents_in(written("JPEG", exif=exif(t010F=f"workflow:{JSON}"))) == {"workflow": JSON}
    assert documents_in(written("JPEG", exif=user_comment(b"ASCII\0\0\0" + JSON.encode()))) == {"prompt": JSON}


def test_a_camera_says_nothing_that_matters():
    assert documents_in(written("JPEG", exif=exif(t010F="Nikon", t0110="D70: a camera"))) == {}


# What is damaged


def test_other_files_say_nothing():
    for data in (b"", b"{}", b"GIF89a", written("BMP"), PNG, b"\xff\xd8\xff", b"RIFF\0\0\0\0WEBP"):
        assert documents_in(data) == {}
    assert all(is_picture(data) for data in (PNG, b"\xff\xd8\xff\xe0", b"RIFF\0\0\0\0WEBP"))
    assert not any(is_picture(data) for data in (b"RIFF\0\0\0\0WAVE", b"{", b""))


def test_a_wrong_checksum_does_no_harm():
    data = bytearray(png(prompt=JSON))
    data[data.index(JSON.encode()) + len(JSON)] ^= 255
    assert documents_in(bytes(data)) == {"prompt": JSON}


def test_damaged_compression_gives_what_came_before():
    packed = zlib.compress(JSON.encode() * 1000, 0)
    text = documents_in(with_chunk(b"zTXt", b"prompt\0\0" + packed[:20000] + b"\xff" * 99))["prompt"]
    assert text.startswith(JSON * 100)


def test_a_bomb_is_not_inflated():
    packed = zlib.compress(b" " * (LIMIT + 1000))
    data = written("PNG")[:-12] + chunk(b"tEXt", b"workflow\0{}") + chunk(b"zTXt", b"prompt\0\0" + packed) * 50
    assert documents_in(data) == {"workflow": "{}"}


@given(st.data())
def test_cut_and_changed_files_never_raise(data: st.DataObject):
    tags = exif(t0110=f"prompt:{JSON}", t010F="workflow:{}")
    files = [png(prompt=JSON, parameters=INFOTEXT), written("WEBP", exif=tags), written("JPEG", exif=tags)]
    file = bytearray(data.draw(st.sampled_from(files)))
    for place, value in data.draw(st.lists(st.tuples(st.integers(3, len(file) - 1), st.integers(0, 255)))):
        file[place] = value
    found = documents_in(bytes(file[: data.draw(st.integers(0, len(file)))]))
    assert all(isinstance(text, str) for pair in found.items() for text in pair)


@given(st.sampled_from([PNG, b"\xff\xd8\xff\xe1\0\xffExif\0\0", b"RIFF\0\0\0\0WEBPEXIF\0\1\0\0"]), st.binary())
def test_any_bytes_never_raise(start: bytes, rest: bytes):
    documents_in(start + rest)
    documents_in(start + b"II*\0\x08\0\0\0" + rest)
