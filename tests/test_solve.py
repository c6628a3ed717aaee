import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from preimage import Box, Function
from preimage.inverters.pool import Pool
from preimage.inverters.problem import Problem
from preimage.inverters.walk import walk
from preimage.solve.cells import CellTable
from preimage.solve.continuation import advance
from preimage.solve.distinct import distinct
from preimage.solve.fibre import closest_on_fibre
from preimage.solve.levenberg_marquardt import Polished, levenberg_marquardt
from preimage.solve.neighbours import Neighbours
from preimage.solve.ragged import alike, padded, position, repeats, thin


def rows(*values):
    return torch.tensor(values, dtype=torch.float64)


def smooth(seed, p, q, waves):
    """A random function that bends, and whose features are wider than the cells of the tests."""
    source = torch.Generator().manual_seed(seed)
    frequency = waves * torch.randn(6, p, generator=source).double()
    phase = 2 * math.pi * torch.rand(6, generator=source).double()
    weight = torch.randn(q, 6, generator=source).double()
    slope = torch.randn(q, p, generator=source).double()
    return lambda x: torch.sin(x @ frequency.T + phase) @ weight.T + x @ slope.T


def solve(fn, box, start, target, *, jacobian=None, iterations=50):
    function = Function(fn, box, jacobian)
    scale = torch.ones(target.shape[1]).double()
    return levenberg_marquardt(function, start, target, box=box, scale=scale, iterations=iterations)


# Levenberg-Marquardt


@settings(max_examples=30)
@given(seed=st.integers(0, 10_000), p=st.integers(1, 4), q=st.integers(1, 4))
def test_polish_stays_inside_never_gets_worse_and_reports_what_is_there(seed, p, q):
    box = Box([-1] * p, [1] * p)
    fn = smooth(seed, p, q, 1.0)
    start, target = box.sobol(8, seed), fn(box.sobol(8, seed + 1)) + 0.3
    end = solve(fn, box, start, target)
    assert box.contains(end.x, slack=0).all()
    torch.testing.assert_close(end.y, fn(end.x))
    torch.testing.assert_close(end.residual, (end.y - target).norm(dim=1))
    assert (end.residual <= (fn(start) - target).norm(dim=1) + 1e-12).all()


@given(seed=st.integers(0, 10_000), p=st.integers(1, 4))
def test_polish_solves_from_close_by(seed, p):
    box = Box([-1] * p, [1] * p)
    bend = smooth(seed, p, p, 0.5)

    def near_identity(x):
        return x + 0.02 * bend(x)

    x = 0.8 * box.sobol(8, seed)
    end = solve(near_identity, box, x + 0.1, near_identity(x))
    torch.testing.assert_close(end.x, x, atol=1e-10, rtol=0)
    assert (end.residual < 1e-12).all()


def test_an_unreachable_target_ends_at_the_edge_of_the_box():
    end = solve(lambda x: x**2, Box([0, 0], [1, 2]), rows([0.5, 0.5]), rows([4.0, 1.0]))
    torch.testing.assert_close(end.x, rows([1.0, 1.0]), atol=1e-6, rtol=0)
    assert end.stationary.all()
    assert end.residual.item() == pytest.approx(3.0)


def test_an_input_that_starts_on_a_bound_may_leave_it():
    end = solve(lambda x: x**2, Box(0.1, 2), rows([0.1], [2.0]), rows([1.0], [1.0]))
    torch.testing.assert_close(end.x, rows([1.0], [1.0]))


@given(seed=st.integers(0, 10_000))
def test_rank_deficient_maps_are_solved(seed):
    box = Box([-2, -2], [2, 2])
    start = box.sobol(8, seed)

    def singular(x):
        total = x.sum(dim=1)
        return torch.stack([total, 2 * total], dim=1)

    end = solve(singular, box, start, rows([0.5, 1.0]).expand(8, -1))
    assert (end.residual < 1e-9).all()
    torch.testing.assert_close(end.x.sum(dim=1), torch.full((8,), 0.5).double())


