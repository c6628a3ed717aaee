"""Verdicts agree with known truth and with brute force, and can be rechecked."""

import json
import math
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch
from check_cases import FACTS, MORE, OPEN, Case, Coupling, gaussian
from check_traps import TRAPS, infinite_variance, tells_tensors_apart
from commands import runner
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

import preimage
from preimage import Box, Finite, Reals, Report, check, check_at
from preimage.errors import FunctionError, InputError, OutputExistsError, StoreError
from preimage.verdicts import Claim, Level, Status
from preimage.verdicts.claim import described
from preimage.verdicts.linear import inverse_bound, norm_bound, null_vector
from preimage.verdicts.spanning import spans_everywhere

CASES = FACTS + MORE + TRAPS


@cache
def examined(place: int) -> tuple[Any, Report]:
    case = CASES[place]
    f = case.make()
    # A budget that a busy machine does not use up on its way.
    return f, check(f, case.domain, case.codomain, semantics=case.semantics, budget=60)


def test_every_case_has_a_reason_and_a_name_of_its_own() -> None:
    assert all(len(case.reason) > 2 for case in CASES)
    assert len({case.name for case in CASES}) == len(CASES) >= 82


@pytest.mark.parametrize("place", range(len(CASES)), ids=[case.name for case in CASES])
def test_no_verdict_is_wrong(place: int) -> None:
    """Right, or unknown."""
    case = CASES[place]
    _, report = examined(place)
    for claim, truth in ((report.injective, case.injective), (report.surjective, case.surjective)):
        if claim.status.decided:
            assert truth == OPEN or claim.status.value == truth, str(report)
            assert claim.level is not Level.NUMERIC
        assert claim.reason in str(report)


@pytest.mark.parametrize("place", range(len(CASES)), ids=[case.name for case in CASES])
def test_saved_verdicts_can_be_rechecked_and_tampering_shows(place: int, tmp_path: Path) -> None:
    f, report = examined(place)
    report.save(tmp_path / "report.json")
    data = json.loads((tmp_path / "report.json").read_text("utf-8"))
    again = Report.load(tmp_path / "report.json")
    for name, claim in (("injective", again.injective), ("surjective", again.surjective)):
        if claim.status.decided:
            assert claim.recheck(f)
            other = "refuted" if claim.status is not Status.REFUTED else "proved"
            assert not _tampered(data, name, tmp_path, status=other).recheck(f)
        if claim.bounds and claim.status is Status.PROVED:
            small = {key: value / 1e3 for key, value in claim.bounds.items()}
            assert not _tampered(data, name, tmp_path, bounds=small).recheck(f)
        if claim.certificate.get("kind") == "pair":
            moved = [value + 1e-3 for value in claim.witness["a"]]
            certificate = {**claim.certificate, "a": moved}
            witness = {**claim.witness, "a": moved}
            assert not _tampered(data, name, tmp_path, certificate=certificate).recheck(f)
            assert not _tampered(
                data, name, tmp_path, certificate=certificate, witness=witness
            ).recheck(f)


def _tampered(data: dict[str, Any], name: str, folder: Path, **changes: Any) -> Claim:
    file = folder / "tampered.json"
    file.write_text(json.dumps({**data, name: {**data[name], **changes}}), "utf-8")
    return getattr(Report.load(file), name)


@pytest.mark.parametrize("cases", [FACTS, CASES], ids=["facts", "all"])
def test_nearly_all_is_decided(cases: list[Case]) -> None:
    wanted, decided = 0, 0
    for place, case in enumerate(CASES):
        if case not in cases:
            continue
        _, report = examined(place)
        for claim, truth in (
            (report.injective, case.injective),
            (report.surjective, case.surjective),
        ):
            wanted += truth != OPEN
            decided += truth != OPEN and claim.status.decided
    assert decided >= 0.95 * wanted


