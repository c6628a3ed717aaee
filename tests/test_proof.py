"""Answers with proof: certificates hold the truth, and no preimage is missed or invented."""

import math
import pickle
from dataclasses import replace

import mpmath
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

import preimage
from preimage import Box, Status
from preimage.certificates import Certificates, Enumeration
from preimage.errors import InputError
from preimage.intervals.failures import UnsupportedOperation
from preimage.papers.twin.experiments import EXPERIMENTS, planar_arm
from preimage.space import OutputSpace


def cubic(x):
    return x**3 - x


def network(p: int, hidden: int, seed: int) -> nn.Sequential:
    source = torch.Generator().manual_seed(seed)
    made = nn.Sequential(nn.Linear(p, hidden), nn.Tanh(), nn.Linear(hidden, p)).double()
    for tensor in made.parameters():
        gain = 2 / math.sqrt(tensor.shape[1]) if tensor.ndim > 1 else 1.0
        tensor.data = gain * torch.randn(tensor.shape, generator=source).double()
    return made


def proof_of(found: preimage.Preimages) -> Certificates:
    assert found.certificates is not None
    return found.certificates


def count_of(found: preimage.Preimages) -> Enumeration:
    assert found.enumeration is not None
    return found.enumeration


FOLD = 2 / 27**0.5
"""The largest value of x - x³ beyond which two solutions vanish, as a float."""


# Certificates of given answers


def test_a_certificate_holds_the_true_preimage():
    found = preimage.invert(cubic, [0.3, 7.0], Box(-2, 2), n=4).certify()
    proof = proof_of(found)
    with mpmath.workdps(40):
        target = mpmath.mpf(0.3)
        truth = sorted(root.real for root in mpmath.polyroots([1, 0, -1, -target], maxsteps=200))
    for place, root in enumerate(truth):
        assert proof.low[0, place, 0] <= root <= proof.high[0, place, 0]
        assert abs(root - mpmath.mpf(found.x[0, place, 0])) <= proof.radius[0, place]
    assert proof.radius[0, :3].max() < 1e-12
    assert proof.proved.tolist() == [[True] * 3 + [False], [False] * 4]
    assert proof.within.tolist() == proof.proved.tolist()
    assert np.isnan(proof.radius[1]).all()
    assert "3 of them certified" in found.headline
    # The slope vanishes at 1/√3, and an injective neighbourhood ends before.
    for place, root in enumerate(truth):
        gap = min(abs(abs(root) - 3**-0.5), 3)
        assert 0 < proof.isolation[0, place] * 4 <= gap + 1e-9


def test_at_a_fold_nothing_is_proved_and_on_the_border_nothing_about_the_inside():
    found = preimage.invert(cubic, [FOLD, 6.0], Box(-2, 2)).certify()
    at_fold = (np.abs(found.x[0, :, 0] + 3**-0.5) < 1e-3) & found.ok[0]
    assert at_fold.any()
    assert not proof_of(found).proved[0][at_fold].any()
    assert proof_of(found).proved[0][found.ok[0] & ~at_fold].all()
    assert proof_of(found).proved[1, 0]
    assert not proof_of(found).within[1, 0]
    assert "not certified" in str(found)


def test_answers_on_a_fibre_are_certified_across_it():
    found = preimage.invert(lambda x: x.square().sum(1), [1.0], Box([-2] * 3, [2] * 3), n=6)
    proof = proof_of(found.certify())
    assert proof.proved.all()
    assert proof.distinct.all()
    assert (proof.same == -1).all()
    least = np.minimum(np.abs(proof.low), np.abs(proof.high)) ** 2
    most = np.maximum(np.abs(proof.low), np.abs(proof.high)) ** 2
    assert (least.sum(2) <= 1 + 1e-15).all()
    assert (most.sum(2) >= 1 - 1e-15).all()


def test_two_answers_of_one_preimage_are_told_to_be_the_same():
    found = preimage.invert(cubic, [0.3], Box(-2, 2), n=5)
    x, ok, residual = found.x.copy(), found.ok.copy(), found.residual.copy()
    x[0, 3], ok[0, 3], residual[0, 3] = x[0, 1] + 1e-7, True, 1e-7
    proof = proof_of(replace(found, x=x, ok=ok, residual=residual).certify())
    assert proof.proved[0].tolist() == [True] * 4 + [False]
    assert proof.distinct[0].tolist() == [True] * 3 + [False] * 2
    assert proof.same[0].tolist() == [-1, -1, -1, 1, -1]


