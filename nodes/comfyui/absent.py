"""Names that packs import and we lack. Importing one is noted; using one is an error that says which it is."""

import importlib
from typing import Any, NoReturn


class Lacking(ImportError):
    """A pack needs something that is not here."""

    def __init__(self, name: str) -> None:
        super().__init__(f"It needs '{name}', which Noisewright does not have.", name=name)


class LackingAttribute(AttributeError):
    """The same, where a module or object is asked for a name: `hasattr` says no."""

    def __init__(self, name: str) -> None:
        super().__init__(f"It needs '{name}', which Noisewright does not have.")


class Absent:
    """Stands for a module, class or function that is not here.

    Many packs import names at the top that only few of their nodes need. So a name may be imported, named in
    annotations, and inherited from; whoever calls it, makes one, or looks at its value gets `Lacking`.
    """

    __slots__ = ("_name",)

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, name: str) -> "Absent":
        if name.startswith("__"):
            raise AttributeError(name)
        return Absent(f"{self._name}.{name}")

    def __repr__(self) -> str:
        return f"Absent({self._name!r})"

    def __mro_entries__(self, bases: tuple[object, ...]) -> tuple[type, ...]:
        return (type(self._name.rpartition(".")[2], (Lacked,), {"lacking": self._name}),)

    def __instancecheck__(self, instance: object) -> bool:
        return False

    def __subclasscheck__(self, subclass: type) -> bool:
        return False

    def __or__(self, other: object) -> "Absent":
        return self

    def __ror__(self, other: object) -> "Absent":
        return self

    def _use(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise Lacking(self._name)

    __call__ = __bool__ = __iter__ = __len__ = __getitem__ = __contains__ = __enter__ = __int__ = __float__ = _use
    __add__ = __radd__ = __sub__ = __mul__ = __truediv__ = __lt__ = __le__ = __gt__ = __ge__ = __setitem__ = _use


class Lacked:
    """What a class inherits from in place of a class that is not here. lacking: its name."""

    lacking = ""

    def __new__(cls, *args: Any, **kwargs: Any) -> NoReturn:
        """Never made."""
        raise Lacking(cls.lacking)


def submodule(package: str, name: str, known_as: str) -> Any:
    """For the `__getattr__` of a package of ours: its module of that name, or `Absent`. known_as: by packs."""
    if name.startswith("__"):
        raise AttributeError(name)
    try:
        return importlib.import_module(f"{package}.{name}")
    except ModuleNotFoundError as error:
        if error.name != f"{package}.{name}":
            raise
        return Absent(f"{known_as}.{name}")


def lacking_attribute(module: str, name: str) -> NoReturn:
    """For the `__getattr__` of a module of ours: it does not have that name."""
    if name.startswith("__"):
        raise AttributeError(name)
    raise LackingAttribute(f"{module}.{name}")