def test_a_double_root_is_approached():
    end = solve(lambda x: (x - 0.3) ** 2, Box(-1, 1), rows([0.9]), rows([0.0]))
    assert end.residual.item() < 1e-9


def test_steps_into_the_undefined_are_taken_back():
    end = solve(lambda x: x.log(), Box(-5, 5), rows([4.0], [0.1]), rows([-3.0], [1.0]))
    torch.testing.assert_close(end.x, rows([math.exp(-3)], [math.e]))


def test_a_start_in_the_undefined_stays_without_a_value():
    end = solve(lambda x: x.log(), Box(-5, 5), rows([-1.0]), rows([0.0]))
    assert end.x.item() == -1.0
    assert end.y.isnan().all()
    assert not (end.residual < 1).any()


def test_periodic_inputs_walk_across_the_seam():
    def turn(x):
        return torch.cat([x.cos(), x.sin()], dim=1)

    box = Box(-math.pi, math.pi, periodic=True)
    wanted = rows([-math.pi + 0.1])
    end = solve(turn, box, rows([math.pi - 0.2]), turn(wanted))
    torch.testing.assert_close(end.x, wanted)


def test_what_is_wrongly_called_periodic_is_verified_where_it_is_reported():
    box = Box(0, 1, periodic=True)
    end = solve(lambda x: x, box, rows([0.9]), rows([1.2]))
    torch.testing.assert_close(end.y, end.x)
    assert end.residual.item() == pytest.approx(abs(end.x.item() - 1.2))


def test_rows_do_not_touch_each_other():
    fn, box = smooth(3, 2, 2, 1.0), Box([-1, -1], [1, 1])
    start, target = box.sobol(6, 1), fn(box.sobol(6, 2))
    together = solve(fn, box, start, target)
    for i in range(6):
        alone = solve(fn, box, start[i : i + 1], target[i : i + 1])
        torch.testing.assert_close(alone.x[0], together.x[i], atol=1e-9, rtol=0)


def test_nothing_to_polish_is_no_trouble():
    end = solve(lambda x: x, Box(0, 1), torch.zeros(0, 1).double(), torch.zeros(0, 1).double())
    assert end.x.shape == (0, 1)


def test_rows_stop_where_the_residual_is_low_enough():
    function = Function(lambda x: x**3, Box(-2, 2))
    start, target = rows([1.5], [-1.9], [0.5]), rows([1.0], [-1.0], [0.2])
    scale = torch.ones(1).double()
    cost = []
    for enough in (0.0, 1e-3):
        before = function.evaluations
        end = levenberg_marquardt(
            function, start, target, box=function.domain, scale=scale, enough=enough
        )
        cost.append(function.evaluations - before)
        assert (end.residual <= max(enough, 1e-12)).all()
        assert end.stationary.all()
    assert cost[1] < cost[0]


def test_rivals_stop_when_one_of_them_is_there():
    function = Function(lambda x: x**2, Box(0.01, 100))
    start = rows([2.1], [90.0], [95.0])
    rivals = torch.tensor([4, 4, 1])
    end = levenberg_marquardt(
        function, start, rows([4.0], [4.0], [4.0]),
        box=function.domain, scale=torch.ones(1).double(), enough=1e-6, rivals=rivals,
    )  # fmt: skip
    assert (end.residual <= 1e-6).tolist() == [True, False, True]
    assert end.stationary.tolist() == [True, False, True]
    torch.testing.assert_close(end.y, end.x**2)
    torch.testing.assert_close(end.residual, (end.y - 4).abs()[:, 0])


# Cells