def test_a_periodic_answer_is_the_same_on_both_sides_of_the_seam():
    turn = Box(-math.pi, math.pi, periodic=True)
    found = preimage.invert(lambda x: torch.cat([x.sin()], 1), [1e-9], turn, n=3)
    x, ok = found.x.copy(), found.ok.copy()
    x[0, 2] = x[0, 1] - 2 * math.pi if x[0, 1] > 1 else x[0, 0] + 2 * math.pi
    ok[0, 2] = True
    proof = proof_of(replace(found, x=x, ok=ok).certify())
    assert proof.proved.all()
    assert not proof.distinct[0, 2]
    assert proof.same[0, 2] >= 0
    assert proof.within.all()


def test_tensors_stay_tensors_and_tables_have_columns():
    found = preimage.invert(cubic, torch.tensor([0.3, 7.0]), Box(-2, 2), n=3).certify()
    assert isinstance(proof_of(found).low, torch.Tensor)
    assert isinstance(proof_of(found.numpy()).low, np.ndarray)
    columns = found.to_columns()
    assert columns["certified"].tolist() == [True] * 3 + [False]
    assert (columns["radius"][:3] < 1e-12).all()
    assert {"isolation", "within"} <= set(columns)
    assert "certified" not in preimage.invert(cubic, [0.3], Box(-2, 2)).to_columns()


def test_what_cannot_be_certified_says_why():
    with pytest.raises(UnsupportedOperation, match="torch operations"):
        preimage.invert(np.sin, [0.3], Box(0, 1)).certify()
    with pytest.raises(UnsupportedOperation, match="lgamma"):
        preimage.invert(torch.lgamma, [0.3], Box(2, 4)).certify()
    with pytest.raises(InputError, match="2 outputs and 1 inputs"):
        preimage.invert(lambda x: torch.cat([x, x**2], 1), [[0.5, 0.25]], Box(0, 1)).certify()
    found = preimage.invert(torch.sin, [0.3], Box(0, 1))
    with pytest.raises(InputError, match="invert again"):
        pickle.loads(pickle.dumps(found)).certify()  # noqa: S301 - our own bytes


def test_answers_of_a_surrogate_are_certified_about_the_surrogate():
    x = np.linspace(0, 1, 30)
    found = preimage.GradientInverter().fit(x, x + 0.01 * np.sin(9 * x)).invert([0.5], n=1)
    assert proof_of(found.certify()).proved.all()


def test_a_float32_network_is_certified_as_a_function_of_real_numbers():
    made = network(2, 8, 0).float()
    target = made(torch.tensor([[0.2, -0.4]])).double().detach()
    found = preimage.invert(lambda x: made(x.float()), target, Box([-1, -1], [1, 1])).certify()
    exact = network(2, 8, 0).float().double()
    proof = proof_of(found)
    assert proof.proved[0, 0]
    middle = (proof.low[0, 0] + proof.high[0, 0]) / 2
    assert (exact(middle[None]) - target).abs().max() < 1e-12


# All preimages


def _image(f, *x):
    return f(torch.tensor([x]).double())[0].detach().tolist()


A5, A6 = EXPERIMENTS[4].fn, EXPERIMENTS[5].fn
EXHAUSTIVE = {
    "cubic": (cubic, [0.2], Box(-1.5, 1.5), 3),
    "arm": (planar_arm, [1.2, 0.7], Box([-3.2] * 2, [3.2] * 2), 2),
    "A.5": (A5, _image(A5, 0.5, -0.7), Box([-3] * 2, [3] * 2), 3),
    "A.6": (A6, _image(A6, 0.5, -0.7, 0.3), Box([-3] * 3, [3] * 3), 4),
    "tanh 2-32-2": (
        network(2, 32, 0), _image(network(2, 32, 0), 0.4, -0.3), Box([-2] * 2, [2] * 2), None,
    ),
    "tanh 3-16-3": (
        network(3, 16, 1), _image(network(3, 16, 1), 0.4, -0.3, 0.6), Box([-2] * 3, [2] * 3), None,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", EXHAUSTIVE)
def test_all_preimages_are_found_each_certified_and_none_spurious(name):
    f, y, box, count = EXHAUSTIVE[name]
    found = preimage.invert(f, [y], box, exhaustive=True)
    assert found.status[0] is Status.ALL_FOUND
    there = found.ok[0]
    total = int(count_of(found).total[0])
    assert total == there.sum() == proof_of(found).proved.sum()
    assert count in (None, total)
    assert len(count_of(found).unsettled[0]) == 0
    assert found.residual[0, there].max() < 1e-9
    # The proof of each once more, from the function alone.
    again = proof_of(found.certify())
    assert again.proved[0, there].all()
    assert again.distinct[0, there].all()
    # Another way of searching finds nothing else.
    searched = preimage.invert(f, [y], box, n=64)
    for x in searched.x[0, searched.ok[0]]:
        assert np.abs(found.x[0, there] - x).max(axis=1).min() < 1e-7


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.integers(-18, 18), min_size=1, max_size=5, unique=True),
    st.integers(-20, -1), st.integers(1, 20),
)  # fmt: skip
def test_polynomials_with_known_roots(roots, low, high):
    exact = [root / 8 for root in roots]

    def f(x):
        return torch.stack([x[:, 0] - root for root in exact], 1).prod(1)

    found = preimage.invert(f, [0.0], Box(low / 8, high / 8), exhaustive=True)
    there = sorted(root for root in exact if low / 8 <= root <= high / 8)
    assert found.status[0] is (Status.ALL_FOUND if there else Status.NONE_EXISTS)
    assert count_of(found).total[0] == len(there)
    assert found.x[0, found.ok[0], 0].tolist() == pytest.approx(there, abs=1e-12)


