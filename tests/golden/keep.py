"""Keep the files of a release: its templates, what they mean as flat graphs, and a picture. See README.md."""

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
ROOT = HERE.parent.parent


def flat_json(path: Path) -> dict[str, Any]:
    """The flat graph of a workflow file as JSON values."""
    import nodes
    from graph.catalogue import Catalogue
    from graph.flat import flatten
    from graph.workflow import load

    catalogue = Catalogue.of(nodes.MODULES)
    return {
        name: {
            "type": node.type,
            "settings": dict(node.settings),
            "links": {key: list(end) for key, end in node.links.items()},
        }
        for name, node in flatten(load(path, catalogue), catalogue).items()
    }


def main() -> None:
    """Write the folder of this version. Nothing is written if it is there."""
    from noisewright import __version__

    folder = HERE / __version__
    (folder / "flat").mkdir(parents=True)
    for template in sorted((ROOT / "workflows").glob("*.json")):
        (folder / template.name).write_bytes(template.read_bytes())
        text = json.dumps(flat_json(template), indent=1) + "\n"
        (folder / "flat" / template.name).write_text(text, encoding="utf-8")
    with tempfile.TemporaryDirectory() as home:
        file = ROOT / "workflows" / "text-to-image.json"
        words = ["run", str(file), "--precision", "fp32", "--device", "cpu", "--data", home, "--output", home]
        done = subprocess.run([sys.executable, ROOT / "main.py", *words], check=True, stdout=subprocess.PIPE, text=True)
        (folder / "text-to-image.png").write_bytes(Path(done.stdout.strip()).read_bytes())


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    main()