@given(
    seed=st.integers(0, 10_000),
    shape=st.sampled_from([(1, 1, 64), (1, 2, 64), (2, 1, 400), (2, 2, 400), (3, 3, 1728)]),
    waves=st.floats(0.1, 2),
)
def test_every_cell_with_a_preimage_is_a_candidate(seed, shape, waves):
    p, q, count = shape
    box = Box([-1] * p, [1] * p)
    fn = smooth(seed, p, q, waves)
    table = CellTable.sample(Function(fn, box), box, count)
    x = box.sobol(32, seed)
    target, start = table.starts(fn(x))
    away = ((start - x[target]) / table.width).abs().amax(dim=1)
    best = torch.full((32,), torch.inf).double().scatter_reduce(0, target, away, "amin")
    # A start is moved from the middle of its cell by one and a half cells at the most.
    assert (best <= 2).all()


def test_cells_where_the_function_is_undefined_are_left_out():
    box = Box([-1, -1], [1, 1])
    table = CellTable.sample(Function(lambda x: torch.log(x[:, :1]), box), box, 400)
    assert len(table.center) < 400
    x = rows([0.3, -0.2])
    _, start = table.starts(x[:, :1].log())
    assert ((start[:, 0] - 0.3).abs() < 0.2).all()
    assert len(start) >= 10


def test_a_target_far_outside_the_image_has_no_candidate():
    box = Box(-1, 1)
    table = CellTable.sample(Function(lambda x: x**2, box), box, 64)
    target, _ = table.starts(rows([50.0], [-50.0], [0.25]))
    assert set(target.tolist()) == {2}
    assert len(table.starts(rows([1e300], [-1e300]))[0]) == 0


def test_a_constant_output_is_no_trouble():
    box = Box(-1, 1)
    table = CellTable.sample(Function(lambda x: x * 0 + 3, box), box, 16)
    assert len(table.starts(rows([3.0]))[0]) >= 16
    assert len(table.starts(rows([4.0]))[0]) == 0


# Distinct answers


candidates = st.lists(
    st.tuples(st.integers(0, 30), st.integers(0, 5), st.booleans()), min_size=1, max_size=25
)


@given(candidates=candidates, n=st.integers(1, 8), near=st.none() | st.floats(0, 1))
def test_chosen_answers_are_apart_ranked_and_none_is_missed(candidates, n, near):
    box, separation = Box(0, 1), 0.05
    place, worth, sure = zip(*candidates, strict=True)
    x = torch.tensor(place, dtype=torch.float64)[None, :, None] / 30
    quality = torch.tensor(worth, dtype=torch.float64)[None]
    confirmed = torch.tensor(sure)[None]
    state = None if near is None else rows([near])
    index = distinct(x, quality, confirmed, box=box, n=n, separation=separation, near=state)[0]
    chosen = index[index >= 0]
    assert 1 <= len(chosen) <= n
    picked = x[0, chosen, 0]
    apart = (picked[:, None] - picked).abs() + torch.eye(len(chosen))
    assert apart.min() > separation
    flags = confirmed[0, chosen].int()
    assert (flags.diff() <= 0).all()
    if len(chosen) < n:
        # There was room: whatever was not chosen repeats something that was.
        left = (x[0, :, 0][:, None] - picked).abs().amin(dim=1)
        assert (left <= 2 * separation).all()


def test_of_one_answer_the_best_candidate_stands():
    x = rows([[0.5], [0.5 + 1e-9], [0.9]])
    quality = rows([3e-12, 1e-13, 2e-12])
    index = distinct(x, quality, quality < 1e-9, box=Box(0, 1), n=3, separation=1e-6)
    assert set(index[0].tolist()) - {-1} == {1, 2}


def test_answers_out_of_a_continuum_cover_it():
    x = torch.linspace(0, 1, 101).double()[None, :, None]
    quality = torch.zeros(1, 101).double()
    index = distinct(x, quality, quality < 1, box=Box(0, 1), n=5, separation=1e-3)
    picked = x[0, index[0], 0].sort().values
    assert picked.diff().max() <= 0.5
    assert picked[0] == 0
    assert picked[-1] == 1