def test_that_no_preimage_exists_is_proved():
    found = preimage.invert(planar_arm, [[1.2, 0.7], [3.0, 0.0]], Box([-4] * 2, [4] * 2),
                            exhaustive=True)  # fmt: skip
    assert found.status[1] is Status.NONE_EXISTS
    assert not found.status[1].answered
    assert not found.ok[1].any()
    assert found.residual[1, 0] == pytest.approx(1, abs=1e-4)
    assert "no preimage exists (nearest output found (2, " in found.explain(1)
    assert "1 proved to have no preimage" in found.headline
    # A residual below the tolerance is no preimage.
    close = preimage.invert(lambda x: x**2 + 1e-12, [0.0], Box(-1, 1), exhaustive=True)
    assert close.status[0] is Status.NONE_EXISTS
    assert not close.ok.any()


def test_a_double_root_is_given_without_certificate_and_its_cell_is_named():
    found = preimage.invert(cubic, [FOLD], Box(-2, 2), exhaustive=True)
    assert found.status[0] is Status.SOME_UNSETTLED
    assert count_of(found).total[0] == 1
    assert proof_of(found).proved[0, :2].tolist() == [True, False]
    assert found.x[0, 1, 0] == pytest.approx(-(3**-0.5), abs=1e-4)
    cells = count_of(found).unsettled[0]
    assert 0 < len(cells) < 10
    assert (np.abs(cells + 3**-0.5) < 1e-4).all()
    assert f"{len(cells)} cells not settled" in found.explain(0)


def test_a_curve_of_solutions_is_not_settled_and_does_not_hang():
    def f(x):
        return torch.stack([x.sum(1), 2 * x.sum(1)], 1)

    found = preimage.invert(f, [[0.0, 0.0]], Box([-1, -1], [1, 1]), exhaustive=True)
    assert found.status[0] is Status.SOME_UNSETTLED
    assert count_of(found).total[0] == 0
    assert found.ok.any()
    assert not proof_of(found).proved.any()


def test_where_the_budget_ends_the_numerical_answers_are_given():
    f, y, box, _ = EXHAUSTIVE["tanh 3-16-3"]
    found = preimage.invert(f, [y], box, exhaustive=True, budget=1e-9)
    assert found.status[0] is Status.SOME_UNSETTLED
    searched = preimage.invert(f, [y], box)
    assert found.count[0] == searched.count[0]
    cells = count_of(found).unsettled[0]
    for x in found.x[0, found.ok[0]]:
        assert ((cells[:, 0] <= x) & (x <= cells[:, 1])).all(axis=1).any()


def test_answers_on_the_border_and_at_a_seam_are_counted_once():
    ends = preimage.invert(torch.sin, [0.0], Box(-math.pi, math.pi), exhaustive=True)
    assert count_of(ends).total[0] == 3
    turn = Box(-math.pi, math.pi, periodic=True)
    assert count_of(preimage.invert(torch.sin, [0.0], turn, exhaustive=True)).total[0] == 2
    square = preimage.invert(lambda x: x**2, [1.0], Box(-1, 1), exhaustive=True)
    assert square.x[0, square.ok[0], 0].tolist() == [-1, 1]
    assert not proof_of(square).within.any()
    joints = Box([-math.pi] * 2, [math.pi] * 2, periodic=True)
    found = preimage.invert(planar_arm, [-1.0, 1.0], joints, exhaustive=True)
    assert found.status[0] is Status.ALL_FOUND
    assert count_of(found).total[0] == 2
    assert proof_of(found).within[proof_of(found).proved].all()


