"""Controls laid over latents: which network is asked what, and what is added, with networks in closed form."""

from dataclasses import dataclass, field, replace

import pytest
import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d

from diffusion import asking
from diffusion.asking import ask
from diffusion.changes import Residuals
from diffusion.conditioning import read_by_controls
from diffusion.context import Context
from diffusion.controlling import control_picture, controlled, sharing_controls
from diffusion.equipment import Equipment
from diffusion.guidance import Cfg, Guided, guided, lay_sides
from diffusion.values import Area, Conditioning, ConditioningEntry, Control, ControlNet, Image, WeightFile
from tests.diffusion.fake_network import FakeNetwork, prompt

NETS = [ControlNet("controlnet", WeightFile(f"/models/{name}.safetensors", name)) for name in ("one", "two")]
SHAPE = (2, 4, 16, 24)
PICTURE = torch.rand(1, 3, 128, 192, generator=torch.Generator().manual_seed(0))
X = torch.randn(SHAPE, generator=torch.Generator().manual_seed(1))
SIGMA = torch.tensor(2.0)


def small(picture: Tensor) -> Tensor:
    """The mean of each 8 × 8 pixels, all colours together."""
    return avg_pool2d(picture.mean(1, keepdim=True), 8)


@dataclass(eq=False)
class Mean:
    """Adds the mean of the pictures, and of what it is asked about: `small(picture) + mean of x`."""

    looks: list[Tensor] = field(default_factory=list)
    asked: list[tuple[Tensor, Tensor, Context]] = field(default_factory=list)

    def size(self, height: int, width: int) -> tuple[int, int]:
        return 8 * height, 8 * width

    def look(self, picture: Tensor) -> tuple[Tensor, ...]:
        self.looks.append(picture)
        return (small(picture),)

    def __call__(self, x: Tensor, timestep: Tensor, context: Context, made: tuple[Tensor, ...]) -> Residuals:
        self.asked.append((x, timestep, context))
        return Residuals(skips={0: made[0] + x.mean(1, keepdim=True)}, middle=made[0])


class Steered(FakeNetwork):
    """Answers with what the first skip is given, 0 if nothing, so that answers show it. x − sigma · that."""

    def __call__(self, x: Tensor, timestep: Tensor, context: Context) -> Tensor:
        super().__call__(x, timestep, context)
        given = context.steered(x, timestep).residuals
        return torch.zeros_like(x) if given is None else given.skips[0].expand_as(x)


def network(*steerers: Mean) -> Steered:
    return Steered(equipment=Equipment(dict(zip(NETS, steerers, strict=False))))


def laid(net: FakeNetwork, *sides: Conditioning, shape=SHAPE) -> Guided:
    return lay_sides(net, sides, Cfg(3.0), shape)


def added(net: FakeNetwork, regions, x: Tensor = X) -> list[Tensor]:
    """What the network was told to add, by region: x − denoised = sigma · added."""
    answers = ask(net, x, SIGMA, regions)
    return [((region.box.of(x) - answer) / SIGMA) for region, answer in zip(regions, answers, strict=True)]


def scaled(x: Tensor) -> Tensor:
    return x / (float(SIGMA) ** 2 + 1) ** 0.5


def test_the_network_is_asked_what_the_denoiser_is_asked():
    steerer = Mean()
    net = network(steerer)
    side = controlled(prompt(0.5), Control(NETS[0], PICTURE, 0.5))
    (found,) = added(net, laid(net, side).sides[0])
    torch.testing.assert_close(found[:, :1], 0.5 * (small(PICTURE) + scaled(X).mean(1, keepdim=True)))
    (x, timestep, context), (call,) = steerer.asked[0], net.calls
    assert torch.equal(x, call.x)
    assert torch.equal(timestep, call.timestep)
    assert torch.equal(context.tokens, call.tokens)


def test_controls_add_up_each_with_its_strength():
    first, second = Mean(), Mean()
    net = network(first, second)
    side = controlled(controlled(prompt(0.5), Control(NETS[0], PICTURE, 0.5)), Control(NETS[1], 1 - PICTURE, 2.0))
    (found,) = added(net, laid(net, side).sides[0])
    mean = scaled(X).mean(1, keepdim=True)
    torch.testing.assert_close(found[:, :1], 0.5 * (small(PICTURE) + mean) + 2.0 * (small(1 - PICTURE) + mean))


def test_a_control_is_not_computed_outside_its_range():
    steerer = Mean()
    net = network(steerer)
    percents = [net.prediction.percent_to_sigma(percent) for percent in (0.3, 0.6)]
    (region,) = laid(net, controlled(prompt(0.5), Control(NETS[0], PICTURE, 1.0, 0.3, 0.6))).sides[0]
    for sigma, steers in ((percents[0] * 1.01, 0), (percents[0], 1), (percents[1], 1), (percents[1] * 0.99, 0)):
        steerer.asked.clear()
        ask(net, X, torch.tensor(sigma, dtype=torch.float64), [region])
        assert len(steerer.asked) == steers


