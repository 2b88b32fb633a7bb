"""Constants: a number, a text or a switch of its own, to be set in one place and used in several."""

from typing import Annotated, NamedTuple

from annotated_types import Ge, Le

from graph.node import Help, Hint, node

LARGEST = 2**63 - 1

Whole = Annotated[int, Ge(-LARGEST), Le(LARGEST), Hint(control_after_generate=True)]
Real = Annotated[float, Ge(-LARGEST), Le(LARGEST)]
Line = Annotated[str, Hint(multiline=False)]
Text = Annotated[str, Hint(multiline=True)]


class SeedNumber(NamedTuple):
    """A seed."""

    seed: int


class RandomSeed(NamedTuple):
    """A seed, under the name other files know it by."""

    SEED: int


class WholeConstant(NamedTuple):
    """A whole number."""

    value: int


class RealConstant(NamedTuple):
    """A number."""

    value: float


class TruthConstant(NamedTuple):
    """True or false."""

    value: bool


@node("PrimitiveInt", category="utils/primitive", title="Int")
def whole_number(value: Whole = 0) -> int:
    """A whole number."""
    return value


@node("PrimitiveFloat", category="utils/primitive", title="Float")
def real_number(value: Real = 0.0) -> float:
    """A number, with a fraction or without."""
    return value


@node("PrimitiveString", category="utils/primitive", title="String")
def short_text(value: Line = "") -> str:
    """A text of one line."""
    return value


@node("PrimitiveStringMultiline", category="utils/primitive", title="String (Multiline)")
def long_text(value: Text = "") -> str:
    """A text of several lines."""
    return value


@node("PrimitiveBoolean", category="utils/primitive", title="Boolean")
def truth(value: bool = False) -> bool:
    """True or false."""
    return value


@node("easy seed", category="utils/primitive", title="Seed")
def seed_number(
    seed: Annotated[int, Ge(0), Le(2**64 - 1), Hint(control_after_generate=True)] = 0,
) -> SeedNumber:
    """A seed for several samplers. Whether it changes after a run is set where the workflow is queued."""
    return SeedNumber(seed)


@node("Seed (rgthree)", category="utils/primitive", title="Seed (rgthree)")
def random_seed(
    seed: Annotated[
        int, Ge(-3), Le(2**64 - 1), Help("Some editors draw one where −1, −2 or −3 stands; here it must be set.")
    ] = 0,
) -> RandomSeed:
    """A seed for several samplers, as files made with rgthree's nodes name it."""
    if seed < 0:
        raise ValueError(
            f"The seed {seed} stands for a number that an editor draws before the run. Set a seed of 0 or more."
        )
    return RandomSeed(seed)


@node("INTConstant", category="utils/primitive", title="INT Constant")
def whole_constant(value: Annotated[int, Ge(-(2**64 - 1)), Le(2**64 - 1)] = 0) -> WholeConstant:
    """A whole number."""
    return WholeConstant(value)


@node("FloatConstant", category="utils/primitive", title="Float Constant")
def real_constant(value: Annotated[float, Hint(step=0.00001)] = 0.0) -> RealConstant:
    """A number, with a fraction or without."""
    return RealConstant(value)


@node("BOOLConstant", category="utils/primitive", title="BOOL Constant")
def truth_constant(value: bool = True) -> TruthConstant:
    """True or false."""
    return TruthConstant(value)


@node("StringConstant", category="utils/primitive", title="String Constant")
def text_constant(string: Line = "") -> str:
    """A text of one line."""
    return string