def test_answers_on_both_sides_of_a_seam_are_one():
    box = Box(0, 1, periodic=True)
    x = rows([[1e-9], [1 - 1e-9], [0.5]])
    quality = torch.zeros(1, 3).double()
    index = distinct(x, quality, quality < 1, box=box, n=3, separation=1e-6)
    assert int((index >= 0).sum()) == 2


def test_what_has_no_quality_is_not_chosen():
    x, quality = rows([[0.1], [0.2]]), rows([torch.inf, torch.inf])
    index = distinct(x, quality, quality < 1, box=Box(0, 1), n=2, separation=1e-6)
    assert (index == -1).all()


# Ragged rows


@given(sizes=st.lists(st.integers(0, 5), min_size=1, max_size=8), most=st.integers(1, 4))
def test_padding_keeps_every_row_and_thinning_spreads(sizes, most):
    group = torch.arange(len(sizes)).repeat_interleave(torch.tensor(sizes))
    values = torch.arange(len(group)).double()
    table = padded(values, group, len(sizes), -1.0)
    assert table.shape == (len(sizes), max(1, *sizes))
    for row, size in zip(table, sizes, strict=True):
        assert (row[:size] >= 0).all()
        assert (row[size:] == -1).all()
    assert sorted(table[table >= 0].tolist()) == values.tolist()
    kept = torch.bincount(group[thin(group, len(sizes), most)], minlength=len(sizes))
    assert kept.tolist() == [min(size, most) for size in sizes]
    assert position(group, len(sizes)).tolist() == [i for size in sizes for i in range(size)]


@given(places=st.lists(st.tuples(st.integers(0, 2), st.integers(0, 4)), min_size=1, max_size=20))
def test_repeats_leave_one_of_each(places):
    places = sorted(places)
    group = torch.tensor([g for g, _ in places])
    x = torch.tensor([[float(v)] for _, v in places], dtype=torch.float64)
    kept = [place for place, twice in zip(places, repeats(x, group, Box(0, 5), 0.01), strict=True)
            if not twice]  # fmt: skip
    assert kept == sorted(set(places))


@given(
    places=st.lists(
        st.tuples(st.integers(0, 2), st.integers(0, 6), st.integers(0, 6)), min_size=1, max_size=25
    ),
    separation=st.sampled_from([1e-6, 0.1, 0.35]),
)
def test_pairs_that_are_alike_are_those_of_a_full_search(places, separation):
    places = sorted(places)
    group = torch.tensor([g for g, _, _ in places])
    x = torch.tensor([[a / 6, b / 6] for _, a, b in places], dtype=torch.float64)
    box = Box([0, 0], [1, 1], periodic=[True, False])
    away = box.difference(x[:, None], x).norm(dim=2)
    close = (away <= separation) & (group[:, None] == group)
    wanted = set(map(tuple, close.triu(diagonal=1).nonzero().tolist()))
    earlier, later = alike(x, group, box, separation)
    assert sorted(zip(earlier.tolist(), later.tolist(), strict=True)) == sorted(wanted)


# Neighbours


@given(
    seed=st.integers(0, 1000),
    points=st.integers(1, 30),
    k=st.integers(1, 40),
)
def test_neighbours_are_those_of_a_full_search(seed, points, k):
    source = np.random.default_rng(seed)
    table, asked = source.normal(size=(points, 2)), source.normal(size=(7, 2))
    scale = np.array([0.1, 10.0])
    found = Neighbours(torch.from_numpy(table), torch.from_numpy(scale))
    away = np.linalg.norm((asked[:, None] - table) / scale, axis=2)
    least = np.sort(away, axis=1)[:, :k]
    index = found.query(torch.from_numpy(asked), k)
    assert index.shape == (7, min(k, points))
    np.testing.assert_allclose(np.take_along_axis(away, index.numpy(), axis=1), least)
    np.testing.assert_allclose(found.distance(torch.from_numpy(asked), k), least)
    assert len(found) == points


