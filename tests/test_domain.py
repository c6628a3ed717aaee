import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from preimage import Box
from preimage.domain import as_box
from preimage.errors import InputError


def rows(*values):
    return torch.tensor(values, dtype=torch.float64)


coordinates = st.floats(-50, 50, allow_nan=False)


@given(
    x=st.lists(st.tuples(coordinates, coordinates), min_size=1),
    periodic=st.tuples(st.booleans(), st.booleans()),
)
def test_clip_lands_inside_and_keeps_what_is_inside(x, periodic):
    box = Box([-1, 2], [3, 2.5], periodic=periodic)
    points = rows(*x)
    clipped = box.clip(points)
    assert box.contains(clipped, slack=0).all()
    inside = box.contains(points, slack=0)
    assert torch.equal(clipped[inside], points[inside])


@given(a=st.floats(-3, 3), b=st.floats(-3, 3), turns=st.integers(-4, 4))
def test_periodic_differences_take_the_short_way_and_ignore_turns(a, b, turns):
    box = Box(-np.pi, np.pi, periodic=True)
    there = rows([a]) + turns * box.width
    gap = box.difference(there, rows([b]))
    assert gap.abs().max() <= 0.5 + 1e-12
    again = box.difference(rows([a]), rows([b]))
    # A gap of exactly half a turn is as long either way.
    assert torch.isclose(torch.cos(2 * np.pi * gap), torch.cos(2 * np.pi * again))
    assert torch.isclose(gap.abs(), again.abs(), atol=1e-9).all()


@given(
    count=st.integers(1, 40),
    seed=st.integers(0, 1000),
)
def test_sobol_points_are_inside_and_decided_by_the_seed(count, seed):
    box = Box([0, -5], [1, 5])
    x = box.sobol(count, seed)
    assert x.shape == (count, 2)
    assert box.contains(x, slack=0).all()
    assert torch.equal(x, box.sobol(count, seed))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([0, 0], [1]), "2 lower and 1 upper"),
        ((0, np.inf), "must be finite"),
        ((np.nan, 1), "must be finite"),
        ((1, 1), "low must be smaller than high"),
        ((2, 1), "low must be smaller than high"),
        (([], []), "empty"),
        (("a", 1), "must be a number"),
        ((0, 1, ["a", "b"]), "2 names for 1 dimensions"),
        (([0, 0], [1, 1], ["a", "a"]), "repeat"),
    ],
)
def test_bounds_that_make_no_box_are_refused(arguments, message):
    with pytest.raises(InputError, match=message):
        Box(*arguments)


def test_flags_and_units_must_fit():
    with pytest.raises(InputError, match="2 periodic flags for 1"):
        Box(0, 1, periodic=[True, False])
    with pytest.raises(InputError, match="2 units for 1"):
        Box(0, 1, units=["m", "s"])


def test_a_box_is_the_same_after_its_config():
    box = Box([0, -1], [1, 1], ["a", "b"], units=["m", "rad"], periodic=[False, True])
    again = Box.from_config(box.to_config())
    assert again == box
    assert hash(again) == hash(box)
    assert again.units == ("m", "rad")
    assert box != Box([0, -1], [1, 1], ["a", "b"], units=["m", "rad"])


def test_the_intersection_is_periodic_only_where_it_spans_the_whole():
    joint = Box([-3, -3], [3, 3], ["a", "b"], units=["rad", "rad"], periodic=True)
    part = joint.intersection(Box([-9, 0], [9, 1]))
    assert part == Box([-3, 0], [3, 1], ["a", "b"], units=["rad", "rad"], periodic=[True, False])


def test_boxes_without_common_volume_are_refused():
    with pytest.raises(InputError, match="no volume in common"):
        Box(0, 1).intersection(Box(1, 2))
    with pytest.raises(InputError, match="2 dimensions was given for a domain of 1"):
        Box(0, 1).intersection(Box([0, 0], [1, 1]))


def test_a_pair_is_a_box_and_anything_else_is_not():
    assert as_box((0, 1)) == Box(0, 1)
    with pytest.raises(InputError, match=r"write preimage.Box\(low, high\)"):
        as_box(3.0)


def test_bounds_are_copied():
    low = np.array([0.0, 0.0])
    box = Box(low, [1, 1])
    low[0] = 9
    assert box.low.tolist() == [0, 0]
