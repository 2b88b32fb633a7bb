"""`comfy.cli_args`: the options of a command line that is not ours. Those asked for most have their usual values."""

from types import SimpleNamespace


class _Arguments(SimpleNamespace):
    """Options by name; any other is not set."""

    def __getattr__(self, name: str) -> None:
        if name.startswith("__"):
            raise AttributeError(name)


args = _Arguments(
    listen="127.0.0.1",
    port=8188,
    cpu=False,
    disable_metadata=False,
    preview_method="auto",
    highvram=False,
    lowvram=False,
    novram=False,
    fast=set(),
    verbose="INFO",
)