def test_neighbours_with_slack_are_hardly_farther():
    source = np.random.default_rng(0)
    table, asked = source.normal(size=(2000, 5)), torch.from_numpy(source.normal(size=(50, 5)))
    found = Neighbours(torch.from_numpy(table))
    index = found.query(asked, 8, slack=1.0)
    away = (asked[:, None] - torch.from_numpy(table)[index]).norm(dim=2)
    assert (away <= 2 * found.distance(asked, 8)).all()


# Along fibres and branches


@pytest.mark.parametrize("far", [0.1, 0.9, 1.4])
@pytest.mark.parametrize("turned", [-2.8, -1.0, 0.01, 0.5, 2.0])
def test_the_closest_point_of_a_circle_is_found(turned, far):
    angle = 1.1
    box = Box([-2, -2], [2, 2])
    function = Function(lambda x: x.square().sum(dim=1), box)
    state = far * rows([math.cos(angle), math.sin(angle)])
    scale = torch.ones(1).double()
    target = rows([1.0])
    begin = rows([math.cos(angle + turned), math.sin(angle + turned)])
    start = levenberg_marquardt(function, begin, target, box=box, scale=scale)
    end = closest_on_fibre(function, start, target, state, box=box, scale=scale, tol=1e-9)
    torch.testing.assert_close(end.x, state / far, atol=1e-6, rtol=0)
    assert end.residual.item() <= 1e-9


def test_a_branch_is_followed_and_a_fold_ends_it():
    box = Box(-2, 2)
    function = Function(lambda x: x**3 - x, box)
    scale = torch.ones(1).double()
    roots = rows([-1.0], [0.0], [1.0])
    step = advance(function, roots, rows(0.0), rows(0.35), box=box, scale=scale, tol=1e-9)
    assert step.arrived.all()
    assert (step.x[:-1] < step.x[1:]).all()
    torch.testing.assert_close(step.x**3 - step.x, torch.full((3, 1), 0.35).double())
    # The local maximum 2 / (3 sqrt 3) = 0.385 is the end of two of the branches.
    step = advance(function, roots, rows(0.0), rows(0.45), box=box, scale=scale, tol=1e-9)
    assert step.arrived.tolist() == [False, False, True]


@pytest.mark.parametrize("turns", [False, True])
def test_a_continuum_is_covered_from_one_answer(turns):
    def radius(x):
        return x.norm(dim=1, keepdim=True)

    def slant(x):
        return torch.remainder(x[:, :1] - x[:, 1:], 1)

    # A circle, and the diagonal of a square whose sides are joined.
    box = Box([0, 0], [1, 1], periodic=True) if turns else Box([-1, -1], [1, 1])
    function = Function(slant if turns else radius, box)
    target = rows([0.5], [0.8], [0.3])
    begin = rows([0.7, 0.2], [0.8, 0.0]) if turns else rows([0.5, 0.0], [0.0, -0.8])
    anchors = box.sobol(64)
    problem = Problem(
        function=function, checker="function", box=box, x=anchors, y=function(anchors),
        scale=torch.ones(1).double(), outputs=("y",),
    )  # fmt: skip
    nothing = torch.zeros(2, dtype=torch.float64)
    end = Polished(begin, function(begin), nothing, nothing.bool())
    pool = Pool.empty(2, 1).add(torch.tensor([0, 1]), end)
    found = walk(pool, problem, target, n=60, tol=1e-9)
    assert (found.residual <= 1e-9).all()
    torch.testing.assert_close(function(found.x), target[found.target], atol=1e-8, rtol=0)
    assert set(found.target.tolist()) == {0, 1}
    angle = torch.linspace(0, 1, 500, dtype=torch.float64)
    for k in (0, 1):
        if turns:
            truth = torch.stack([angle + target[k], angle], dim=1)
        else:
            around = 2 * math.pi * angle
            truth = target[k] * torch.stack([around.cos(), around.sin()], dim=1)
        mine = found.x[found.target == k]
        away = box.difference(truth[:, None], mine).norm(dim=2)
        assert away.amin(dim=1).max() < 0.08