def case_table(cases: list[Case]) -> str:
    """A table of the documentation."""
    lines = ["| function | domain | injective | surjective | why |", "|---|---|---|---|---|"]
    for place, case in enumerate(CASES):
        if case not in cases:
            continue
        _, report = examined(place)
        where = case.semantics if case.semantics != "real" else described(case.domain)
        verdicts = f"{said(report.injective)} | {said(report.surjective)}"
        lines.append(f"| {plain(case.name)} | {where} | {verdicts} | {plain(case.reason)} |")
    return "\n".join(lines)


def said(claim: Claim) -> str:
    return f"{claim.status} ({claim.rule})" if claim.status.decided else str(claim.status)


def plain(words: str) -> str:
    return words.replace("|", "\\|")


@pytest.mark.parametrize(("mark", "cases"), [("cases", FACTS), ("traps", TRAPS)])
def test_the_documented_tables_are_what_check_says(mark: str, cases: list[Case]) -> None:
    page = (Path(__file__).parents[1] / "docs" / "check.md").read_text("utf-8")
    assert page.split(f"<!-- {mark} -->\n\n")[1].split("\n\n")[0].strip() == case_table(cases)


def random_net(seed: int, n: int, m: int, depth: int, activation: type[nn.Module]) -> nn.Module:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        widths = [n, *torch.randint(1, 6, (depth,)).tolist(), m]
        return gaussian(*widths, activation=activation).eval()


ACTIVATIONS = [nn.Tanh, nn.ReLU, nn.LeakyReLU, nn.GELU, nn.Softplus, nn.Hardtanh, nn.ELU]


@settings(max_examples=40)
@given(
    seed=st.integers(0, 10**6),
    n=st.integers(1, 3),
    m=st.integers(1, 3),
    depth=st.integers(0, 2),
    activation=st.sampled_from(ACTIVATIONS),
    boxed=st.booleans(),
)
def test_no_proof_contradicts_brute_force(
    seed: int, n: int, m: int, depth: int, activation: type[nn.Module], boxed: bool
) -> None:
    """Among thousands of pairs of points, bounds hold, and witnesses are what they say."""
    f = random_net(seed, n, m, depth, activation)
    domain = Box([-1.0] * n, [1.0] * n) if boxed else Reals(n)
    report = check(f, domain, budget=2)
    source = torch.Generator().manual_seed(seed)
    x = 2 * torch.rand(400, n, generator=source).double() - 1
    x = x if boxed else 3 * x
    g = f.double()
    # By differences; a product of matrices would lose half of the digits.
    by_differences = "donot_use_mm_for_euclid_dist"
    with torch.no_grad():
        y = g(x)
    near, far = (torch.cdist(one, one, compute_mode=by_differences) for one in (y, x))
    claim = report.injective
    if "inverse lipschitz" in claim.bounds:
        assert bool((far <= claim.bounds["inverse lipschitz"] * near + 1e-6).all())
    if "lipschitz" in claim.bounds:
        assert bool((near <= claim.bounds["lipschitz"] * far + 1e-6).all())
    if claim.status is Status.PROVED:
        assert n <= m
        assert bool((near + torch.eye(len(x)) > 0).all())
    if claim.status is Status.REFUTED and "y" in claim.witness:
        pair = torch.tensor([claim.witness["a"], claim.witness["b"]], dtype=torch.float64)
        assert float((pair[0] - pair[1]).abs().max()) > 1e-7
        with torch.no_grad():
            values = g(pair)
        assert torch.allclose(values[0], values[1], atol=1e-6)
    if n == m == 1 and activation is not nn.Hardtanh:
        line = torch.linspace(-1, 1, 5001).double()[:, None]
        with torch.no_grad():
            step = g(line).diff(dim=0)
        monotone = bool((step > 1e-12).all() or (step < -1e-12).all())
        if boxed and claim.status is Status.REFUTED:
            assert not monotone
        if claim.status is Status.PROVED:
            assert not bool((step > 1e-12).any() and (step < -1e-12).any())
    if report.surjective.status is Status.PROVED:
        assert not boxed
        assert n >= m


