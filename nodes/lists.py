"""Lists: several values on one link. What takes one value and gets a list runs once for each of its items."""

from collections.abc import Sequence
from typing import Annotated, Any, NamedTuple, TypeVar

from annotated_types import Ge, Le

from diffusion.values import Image, Latent
from graph.node import Default, Help, Hint, node
from nodes.anything import Anything
from nodes.numbered import given, numbered, series

T = TypeVar("T")

MOST_VALUES = 10
LONGEST = 100_000
"""Items that a list made by a node may have."""

BatchSize = Annotated[int, Ge(1), Le(4096)]
Real = Annotated[float, Hint(step=0.01)]


class ListLength(NamedTuple):
    """How many items a list has."""

    length: int


@node("MakeList", category="utils/list", title="Make List")
@numbered("value", range(1, MOST_VALUES + 1), Annotated[list[Anything] | None, series("value")])
def make_list(**values: Any) -> list[Anything]:
    """Join values to a list; those that are lists already are joined end to end."""
    return [item for items in given(values) for item in items]


@node("AppendToList", category="utils/list", title="Append to List")
def append_to_list(
    item: list[T], values: Annotated[list[T] | None, Help("Nothing counts as an empty list.")] = None
) -> list[T]:
    """A list with one more item, or with all of another list: what a loop collects from round to round."""
    return [known for known in [*(values or ()), *item] if known is not None]


@node("ListLength", category="utils/list", title="List Length")
def count_items(values: list[T]) -> ListLength:
    """How many items a list has."""
    return ListLength(len(values))


@node("ListItem", category="utils/list", title="List Item")
def item_of_list(
    values: list[T],
    index: Annotated[int, Help("The first item is 0; −1 is the last one.")] = 0,
) -> T:
    """One item of a list."""
    if not -len(values) <= index < len(values):
        raise ValueError(f"The list has no item {index}: {_extent(values)}.")
    return values[index]


@node("ListSlice", category="utils/list", title="List Slice")
def slice_list(
    values: list[T],
    start: Annotated[int, Help("The first item taken; negative numbers count from the end.")] = 0,
    end: Annotated[int | None, Help("The item behind the last one taken; the end of the list if not set.")] = None,
    step: Annotated[int, Help("Every how many items; −1 backwards.")] = 1,
) -> list[T]:
    """Some items of a list, in order or backwards."""
    if step == 0:
        raise ValueError("The step is 0, so the list would never end. Set it to 1 or more, or to −1 for backwards.")
    return values[slice(start if step > 0 or start else None, end, step)]


@node("ListRepeat", category="utils/list", title="Repeat List")
def repeat_list(values: list[T], amount: Annotated[int, Ge(0), Le(LONGEST)] = 2) -> list[T]:
    """A list several times over, one after the other."""
    _within(len(values) * amount)
    return values * amount


@node("ListFlatten", category="utils/list", title="Flatten List")
def flatten_list(values: list[Anything]) -> list[Anything]:
    """Take lists inside a list apart, however deep they lie in each other."""
    flat: list[Any] = []
    pending = list(reversed(values))
    while pending:
        item = pending.pop()
        if isinstance(item, list):
            pending.extend(reversed(item))
        else:
            flat.append(item)
    return flat


@node("IntRange", category="utils/list", title="Int Range")
def whole_range(
    start: Annotated[int, Default(0)],
    stop: Annotated[int, Default(10), Help("The number behind the last one.")],
    step: int = 1,
) -> list[int]:
    """Whole numbers from `start` up to, but without, `stop`; downwards with a negative step."""
    if step == 0:
        raise ValueError("The step is 0, so the range would never end. Set it to 1 or more, or below 0 for downwards.")
    numbers = range(start, stop, step)
    _within(len(numbers))
    return list(numbers)


@node("FloatRange", category="utils/list", title="Float Range")
def real_range(
    start: Annotated[Real, Default(0.0)],
    stop: Annotated[Real, Default(1.0)],
    count: Annotated[int, Ge(1), Le(LONGEST)] = 5,
) -> list[float]:
    """So many numbers from `start` to `stop`, evenly spaced, with both ends; only `start` for a count of 1."""
    if count == 1:
        return [start]
    return [start + (stop - start) * index / (count - 1) for index in range(count - 1)] + [stop]


@node("ImageBatchToImageList", category="image/batch", title="Image Batch to Image List")
def batch_to_list(image: Image) -> list[Image]:
    """The pictures of a batch one by one."""
    from diffusion.batches import single_images

    return single_images([image])


@node("ImageListToImageBatch", category="image/batch", title="Image List to Image Batch")
def list_to_batch(images: list[Image]) -> Image:
    """All pictures of a list as one batch; they are cut and resized to the size of the first."""
    from diffusion.pictures import joined

    return joined(images)


@node("RebatchImages", category="image/batch", title="Rebatch Images")
def rebatch_images(images: list[Image], batch_size: BatchSize = 1) -> list[Image]:
    """Put pictures into batches of a size, in order. Pictures of another size begin a new batch."""
    from diffusion.batches import regrouped_images

    return regrouped_images(images, batch_size)


@node("RebatchLatents", category="latent/batch", title="Rebatch Latents")
def rebatch_latents(latents: list[Latent], batch_size: BatchSize = 1) -> list[Latent]:
    """Put latents into batches of a size, in order, each keeping its noise mask and its place in the noise.

    Latents of another shape or kind begin a new batch.
    """
    from diffusion.batches import regrouped_latents

    return regrouped_latents(latents, batch_size)


def _within(count: int) -> None:
    if count > LONGEST:
        raise ValueError(f"The list would have {count:,} items; {LONGEST:,} is the most.")


def _extent(values: Sequence[Any]) -> str:
    return f"its {len(values)} items are 0 to {len(values) - 1}" if values else "it is empty"