def test_an_area_is_steered_by_its_part_of_the_picture():
    steerer = Mean()
    net = network(steerer)
    area = Area(height=64, width=96, y=32, x=64)
    (region,) = laid(net, controlled(prompt(0.5, area=area), Control(NETS[0], PICTURE))).sides[0]
    (found,) = added(net, [region])
    part = small(PICTURE)[..., 4:12, 8:20] + scaled(X)[..., 4:12, 8:20].mean(1, keepdim=True)
    torch.testing.assert_close(found[:, :1], part)


def test_the_bounds_of_a_mask_are_steered_by_their_part_of_the_picture():
    net = network(Mean())
    mask = torch.zeros(1, 16, 24)
    mask[:, 2:12, 6:18] = 1
    side = controlled(prompt(0.5, mask=mask, mask_bounds=True), Control(NETS[0], PICTURE))
    (region,) = laid(net, side).sides[0]
    (found,) = added(net, [region])
    part = small(PICTURE)[..., 2:12, 6:18] + scaled(X)[..., 2:12, 6:18].mean(1, keepdim=True)
    torch.testing.assert_close(found[:, :1], part)


@pytest.mark.parametrize(
    ("size", "cut"),
    [((128, 256), (slice(0, 128), slice(32, 224))), ((256, 192), (slice(64, 192), slice(0, 192)))],
)
def test_a_picture_of_other_proportions_is_cut_to_its_middle(size, cut):
    picture = torch.rand(1, 3, *size, generator=torch.Generator().manual_seed(2))
    steerer = Mean()
    added(net := network(steerer), laid(net, controlled(prompt(0.5), Control(NETS[0], picture))).sides[0])
    assert torch.equal(steerer.looks[0], picture[:, :, *cut])


def test_a_picture_of_another_size_has_its_nearest_pixels_taken():
    steerer = Mean()
    half = torch.rand(1, 3, 64, 96, generator=torch.Generator().manual_seed(2))
    added(net := network(steerer), laid(net, controlled(prompt(0.5), Control(NETS[0], half))).sides[0])
    assert torch.equal(steerer.looks[0], half.repeat_interleave(2, 2).repeat_interleave(2, 3))


def test_pictures_go_round_a_batch():
    net = network(Mean())
    two = torch.cat([PICTURE, 1 - PICTURE])
    x = X.repeat(2, 1, 1, 1)[:3]
    (found,) = added(net, laid(net, controlled(prompt(0.5), Control(NETS[0], two)), shape=(3, *SHAPE[1:])).sides[0], x)
    torch.testing.assert_close(
        found[:, :1] - scaled(x).mean(1, keepdim=True), small(torch.cat([two, PICTURE])), rtol=1e-4, atol=1e-5
    )


def test_pictures_are_looked_at_once_a_run():
    steerer = Mean()
    net = network(steerer)
    control = Control(NETS[0], PICTURE)
    denoise = guided(net, controlled(prompt(0.5), control), controlled(prompt(-0.5), control), 3.0, SHAPE)
    for sigma in (8.0, 4.0, 2.0):
        denoise(X, torch.tensor(sigma))
    assert len(steerer.looks) == 2  # of each prompt
    assert [len(x) for x, _, _ in steerer.asked] == [4, 4, 4]
    assert net.rows == [4, 4, 4]


def test_prompts_share_a_call_only_if_they_are_steered_alike():
    first, second = Mean(), Mean()
    net = network(first, second)
    sides = [
        controlled(prompt(0.1), Control(NETS[0], PICTURE)),
        controlled(prompt(0.2), Control(NETS[0], 1 - PICTURE)),  # another picture, but the same network
        controlled(prompt(0.3), Control(NETS[0], PICTURE, 0.5)),
        controlled(prompt(0.4), Control(NETS[1], PICTURE)),
        prompt(0.5),
    ]
    regions = [region for side in sides for region in laid(net, side).sides[0]]
    found = added(net, regions)
    assert net.rows == [4, 2, 2, 2]
    mean = scaled(X).mean(1, keepdim=True)
    wanted = [small(PICTURE) + mean, small(1 - PICTURE) + mean, (small(PICTURE) + mean) / 2, small(PICTURE) + mean]
    for one, other in zip(found, [*wanted, torch.zeros(2, 1, 16, 24)], strict=True):
        torch.testing.assert_close(one[:, :1], other, rtol=1e-4, atol=1e-5)
    assert (len(first.asked), len(second.asked)) == (2, 1)


def test_a_call_that_is_too_large_is_split_with_its_pictures(monkeypatch):
    side = controlled(prompt(0.5), Control(NETS[0], torch.cat([PICTURE, 1 - PICTURE])))
    net = network(Mean())
    whole = added(net, laid(net, side).sides[0])
    monkeypatch.setattr(asking, "LARGEST_CALL", 16 * 24)
    split = network(steerer := Mean())
    found = added(split, laid(split, side).sides[0])
    assert [len(x) for x, _, _ in steerer.asked] == split.rows == [1, 1]
    torch.testing.assert_close(found, whole)


