from typing import Any

import pytest
import torch

from diffusion.values import Image, Latent
from nodes import lists


def test_lists_are_made_joined_and_counted():
    assert lists.make_list(value1=["a"], value2=None, value3=["b", "c"]) == ["a", "b", "c"]
    assert lists.make_list() == []
    assert lists.append_to_list([3], [1, 2]) == [1, 2, 3]
    assert lists.append_to_list([1]) == [1]
    assert lists.append_to_list([1], [None]) == [1]
    assert lists.count_items([1, 2, 3]) == (3,)
    assert lists.repeat_list(["a", "b"], 2) == ["a", "b", "a", "b"]
    assert lists.flatten_list([1, [2, [3, []]], [[4]]]) == [1, 2, 3, 4]


@pytest.mark.parametrize("index", [0, 2, -1, -3])
def test_an_item(index):
    assert lists.item_of_list(["a", "b", "c"], index) == ["a", "b", "c"][index]


@pytest.mark.parametrize(
    ("values", "index", "message"),
    [
        (["a", "b"], 2, "The list has no item 2: its 2 items are 0 to 1."),
        (["a", "b"], -3, "The list has no item -3: its 2 items are 0 to 1."),
        ([], 0, "The list has no item 0: it is empty."),
    ],
)
def test_an_item_that_is_not_there(values, index, message):
    with pytest.raises(ValueError, match=message):
        lists.item_of_list(values, index)


@pytest.mark.parametrize(
    ("start", "end", "step", "wanted"),
    [
        (0, None, 1, "abcde"),
        (1, 3, 1, "bc"),
        (-2, None, 1, "de"),
        (0, -1, 2, "ac"),
        (0, None, -1, "edcba"),
        (3, 0, -1, "dcb"),
    ],
)
def test_a_slice(start, end, step, wanted):
    assert lists.slice_list(list("abcde"), start, end, step) == list(wanted)


@pytest.mark.parametrize(("start", "stop", "step"), [(0, 10, 1), (3, 10, 3), (5, 0, -2), (0, 0, 1), (5, 1, 1)])
def test_whole_ranges_are_those_of_python(start, stop, step):
    assert lists.whole_range(start, stop, step) == list(range(start, stop, step))


@pytest.mark.parametrize(("start", "stop", "count"), [(0.0, 1.0, 5), (1.0, -1.0, 4), (0.1, 0.3, 3), (2.0, 9.0, 1)])
def test_real_ranges_are_those_of_torch_with_both_ends(start, stop, count):
    found = lists.real_range(start, stop, count)
    assert found == pytest.approx(torch.linspace(start, stop, count, dtype=torch.float64).tolist())
    assert (found[0], found[-1]) == (start, stop if count > 1 else start)


@pytest.mark.parametrize(
    ("work", "message"),
    [
        (lambda: lists.whole_range(0, 10, 0), "The step is 0"),
        (lambda: lists.slice_list([1], 0, None, 0), "The step is 0"),
        (lambda: lists.whole_range(0, 10**12), "The list would have 1,000,000,000,000 items; 100,000 is the most."),
        (lambda: lists.repeat_list([1, 2], 60_000), "The list would have 120,000 items"),
        (lambda: lists.list_to_batch([]), "There is no picture to make a batch of. Connect at least one."),
    ],
)
def test_what_cannot_be_a_list(work: Any, message: str):
    with pytest.raises(ValueError, match=message):
        work()


def test_pictures_between_batches_and_lists():
    batch = Image(torch.rand(3, 4, 5, 3, generator=torch.Generator().manual_seed(0)))
    singles = lists.batch_to_list(batch)
    assert [tuple(image.pixels.shape) for image in singles] == [(1, 4, 5, 3)] * 3
    assert torch.equal(lists.list_to_batch(singles).pixels, batch.pixels)
    assert [len(image.pixels) for image in lists.rebatch_images([batch, batch], 4)] == [4, 2]
    assert [len(latent.samples) for latent in lists.rebatch_latents([Latent(torch.zeros(3, 4, 2, 2))], 2)] == [2, 1]
