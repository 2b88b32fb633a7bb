"""What the routes of ComfyUI's interface share."""

import asyncio

from server.comfyui.clients import Clients
from server.comfyui.descriptions import Descriptions
from server.comfyui.frontend import EXPECTED
from server.core import Core


class Face:
    """ComfyUI's interface of one server.

    files: finds models and input files by name. keeping: held while settings or files of people are changed.
    """

    def __init__(self, core: Core) -> None:
        self.core = core
        self.files = core.places.folders()
        self.clients = Clients(core)
        self.descriptions = Descriptions(core.catalogue, self.files, EXPECTED if core.settings.frontend else ())
        self.keeping = asyncio.Lock()
