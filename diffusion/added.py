"""What packs add to the library by name: samplers, schedulers, families, classes of values. Loads no torch.

Names are the process's own, as modules are: importing a pack is what adds them.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator, Mapping
from dataclasses import dataclass, is_dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeVar

from diffusion import names

if TYPE_CHECKING:
    from diffusion.families.family import Family

T = TypeVar("T")


class Additions(Generic[T]):
    """Things of one kind by name. taken: names that are built in."""

    def __init__(self, kind: str, taken: Container[str] = ()) -> None:
        self._kind = kind
        self._taken = taken
        self._things: dict[str, tuple[T, str]] = {}

    def add(self, name: str, thing: T, module: str) -> None:
        """Add a thing that `module` brings; it may bring it again. Raises ValueError where the name is taken."""
        other = self._things.get(name, (thing, module))[1]
        if name in self._taken:
            raise ValueError(f"There is a {self._kind} '{name}' already, which is built in. Choose another name.")
        if other != module:
            raise ValueError(f"There is a {self._kind} '{name}' already, from '{other}'. Choose another name.")
        self._things[name] = (thing, module)

    def get(self, name: str) -> T | None:
        """The thing of that name, or None."""
        found = self._things.get(name)
        return None if found is None else found[0]

    def __len__(self) -> int:
        return len(self._things)

    def __iter__(self) -> Iterator[str]:
        return iter(tuple(self._things))

    def by_name(self) -> dict[str, T]:
        """All of them, in the order in which they were added."""
        return {name: thing for name, (thing, _) in list(self._things.items())}

    def of(self, module: str) -> dict[str, str]:
        """What a module and those below it brought: name → module."""
        inside = f"{module}."
        return {
            name: origin
            for name, (_, origin) in list(self._things.items())
            if origin == module or origin.startswith(inside)
        }


@dataclass(frozen=True)
class AddedSampler:
    """A sampler. run, noise, options: as of `diffusion.samplers.contract.Sampler`."""

    run: Callable[..., Iterator[Any]]
    noise: Literal["gaussian", "brownian"] | None
    options: Mapping[str, Any]


@dataclass(frozen=True)
class AddedValue:
    """A class of values. name: of its codec, in stores. encode, decode: write and read a value; None: field by field.

    preview: draws a value: gives an object with `mime` and `data`; or None.
    """

    kind: type
    name: str
    encode: Callable[[Any], bytes] | None = None
    decode: Callable[[bytes | bytearray], Any] | None = None
    preview: Callable[[Any], Any] | None = None


SAMPLERS: Additions[AddedSampler] = Additions("sampler", names.SAMPLERS)
SCHEDULERS: Additions[Callable[..., Any]] = Additions("scheduler", names.SCHEDULERS)
FAMILIES: Additions[Family] = Additions("family", names.FAMILIES)
VALUES: Additions[AddedValue] = Additions("class of values")

KINDS: Mapping[str, Additions[Any]] = MappingProxyType(
    {"samplers": SAMPLERS, "schedulers": SCHEDULERS, "families": FAMILIES, "values": VALUES}
)

F = TypeVar("F", bound=Callable[..., Any])


def sampler(name: str, *, noise: Literal["gaussian", "brownian"] | None = None, **options: Any) -> Callable[[F], F]:
    """Declare a sampler: a function by the contract of `diffusion.samplers.contract`, or its one step, `stepwise`.

    noise: what it may draw: "gaussian" for each step anew, "brownian" from one path, None for nothing. options: what it
    is called with besides. Raises ValueError where the name is taken.
    """

    def declare(run: F) -> F:
        SAMPLERS.add(name, AddedSampler(run, noise, MappingProxyType(options)), run.__module__)
        return run

    return declare


def scheduler(name: str) -> Callable[[F], F]:
    """Declare a scheduler: a function (prediction, steps) -> sigmas, float32 [n + 1], falling, the last 0.

    Raises ValueError where the name is taken.
    """

    def declare(function: F) -> F:
        SCHEDULERS.add(name, function, function.__module__)
        return function

    return declare


def family(name: str) -> Callable[[F], F]:
    """Declare a family of models: a function that makes its `diffusion.families.Family`, called at once.

    Raises ValueError where the name is taken.
    """

    def declare(make: F) -> F:
        FAMILIES.add(name, replace(make(), name=name), make.__module__)
        return make

    return declare


def register_value(
    kind: type,
    *,
    encode: Callable[[Any], bytes] | None = None,
    decode: Callable[[bytes | bytearray], Any] | None = None,
    version: int = 1,
    preview: Callable[[Any], Any] | None = None,
) -> None:
    """Declare how values of a class are written, so that results outlast the process, and how they are drawn.

    kind: a class with a `wire` name. A frozen dataclass of tensors, values and plain data is written field by field;
    for any other: encode: a value → bytes, the same for equal values in every process; decode: the same value again,
    to the bit. version: raise it when fields or bytes change. preview: a value → a picture with `mime` and `data`.
    Raises TypeError for a class without a wire name, and for one that is neither such a dataclass nor given both
    functions.
    """
    if not isinstance(getattr(kind, "wire", None), str):
        raise TypeError(f'The class {kind.__qualname__} has no wire name. Write: wire: ClassVar[str] = "CURVE".')
    if (encode is None) is not (decode is None) or (encode is None and not is_dataclass(kind)):
        raise TypeError(f"The class {kind.__qualname__} is no dataclass: give encode=… and decode=….")
    name = f"{kind.__module__}.{kind.__qualname__}/{version}"
    VALUES.add(name, AddedValue(kind, name, encode, decode, preview), kind.__module__)


def preview_of(value: object) -> Any:
    """The picture that a pack draws of a value: an object with `mime` and `data`; None where it draws none."""
    for found in VALUES.by_name().values():
        if type(value) is found.kind and found.preview is not None:
            return found.preview(value)
    return None


def brought_by(module: str) -> dict[str, dict[str, str]]:
    """What importing a module added: kind → name → the module that declares it."""
    return {kind: found for kind, additions in KINDS.items() if (found := additions.of(module))}