def test_n_near_and_within_choose_among_all():
    box = Box(-2, 2)
    some = preimage.invert(cubic, [0.3], box, exhaustive=True, n=1, near=1.0)
    assert some.x[0, 0, 0] == pytest.approx(1.1254, abs=1e-4)
    assert some.status[0] is Status.ALL_FOUND
    assert count_of(some).total[0] == 3
    assert "1 of 3 preimages" in some.explain(0)
    part = preimage.invert(cubic, [0.3], box, exhaustive=True, within=(0, 2))
    assert count_of(part).total[0] == part.count[0] == 1
    states = preimage.invert(cubic, [0.3, 0.3], box, exhaustive=True, n=1, near=[[1.0], [-1.0]])
    assert states.x[0, 0, 0] > 1
    assert states.x[1, 0, 0] < -0.7


def test_many_targets_at_once_agree_with_each_alone():
    y = torch.linspace(-1.5, 1.5, 301, dtype=torch.float64)
    box = Box(-2, 2)
    together = preimage.invert(cubic, y, box, exhaustive=True, n=3)
    inner = y.abs() < FOLD - 1e-9
    assert (torch.as_tensor(count_of(together).total) == torch.where(inner, 3, 1)).all()
    for i in (0, 100, 150, 260):
        alone = preimage.invert(cubic, y[i : i + 1], box, exhaustive=True, n=3)
        torch.testing.assert_close(alone.x[0], together.x[i], rtol=0, atol=1e-12, equal_nan=True)


def test_targets_with_gradients():
    y = torch.tensor([0.3], dtype=torch.float64, requires_grad=True)
    found = preimage.invert(cubic, y, Box(-2, 2), exhaustive=True, n=3)
    (slope,) = torch.autograd.grad(found.x[0, 2, 0], y)
    assert slope.item() == pytest.approx(1 / (3 * found.x[0, 2, 0].item() ** 2 - 1))


def test_a_table_of_all_preimages_says_how_many_there_are():
    columns = preimage.invert(cubic, [0.3, 7.0], Box(-2, 2), exhaustive=True, n=2).to_columns()
    assert columns["preimages"].tolist() == [3, 3, 0]
    assert columns["unsettled"].tolist() == [0, 0, 0]
    assert columns["certified"].tolist() == [True, True, False]
    assert columns["status"].tolist() == ["all preimages found"] * 2 + ["no preimage exists"]


REFUSED = [
    (lambda x: x.sum(1), [0.5], Box([0, 0], [1, 1]), {}, "continuum"),
    (lambda x: torch.cat([x, x**2], 1), [[0.5, 0.25]], Box(0, 1), {}, "More equations"),
    (lambda x: x, [[0.5] * 5], Box([0] * 5, [1] * 5), {}, "up to 4"),
    (torch.sin, [0.5], Box(0, 1), {"near": "previous"}, "one branch"),
    (torch.sin, [0.5], Box(0, 1), {"budget": 0.0}, "budget"),
    (torch.sin, [0.5], Box(0, 1), {"within": (2, 3)}, "no volume"),
    (np.sin, [0.5], Box(0, 1), {}, "torch operations"),
]


@pytest.mark.parametrize("case", REFUSED, ids=[case[-1] for case in REFUSED])
def test_what_has_no_list_of_preimages_is_refused_with_a_reason(case):
    f, y, box, options, reason = case
    with pytest.raises((InputError, UnsupportedOperation), match=reason):
        preimage.invert(f, y, box, exhaustive=True, **options)


def test_rotations_have_no_list_of_preimages():
    class Turned(OutputSpace):
        def difference(self, y, target):
            return torch.sin(y - target)

        def coordinates(self, y):
            return torch.cat([y.sin(), y.cos()], 1)

    f = preimage.Function(torch.sin, Box(0, 1), space=Turned())
    with pytest.raises(InputError, match="plain numbers"):
        preimage.invert(f, [0.5], exhaustive=True)


def test_reports_say_what_is_proved(tmp_path):
    from preimage.report import write_report

    page = tmp_path / "page.html"
    write_report(preimage.invert(cubic, [0.3, 7.0], Box(-2, 2), exhaustive=True), page)
    text = page.read_text("utf-8")
    assert "Searched exhaustively" in text
    assert "function, certified" in text
    assert "no preimage exists" in text
    write_report(preimage.invert(cubic, [0.3], Box(-2, 2)), page, force=True)
    assert "ertified" not in page.read_text("utf-8")


def test_a_solution_beyond_the_border_is_none():
    """Cells are widened a little, so that the search looks beyond the box."""
    found = preimage.invert(cubic, [0.2], Box(-1.5, 1.088), exhaustive=True)
    assert found.status[0] is Status.ALL_FOUND
    assert count_of(found).total[0] == 2