def test_a_shared_control_steers_prompts_that_have_none():
    shared = Control(NETS[0], PICTURE, is_shared=True)
    positive, own = controlled(prompt(0.5), shared), controlled(prompt(-0.5), Control(NETS[1], PICTURE))
    assert sharing_controls([positive, prompt(-0.5)])[1].entries[0].controls == (shared,)
    assert sharing_controls([positive, own])[1].entries[0].controls == own.entries[0].controls
    alone = controlled(prompt(0.5), replace(shared, is_shared=False))
    assert sharing_controls([alone, prompt(-0.5)])[1].entries[0].controls == ()


def test_where_a_part_is_steered_its_opposite_is_steered_alike():
    net = network(Mean(), Mean())
    left, right = (Area(height=1, width=0.5, y=0, x=x, relative=True) for x in (0, 0.5))
    whole = Conditioning(
        (
            *controlled(prompt(0.1, area=left), Control(NETS[0], PICTURE, is_shared=True)).entries,
            *controlled(prompt(0.2, area=right), Control(NETS[1], PICTURE, is_shared=True)).entries,
        )
    )
    _, opposites = laid(net, whole, prompt(-0.5)).sides
    by_left = {region.box.left: [control.net for control in region.controls] for region in opposites[1:]}
    assert by_left == {0: [NETS[0]], 12: [NETS[1]]}


def test_a_network_that_is_not_lent_is_named():
    with pytest.raises(LookupError, match=r"'one.safetensors' is not lent for this run"):
        laid(FakeNetwork(), controlled(prompt(0.5), Control(NETS[0], PICTURE)))


def test_controls_may_read_a_text_of_their_own():
    """The network reads 0.8 and −0.4, the control 0.5 and −0.4, tokens repeated to one length."""
    net = network(one := Mean())
    texts = {"pooled": torch.zeros(1, 5)}
    own = prompt(0.5, tokens=4, pooled=torch.ones(1, 5))
    positive = read_by_controls(controlled(prompt(0.8, **texts), Control(NETS[0], PICTURE)), own)
    negative = controlled(prompt(-0.4, **texts), Control(NETS[0], PICTURE))
    guided(net, positive, negative, 3.0, SHAPE)(X, SIGMA)
    ((_, _, read),) = one.asked
    assert [sorted({float(value) for value in row.unique()}) for row in read.tokens] == [
        [pytest.approx(mood)] for mood in (0.5, 0.5, -0.4, -0.4)
    ]
    assert read.tokens.shape == (4, 4, 3)
    assert read.pooled is not None
    assert read.pooled.mean(1).tolist() == [1, 1, 0, 0]
    (call,) = net.calls
    assert call.tokens.mean((1, 2)).tolist() == pytest.approx([0.8, 0.8, -0.4, -0.4])
    assert call.tokens.shape == (4, 2, 3)
    assert call.pooled is not None
    assert not call.pooled.any()


def test_parts_of_a_call_keep_the_texts_of_their_controls(monkeypatch):
    monkeypatch.setattr(asking, "LARGEST_CALL", 16 * 24)
    net = network(one := Mean())
    positive = read_by_controls(controlled(prompt(0.8), Control(NETS[0], PICTURE)), prompt(0.5))
    negative = read_by_controls(controlled(prompt(-0.4), Control(NETS[0], PICTURE)), prompt(0.25))
    guided(net, positive, negative, 3.0, SHAPE)(X, SIGMA)
    assert [float(read.tokens.mean()) for _, _, read in one.asked] == pytest.approx([0.5, 0.5, 0.25, 0.25])


def test_a_text_of_another_model_is_refused():
    wide = Conditioning((ConditioningEntry(torch.zeros(1, 2, 9)),))
    positive = read_by_controls(controlled(prompt(0.8), Control(NETS[0], PICTURE)), wide)
    with pytest.raises(
        ValueError, match=r"\(CLIPTextEncodeControlnet\) was encoded for another model: its tokens are 9"
    ):
        laid(network(Mean()), positive)


def test_pictures_have_colours_whatever_they_came_with():
    grey = torch.rand(1, 4, 4, 1)
    assert torch.equal(control_picture(Image(grey)), grey.movedim(-1, 1).expand(-1, 3, -1, -1))
    assert torch.equal(control_picture(Image(torch.cat([grey, grey / 2], -1)))[:, 2], grey[..., 0])
    colours = torch.rand(1, 4, 4, 4)
    assert torch.equal(control_picture(Image(colours)), colours[..., :3].movedim(-1, 1))
    deep = control_picture(Image(grey * 100 - 50, range=(-50, 50)))
    torch.testing.assert_close(deep[:, :1], grey.movedim(-1, 1))
    with pytest.raises(ValueError, match="has 1 to 4 channels, .* this one has 5"):
        control_picture(Image(torch.zeros(1, 4, 4, 5)))


def test_a_control_has_pictures_of_three_channels():
    for shape in ((1, 4, 8, 8), (3, 8, 8)):
        with pytest.raises(ValueError, match=r"Control.picture must be \[B, 3, H, W\]; got shape"):
            Control(NETS[0], torch.zeros(shape))
