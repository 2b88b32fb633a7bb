"""Models, node types, the machine, the log, and what the browser application loads."""

import asyncio
import base64
import gzip
import importlib.util
import io
import json
import struct
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import aiohttp
import pytest
from PIL import Image

from graph.errors import GraphError
from server.api import Caller
from server.comfyui import frontend
from server.guard import comfyui_scope
from tests.server.comfyui.scenes import scene

BUNDLED = ("sprout-blueprint.safetensors", "sprout-sepia.safetensors")
"""The LoRAs that come with the project."""


def weights(path: Path, **texts: str) -> None:
    """A safetensors file with one number."""
    header = {"a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}, "__metadata__": texts}
    text = json.dumps(header).encode()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(struct.pack("<Q", len(text)) + text + bytes(4))


def picture(color: Any = (1, 200, 3)) -> bytes:
    data = io.BytesIO()
    Image.new("RGB", (4, 4), color).save(data, "PNG")
    return data.getvalue()


def test_models(tmp_path: Path) -> None:
    async def play() -> None:
        async with scene(tmp_path) as it:
            models = it.core.places.own_models
            cover = base64.b64encode(picture()).decode()
            weights(models / "loras" / "style" / "tree.safetensors", ss_tag="tree", ssmd_cover_images=f'["{cover}"]')
            weights(models / "loras" / "plain.safetensors")
            weights(models / "embeddings" / "nice.safetensors")
            (models / "loras" / "plain.preview.png").write_bytes(picture())
            (models / "loras" / "note.txt").write_text("x")
            assert (await it.get("/api/models"))[0] == "checkpoints"
            assert await it.get("/models/loras") == ["plain.safetensors", *BUNDLED, "style/tree.safetensors"]
            assert await it.get("/models/checkpoints") == ["sprout.safetensors"]
            assert (await it.client.get("/models/none")).status == 404
            assert await it.get("/embeddings") == ["nice"]
            folders = {item["name"]: item["folders"] for item in await it.get("/experiment/models")}
            assert str(models / "loras") in folders["loras"]
            listed = await it.get("/experiment/models/loras")
            assert [item["name"] for item in listed] == ["plain.safetensors", *BUNDLED, "style/tree.safetensors"]
            assert listed[0].keys() == {"name", "pathIndex", "modified", "created", "size"}
            index = listed[0]["pathIndex"]
            for name in ("plain.safetensors", "style/tree.safetensors"):
                async with it.client.get(f"/experiment/models/preview/loras/{index}/{name}") as response:
                    assert response.content_type == "image/webp"
                    with Image.open(io.BytesIO(await response.read())) as shown:
                        assert shown.size == (4, 4)
            for path in (f"loras/{index}/none.safetensors", "loras/99/plain.safetensors", "loras/x/plain.safetensors"):
                assert (await it.client.get(f"/experiment/models/preview/{path}")).status == 404
            metadata = await it.get("/view_metadata/loras", filename="style/tree.safetensors")
            assert metadata["ss_tag"] == "tree"
            for name in ("plain.safetensors", "note.txt", "../x.safetensors", "", "/etc/passwd.safetensors"):
                async with it.client.get("/view_metadata/loras", params={"filename": name}) as response:
                    assert response.status == 404

    asyncio.run(play())


def test_node_types_are_described_anew_when_files_change(tmp_path: Path) -> None:
    async def play() -> None:
        async with scene(tmp_path) as it:
            info = await it.get("/object_info")
            assert info["KSampler"]["input"]["required"]["steps"][0] == "INT"
            one = await it.get("/api/object_info/CheckpointLoaderSimple")
            assert one == {"CheckpointLoaderSimple": info["CheckpointLoaderSimple"]}
            assert await it.get("/object_info/None") == {}
            weights(it.core.places.own_models / "checkpoints" / "new.safetensors")
            info = await it.get("/object_info")
            names = info["CheckpointLoaderSimple"]["input"]["required"]["ckpt_name"][0]
            assert names == ["new.safetensors", "sprout.safetensors"]
            async with (
                aiohttp.ClientSession(auto_decompress=False) as session,
                session.get(it.client.make_url("/object_info"), headers={"Accept-Encoding": "gzip"}) as response,
            ):
                assert json.loads(gzip.decompress(await response.read())) == info
            async with it.client.get("/object_info", headers={"Accept-Encoding": "identity"}) as response:
                assert "Content-Encoding" not in response.headers

    asyncio.run(play())


def test_the_machine_and_the_rest(tmp_path: Path) -> None:
    async def play() -> None:
        async with scene(tmp_path) as it:
            stats = await it.get("/system_stats")
            assert stats["system"]["ram_total"] > 0
            assert stats["system"].keys() >= {
                *("os", "ram_total", "ram_free", "comfyui_version", "required_frontend_version", "embedded_python"),
                *("installed_templates_version", "required_templates_version", "python_version", "pytorch_version"),
                "argv",
            }
            [device] = stats["devices"]
            assert device.keys() == {
                *("name", "type", "index", "vram_total", "vram_free", "torch_vram_total", "torch_vram_free")
            }
            assert await it.get("/features") == {"supports_preview_metadata": True, "max_upload_size": 104857600}
            for path in ("/i18n", "/workflow_templates"):
                assert await it.get(f"/api{path}") == {}
            assert await it.get("/api/extensions") == []
            assert isinstance(await it.get("/internal/logs"), str)
            assert (await it.get("/internal/logs/raw")).keys() == {"entries", "size"}
            assert (await it.get("/internal/folder_paths"))["output"] == [str(tmp_path / "output")]
            assert (await it.client.get("/api/internal/logs")).status == 404
            (tmp_path / "output" / "sub").mkdir(parents=True)
            (tmp_path / "output" / "a.png").write_bytes(b"")
            assert await it.get("/internal/files/output") == ["a.png"]
            async with it.client.get("/internal/files/none") as response:
                assert (response.status, await response.json()) == (400, {"error": "Invalid directory type"})
            await it.post("/free", {"unload_models": True, "free_memory": True})
            await it.post("/free", {})
            assert (await it.get("/"))["name"] == "Noisewright"
            assert (await it.client.head("/api/queue")).status == 200

    asyncio.run(play())


def test_every_route_has_a_scope_that_fits() -> None:
    limited = Caller("x", frozenset({"run"}))
    for method, path in (("GET", "/api/queue"), ("POST", "/prompt"), ("POST", "/api/upload/image"), ("GET", "/ws")):
        assert limited.may(comfyui_scope(method, path))
    for method, path in (
        ("GET", "/internal/folder_paths"), ("PATCH", "/internal/logs/subscribe"), ("POST", "/api/free"),
        ("POST", "/settings"), ("POST", "/api/userdata/x"), ("DELETE", "/userdata/x"), ("POST", "/users"),
    ):  # fmt: skip
        assert not limited.may(comfyui_scope(method, path))


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder that looks like the installed application."""
    folder = tmp_path / "site" / "comfyui_frontend_package" / "static"
    (folder / "assets").mkdir(parents=True)
    (folder / "extensions" / "core").mkdir(parents=True)
    (folder / "index.html").write_text("<html><script src=assets/app.js></script></html>")
    (folder / "assets" / "app.js").write_text("1")
    (folder / "extensions" / "core" / "x.js").write_text("1")
    (folder.parent / "__init__.py").write_text("raise RuntimeError('it must not be imported')")
    spec = SimpleNamespace(submodule_search_locations=[str(folder.parent)])
    real = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *rest: spec if name == frontend.MODULE else real(name, *rest)
    )
    frontend.package.cache_clear()
    yield folder
    frontend.package.cache_clear()


def test_the_browser_application(tmp_path: Path, installed: Path) -> None:
    async def play() -> None:
        async with scene(tmp_path / "home", frontend="comfyui") as it:
            async with it.client.get("/") as response:
                assert response.content_type == "text/html"
                assert response.headers["Cache-Control"] == "no-cache"
                assert "'unsafe-inline'" in response.headers["Content-Security-Policy"]
            async with it.client.get("/assets/app.js") as response:
                assert response.content_type == "text/javascript"
            assert await it.get("/api/extensions") == ["/extensions/core/x.js"]
            assert (await it.client.get("/extensions/core/x.js")).status == 200
            assert await it.get("/templates/index.json") == []
            for path in ("/none.js", "/docs/en/KSampler.md", "/templates/x.webp", "/.git/config", "/a%5C..%5Cb"):
                async with it.client.get(path) as response:
                    assert response.status in (400, 404)
                    assert response.content_type == "application/json"
            described = await it.get("/api/object_info")
            assert described["GLIGENLoader"]["deprecated"]
            assert "deprecated" not in described["CheckpointLoaderSimple"]
            refused = {"1": {"class_type": "GLIGENLoader", "inputs": {}}}
            async with it.client.post("/api/prompt", json={"prompt": refused}) as response:
                assert response.status == 400
            assert (await it.get("/queue")) == {"queue_running": [], "queue_pending": []}
            assert (await it.get("/v1/system"))["version"] == "0"

    asyncio.run(play())


def test_without_the_application_the_start_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(frontend, "package", lambda: None)

    async def play() -> None:
        async with scene(tmp_path, frontend="comfyui"):
            pass

    with pytest.raises(GraphError, match="pip install comfyui-frontend-package"):
        asyncio.run(play())
