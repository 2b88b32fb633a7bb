"""How long a ComfyUI editor file takes to become one of ours, from its text, and how that grows with its size.

    python -m benchmarks.convert [--repeat 5]

The file is a chain of samplers: per ten nodes a checkpoint, two prompts, a latent, a sampler, reroutes, a primitive,
decoding and saving; every tenth is bypassed and every group of ten has a frame. The peer is reading the same text as
JSON, without understanding it. To reach: 0.5 s for 500 nodes.
"""

import argparse
import json
import statistics
import time
from typing import Any

import nodes
from graph.catalogue import Catalogue
from graph.workflow import load_with_problems

SIZES = (10, 100, 500, 1_000, 10_000, 100_000)
PER_BLOCK = 10


def block(number: int) -> tuple[list[dict[str, Any]], list[list[Any]]]:
    """Ten nodes of the editor, and their links."""
    first, link = number * PER_BLOCK + 1, number * 12 + 1
    nodes_: list[dict[str, Any]] = []
    links: list[list[Any]] = []
    inputs: dict[int, list[dict[str, Any]]] = {}

    def join(origin: int, slot: int, target: int, name: str, kind: str, *, widget: bool = False) -> None:
        identity = link + len(links)
        slots = inputs.setdefault(target, [])
        links.append([identity, first + origin, slot, first + target, len(slots), kind])
        slots.append({"name": name, "type": kind, "link": identity, **({"widget": {"name": name}} if widget else {})})

    join(0, 0, 1, "", "*")
    join(0, 1, 2, "clip", "CLIP")
    join(0, 1, 3, "clip", "CLIP")
    join(1, 0, 6, "model", "MODEL")
    join(2, 0, 6, "positive", "CONDITIONING")
    join(3, 0, 6, "negative", "CONDITIONING")
    join(4, 0, 6, "latent_image", "LATENT")
    join(5, 0, 6, "seed", "INT", widget=True)
    join(6, 0, 7, "samples", "LATENT")
    join(0, 2, 7, "vae", "VAE")
    join(7, 0, 8, "image", "IMAGE")
    join(8, 0, 9, "images", "IMAGE")
    rows: list[tuple[str, list[str], list[Any]]] = [
        ("CheckpointLoaderSimple", ["MODEL", "CLIP", "VAE"], ["sprout.safetensors"]),
        ("Reroute", ["MODEL"], []),
        ("CLIPTextEncode", ["CONDITIONING"], ["red apple"]),
        ("CLIPTextEncode", ["CONDITIONING"], [""]),
        ("EmptyLatentImage", ["LATENT"], [64, 64, 1]),
        ("PrimitiveNode", ["INT"], [number, "fixed"]),
        ("KSampler", ["LATENT"], [7, "randomize", 20, 4.0, "dpmpp_2m", "karras", 1.0]),
        ("VAEDecode", ["IMAGE"], []),
        ("ImageInvert", ["IMAGE"], []),
        ("SaveImage", [], ["picture"]),
    ]
    for index, (kind, outputs, widgets) in enumerate(rows):
        nodes_.append(
            {
                "id": first + index,
                "type": kind,
                "pos": [index * 340.0, number * 400.0],
                "size": [315.0, 262.0],
                "flags": {},
                "order": first + index,
                "mode": 4 if kind == "ImageInvert" else 0,
                "inputs": inputs.get(index, []),
                "outputs": [{"name": name, "type": name, "links": []} for name in outputs],
                "properties": {"cnr_id": "comfy-core", "ver": "0.3.64", "Node name for S&R": kind},
                "widgets_values": widgets,
            }
        )
    return nodes_, links


def editor_file(size: int) -> str:
    """The text of an editor file of `size` nodes."""
    blocks = [block(number) for number in range(size // PER_BLOCK)]
    return json.dumps(
        {
            "last_node_id": size,
            "last_link_id": len(blocks) * 12,
            "nodes": [node for nodes_, _ in blocks for node in nodes_],
            "links": [link for _, links in blocks for link in links],
            "groups": [
                {"title": f"Block {number}", "bounding": [-20, number * 400 - 80, 3700, 390], "color": "#3f789e"}
                for number in range(len(blocks))
            ],
            "config": {},
            "extra": {"ds": {"scale": 1, "offset": [0, 0]}},
            "version": 0.4,
        }
    )


def main() -> None:
    """Measure every size and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeat", type=int, default=5)
    repeat = parser.parse_args().repeat
    catalogue = Catalogue.of(nodes.MODULES)
    print(f"{'nodes':>8} {'MB':>7} {'seconds':>9} {'µs a node':>10} {'JSON alone':>11}")
    for size in SIZES:
        text = editor_file(size)
        times, plain = [], []
        for _ in range(repeat if size < 100_000 else 1):
            began = time.perf_counter()
            loaded = load_with_problems(text, catalogue)
            times.append(time.perf_counter() - began)
            began = time.perf_counter()
            json.loads(text)
            plain.append(time.perf_counter() - began)
            assert len(loaded.workflow.nodes) == size * 8 // 10
        seconds = statistics.median(times)
        peer = statistics.median(plain)
        print(f"{size:>8} {len(text) / 1e6:>7.2f} {seconds:>9.4f} {seconds / size * 1e6:>10.1f} {peer:>11.4f}")


if __name__ == "__main__":
    main()
