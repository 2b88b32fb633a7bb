"""The node types of a home: those that ship with the program, and those of its packs."""

import logging
from collections.abc import Callable

import nodes
from graph.catalogue import Catalogue
from graph.code_version import CodeVersions
from graph.stored_packs import stored_packs
from noisewright.home import Home

log = logging.getLogger(__name__)


def catalogue_of(home: Home, *, again: bool = False, tell: Callable[[str], object] = log.info) -> Catalogue:
    """The node types that ship with the program and those of the home's packs. again: look at every pack anew.

    A pack that is not known yet, or has changed, is imported in a child process; `tell` is told so meanwhile.
    """

    def reading(pack: str) -> None:
        tell(f"Reading the pack '{pack}' …")

    code, sources = CodeVersions(home.cache / "code.json"), home.pack_sources
    packs = stored_packs(home.cache / "packs.json", sources, code, again=again, tell=reading)
    return Catalogue.of(nodes.MODULES, packs=packs, sources=sources, code=code)
