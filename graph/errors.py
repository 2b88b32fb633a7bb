"""The errors of the engine.

GraphError
├── DeclarationError      a node type's signature does not say enough; raised at import
├── WorkflowError         a document cannot be read at all: not JSON, another format, a newer version
├── InvalidWorkflow       a document was read, but has problems; carries all of them
├── FileMissing           a file that an input names is in none of the folders searched
└── NodeFailed            a node's function raised; carries node and type, the cause in `__cause__`
"""


class GraphError(Exception):
    """Base of everything the engine raises on purpose. Its text is a sentence for people."""


class DeclarationError(GraphError):
    """A node type's signature does not say enough."""
