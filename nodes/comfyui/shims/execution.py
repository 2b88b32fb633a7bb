"""`execution`: nothing of it is for nodes. What packs look for in it is lacking, and says so once it is used."""

from typing import NoReturn

from nodes.comfyui.absent import lacking_attribute


def __getattr__(name: str) -> NoReturn:
    lacking_attribute("execution", name)