@given(
    st.integers(0, 10**6), st.integers(1, 5), st.integers(1, 5), st.sampled_from([1.0, 1e-6, 1e4])
)
def test_singular_values_are_bounded(seed: int, q: int, p: int, size: float) -> None:
    weight = size * torch.randn(q, p, generator=torch.Generator().manual_seed(seed)).double()
    values = torch.linalg.svdvals(weight)
    assert norm_bound(weight) >= float(values[0]) * (1 - 1e-12)
    if q >= p:
        assert inverse_bound(weight) >= (1 - 1e-9) / float(values[-1])


@given(st.integers(0, 10**6), st.integers(1, 4), st.integers(1, 4))
def test_null_vectors_are_exact(seed: int, q: int, p: int) -> None:
    source = torch.Generator().manual_seed(seed)
    weight = torch.randint(-2, 3, (q, p), generator=source).double()
    vector = null_vector(weight)
    assert (vector is None) == (int(torch.linalg.matrix_rank(weight)) == p)
    if vector is not None:
        assert any(vector)
        assert all(
            sum(int(w) * v for w, v in zip(row, vector, strict=True)) == 0
            for row in weight.tolist()
        )


@settings(max_examples=40)
@given(st.integers(0, 10**6), st.integers(3, 14))
def test_spanning_rows_agree_with_a_walk_round_the_circle(seed: int, m: int) -> None:
    """In the plane and without bias, only the sectors between the rows matter."""
    weight = torch.randn(m, 2, generator=torch.Generator().manual_seed(seed)).double()
    angle = torch.linspace(0, 2 * torch.pi, 4001).double()
    active = weight @ torch.stack([angle.cos(), angle.sin()]) >= 0
    worst = int(active.sum(dim=0).amin())
    if spans_everywhere(weight, torch.zeros(m).double(), None):
        assert worst >= 2


class Mixed(nn.Module):
    """A coupling whose shift depends on the half that it shifts."""

    def forward(self, x: Tensor) -> Tensor:
        a, b = x.chunk(2, dim=1)
        return torch.cat([a, b - 2 * torch.tanh(b) + torch.tanh(a)], dim=1)


