"""What a folder of ComfyUI, A1111 or Forge holds, and what of it can be used here now.

Nothing is copied, nothing there is changed, and none of its code is run: models are known by their headers, packs by
their text.
"""

from collections.abc import Callable
from itertools import chain
from pathlib import Path

from graph.catalogue import Catalogue
from graph.folders import EMBEDDINGS, Folders
from noisewright.adopting.installation import find_installation
from noisewright.adopting.models import take_stock
from noisewright.adopting.packs import find_packs
from noisewright.adopting.report import Report
from noisewright.adopting.workflows import Judge, find_workflows, judge_all
from noisewright.home import Home

__all__ = ["Report", "adopt"]

Progress = Callable[[str, int, int], object]
"""Is told what is being looked at, how many are done, and of how many."""


def adopt(
    path: Path,
    home: Home,
    catalogue: Catalogue,
    *,
    pictures: int = 200,
    progress: Progress = lambda stage, done, total: None,
) -> Report:
    """Look at an installation, a folder of models, or an `extra_model_paths.yaml`.

    home, catalogue: what workflows are checked against, besides the models that are found. pictures: how many of the
    newest ones are searched for workflows. Raises GraphError where the path is nothing of that kind.
    """
    installation = find_installation(path)
    problems = list(installation.problems)
    sources = (item.source for name in catalogue.types() if (spec := catalogue.spec(name)) for item in spec.inputs)
    loaded = frozenset([EMBEDDINGS, *(source for source in sources if source is not None)])  # those prompts name
    inventory = take_stock(installation.roots, loaded, problems, lambda done, total: progress("models", done, total))
    packs = find_packs(
        installation.packs, home.custom_nodes, catalogue, problems, lambda done, total: progress("packs", done, total)
    )
    files = Folders(
        models=(*installation.roots, home.models, home.bundled / "models"),
        input=(home.input, home.templates / "input"),
    )
    judge = Judge(catalogue, files, inventory, packs, installation, home.input)
    saved, made = find_workflows(installation, pictures, problems)
    total = len(saved) + len(made)
    judged = judge_all(judge, chain(saved, made), lambda done: progress("workflows", done, total))
    return Report(installation, inventory.files, tuple(judged), packs, len(made), tuple(dict.fromkeys(problems)))
