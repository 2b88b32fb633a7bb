"""The engine: node types, workflow documents, check → plan → run. Pure Python; knows nothing of pictures."""

from graph.cache import MemoryCache
from graph.catalogue import Catalogue
from graph.check import check
from graph.errors import GraphError, InvalidWorkflow, WorkflowError
from graph.events import Event
from graph.files import File, InFolder, SavedFiles
from graph.folders import Folders
from graph.node import Default, Help, Hint, OneOf, node
from graph.output_folder import OutputFolder
from graph.plan import Plan, plan
from graph.problem import Problem
from graph.progress import Preview, Progress, Steps
from graph.record import Record, Recording
from graph.run import run
from graph.spec import NodeSpec
from graph.workflow import Workflow, dump, load, set_inputs

__all__ = [
    "Catalogue", "Default", "Event", "File", "Folders", "GraphError", "Help", "Hint", "InFolder", "InvalidWorkflow",
    "MemoryCache", "NodeSpec", "OneOf", "OutputFolder", "Plan", "Preview", "Problem", "Progress", "Record", "Recording",
    "SavedFiles", "Steps", "Workflow", "WorkflowError", "check", "dump", "load", "node", "plan", "run", "set_inputs",
]  # fmt: skip
