"""Skeletons: colours and places by hand."""

import pytest
import torch

from diffusion.preprocessors.skeleton import CHAINS, COCO, JOINTS, drawn, hue, joints_of


def person(**joints: tuple[float, float]) -> list[tuple[float, float] | None]:
    return [joints.get(name.replace(" ", "_")) for name in COCO]


def test_hues_are_openposes():
    by_hand = [
        *((255, 0, 0), (255, 85, 0), (255, 170, 0), (255, 255, 0), (170, 255, 0), (85, 255, 0)),
        *((0, 255, 0), (0, 255, 85), (0, 255, 170), (0, 255, 255), (0, 170, 255), (0, 85, 255)),
        *((0, 0, 255), (85, 0, 255), (170, 0, 255), (255, 0, 255), (255, 0, 170), (255, 0, 85)),
    ]
    assert [tuple(round(level * 255) for level in hue(place)) for place in range(18)] == by_hand
    assert len(JOINTS) == 18
    assert {name for chain in CHAINS for name in chain} == set(JOINTS)
    assert sum(len(chain) - 1 for chain in CHAINS) == 17


def test_the_neck_is_between_the_shoulders():
    points = person(left_shoulder=(40, 20), right_shoulder=(20, 30))
    assert joints_of(points)["neck"] == (30, 25)
    assert joints_of(person(left_shoulder=(40, 20)))["neck"] is None


def test_joints_and_limbs_have_their_colours():
    """512 pixels: joints of 4 pixels. The upper arm is the third limb, the elbow the fourth joint."""
    points = person(right_shoulder=(100, 200), right_elbow=(100, 300), right_wrist=(180, 300))
    canvas = drawn([points], 512, 600)
    assert canvas.shape == (512, 600, 3)
    for (x, y), colour in {
        (100, 200): hue(2),
        (103, 200): hue(2),
        (100, 300): hue(3),
        (180, 300): hue(4),
        (100, 250): tuple(0.6 * level for level in hue(2)),
        (103, 250): tuple(0.6 * level for level in hue(2)),
        (140, 300): tuple(0.6 * level for level in hue(3)),
        (105, 250): (0, 0, 0),
        (100, 195): (0, 0, 0),
        (10, 10): (0, 0, 0),
    }.items():
        assert canvas[y, x].tolist() == pytest.approx(colour), (x, y)


def test_what_is_not_seen_is_not_drawn():
    assert not drawn([person(), person()], 64, 64).any()
    assert not drawn([], 64, 64).any()
    alone = drawn([person(left_ankle=(30, 30))], 64, 64)
    assert alone.flatten(0, 1).unique(dim=0).tolist() == [[0, 0, 0], pytest.approx(hue(13))]


def test_joints_lie_over_limbs_and_may_leave_the_picture():
    points = person(nose=(32, 32), left_eye=(32, 32), left_ear=(-20, 90))
    canvas = drawn([points], 64, 64)
    assert canvas[32, 32].tolist() == pytest.approx(hue(15))
    assert torch.equal(drawn([points, person()], 64, 64), canvas)