class WritesAndForgets(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        y = x * 1
        y.mul_(0)
        return y + 0


class SharedMemory(nn.Module):
    """x + relu_(x) is 2 relu(x)."""

    def forward(self, x: Tensor) -> Tensor:
        y = x * 1
        return y + 0.5 * torch.relu_(y)


class OtherLinear(nn.Linear):
    def forward(self, input: Tensor) -> Tensor:  # noqa: A002 - torch's name
        return super().forward(input) * 0 + 1


def _zero(module: nn.Module, given: Any, y: Any) -> Any:
    return 0 * y


def hooked() -> nn.Module:
    layer = nn.Sequential(nn.Linear(2, 2), nn.Tanh()).eval()
    layer[0].register_forward_hook(_zero)
    return layer


def patched() -> nn.Module:
    layer = nn.Sequential(nn.Linear(2, 2)).eval()
    layer[0].forward = lambda x: 0 * x  # pyright: ignore[reportAttributeAccessIssue]
    return layer


class Repeats(nn.Module):
    """Reads one half twice and loses the other."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([x[:, :1], x[:, :1]], dim=1)


class NegativeScale(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        a, b = x.chunk(2, dim=1)
        return torch.cat([a, b * torch.tanh(a)], dim=1)


@pytest.mark.parametrize(
    "make",
    [Mixed, WritesAndForgets, SharedMemory, lambda: OtherLinear(2, 2), hooked, patched, Repeats,
     NegativeScale, lambda: tells_tensors_apart, infinite_variance, lambda: nn.LeakyReLU(math.nan)],
)  # fmt: skip
def test_what_looks_invertible_and_is_not(make: Any) -> None:
    assert check(make(), Reals(2)).injective.status is not Status.PROVED


def test_a_network_in_a_closure_is_found() -> None:
    net = Coupling(4, affine=True).eval()
    report = check(lambda x: net(2 * x - 1), Reals(4))
    assert report.bijective.status is Status.PROVED


def test_weights_and_mode_stay_as_they_were() -> None:
    net = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2)).train()
    before = {name: value.clone() for name, value in net.state_dict().items()}
    check(net, Reals(2))
    assert net.training
    assert all(torch.equal(value, before[name]) for name, value in net.state_dict().items())
    assert all(one.requires_grad for one in net.parameters())


def test_same_seed_same_report() -> None:
    f = gaussian(2, 8, 2).eval()
    one, other = (check(f, Reals(2), seed=3).to_json() for _ in range(2))
    assert {**one, "seconds": 0} == {**other, "seconds": 0}


def test_report_is_saved_and_read_back(tmp_path: Path) -> None:
    def f(x: Tensor) -> Tensor:
        return x**3 - x

    report = check(f, Box(-2, 2))
    path = tmp_path / "report.json"
    report.save(path)
    again = Report.load(path)
    assert str(again) == str(report)
    assert again.recheck(f)
    assert not again.injective.recheck(lambda x: x**3 + x)
    with pytest.raises(OutputExistsError):
        report.save(path)
    path.write_text("{}")
    with pytest.raises(StoreError, match="no report"):
        Report.load(path)


def test_verdicts_have_no_truth_value() -> None:
    report = check(nn.Tanh(), Reals(1))
    with pytest.raises(InputError, match="status"):
        bool(report.injective)
    with pytest.raises(InputError, match="status"):
        bool(report)
    assert report.invertible_on_its_image.status is Status.PROVED
    assert report.bijective.status is Status.REFUTED


def test_unknown_says_what_was_tried_and_what_would_help() -> None:
    def f(x: Tensor) -> Tensor:
        return torch.linalg.matrix_exp(x.reshape(-1, 2, 2)).flatten(1) * x.sum().sign().abs()

    claim = check(f, Reals(4)).surjective
    assert claim.status is Status.UNKNOWN
    assert claim.helps
    with pytest.raises(InputError, match="nothing to recheck"):
        claim.recheck(f)


def raises_above(x: Tensor) -> Tensor:
    if bool((x > 0.9).any()):
        raise ValueError("too large")
    return x


@pytest.mark.parametrize(
    ("f", "rule"),
    [
        (raises_above, "undefined at a point"),
        (lambda x: 1 / x, "undefined at a point"),
        (lambda x: x + torch.rand(1), "two calls"),
        (lambda x: x - x.mean(0), "rows of a batch"),
    ],
)
def test_no_functions_have_a_status_of_their_own(f: Any, rule: str) -> None:
    report = check(f, Box(-1, 1))
    assert report.injective.status is Status.NOT_A_FUNCTION
    assert report.injective.rule == rule
    assert report.bijective.status is Status.NOT_A_FUNCTION


def test_writing_into_the_input_is_noticed() -> None:
    report = check(lambda x: x.mul_(2), Box(-1, 1))
    assert any("writes into its input" in note for note in report.notes)
    assert report.injective.status is not Status.REFUTED


def fails(x: Tensor) -> Tensor:
    raise KeyError("weights")


@pytest.mark.parametrize(
    ("f", "domain", "message"),
    [
        (3, Reals(1), "a function was expected"),
        (nn.Tanh(), (0, 1), "preimage.Box"),
        (lambda x: "y", Reals(1), "must return a tensor"),
        (lambda x: x.to(torch.complex128), Reals(1), "real and imaginary"),
        (lambda x: x.sum(), Reals(1), "one output for each sample"),
        (nn.Tanh(), Reals(2), "2 outputs"),
    ],
)
def test_wrong_input_is_refused(f: Any, domain: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        check(f, domain, Reals(3))


def test_failure_everywhere_is_an_error() -> None:
    with pytest.raises(FunctionError, match="weights"):
        check(fails, Reals(1))


@pytest.mark.parametrize("wrong", [{"semantics": "int4"}, {"budget": 0.0}, {"resolution": 2.0}])
def test_wrong_settings_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(InputError):
        check(nn.Tanh(), Reals(1), **wrong)


@pytest.mark.parametrize("wrong", [0, -1, (), (3, 0)])
def test_reals_refuses_sizes(wrong: Any) -> None:
    with pytest.raises(InputError):
        Reals(wrong)


@pytest.mark.parametrize("wrong", [[], [1.0, 1.0], [float("nan")]])
def test_finite_refuses_what_is_no_set(wrong: list[float]) -> None:
    with pytest.raises(InputError):
        Finite(wrong)


def test_numpy_functions_are_unknown_rather_than_wrong() -> None:
    import numpy as np

    report = check(lambda x: np.sin(np.asarray(x)), Box(-3, 3))
    assert report.injective.status in (Status.UNKNOWN, Status.REFUTED)


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["functions.py:cubic", "--box", "-2,2"], 0, "not invertible"),
        (["functions.py:net", "--reals", "2"], 0, "So it is invertible"),
        (["functions.py:cubic", "--box", "0.6,2", "--range"], 0, "So it is invertible"),
        (["functions.py:odd", "--reals", "1"], 1, "unknown"),
        (["functions.py:cubic"], 2, "--box"),
        (["functions.py:cubic", "--reals", "x"], 2, "--reals"),
    ],
)
def test_command(
    words: list[str],
    code: int,
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "functions.py").write_text(
        "import torch\n"
        "net = torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.LeakyReLU())\n"
        "def cubic(x): return x**3 - x\n"
        "def odd(x): return torch.special.i1(x)\n"
    )
    monkeypatch.chdir(tmp_path)
    found = runner(monkeypatch, capsys, "check")(*words)
    assert found.code == code
    assert said in found.said


def test_command_prints_json(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "functions.py").write_text("def cubic(x): return x**3 - x\n")
    monkeypatch.chdir(tmp_path)
    words = ["functions.py:cubic", "--box", "-2,2", "--json", "-o", "report.json"]
    printed = json.loads(runner(monkeypatch, capsys, "check")(*words).out)
    assert printed["bijective"] == "refuted"
    assert Report.load("report.json").injective.status is Status.REFUTED


@settings(max_examples=20)
@given(st.integers(0, 10**6), st.floats(-1.5, 1.5))
def test_local_radius_holds_up(seed: int, at: float) -> None:
    """Within the radius there are no two points with values closer than the bound allows."""
    f = random_net(seed, 2, 2, 1, nn.Tanh)
    found = check_at(f, [at, -at])
    if not found.proved:
        assert found.radius == 0
        return
    source = torch.Generator().manual_seed(seed)
    step = 2 * torch.rand(200, 2, generator=source).double() - 1
    x = found.x + min(found.radius, 5.0) * step
    with torch.no_grad():
        y = f.double()(x)
    near, far = (torch.cdist(t, t, p=torch.inf) for t in (y, x))
    assert bool((far <= found.inverse_lipschitz * near + 1e-9).all())


def test_local_radius_ends_before_the_fold() -> None:
    found = check_at(lambda x: x**3 - x, [2.0])
    assert found.proved
    assert found.rank == 1
    assert 1 < found.radius <= 2 - 3**-0.5
    assert not check_at(lambda x: x**2, [0.0]).proved
    assert "injective" in str(found)


def test_the_names_are_public() -> None:
    assert preimage.check is check


def test_outputs_of_another_type_are_taken_as_real_numbers_or_as_labels() -> None:
    narrow = check(lambda x: (x**3).float(), Box(-1, 1))
    assert narrow.injective.status is Status.PROVED
    assert narrow.injective.semantics == "real"
    whole = check(lambda x: (10 * x).long(), Box(-1, 1))
    assert (whole.injective.status, whole.injective.rule) == (Status.REFUTED, "pigeonhole")
