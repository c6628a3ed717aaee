"""Formulas mean what they say, and nothing that is typed is run."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from preimage.app.formulas import FUNCTIONS, constant, parse
from preimage.errors import InputError

X = torch.linspace(-1.7, 1.9, 23, dtype=torch.float64)[:, None]

TOTAL = ("sin", "cos", "tanh", "atan", "abs", "relu", "sigmoid")
"""Functions that have a value everywhere."""

FORMULAS = st.recursive(
    st.one_of(
        st.sampled_from(["x", "pi"]),
        st.integers(0, 9).map(str),
        st.floats(0.01, 9, allow_nan=False).map(lambda v: f"{v:.3f}"),
    ),
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from("+-*"), inner).map(lambda t: f"({t[0]} {t[1]} {t[2]})"),
        inner.map(lambda one: f"-({one})"),
        st.tuples(inner, st.integers(0, 3)).map(lambda t: f"({t[0]})^{t[1]}"),
        st.tuples(st.sampled_from(TOTAL), inner).map(lambda t: f"{t[0]}({t[1]})"),
    ),
    max_leaves=12,
)


def reference(text: str, x: float) -> float:
    """The value by Python's own grammar, for text that was made above."""
    names = {
        "sin": math.sin, "cos": math.cos, "tanh": math.tanh, "atan": math.atan, "abs": abs,
        "relu": lambda v: max(v, 0.0), "sigmoid": lambda v: 1 / (1 + math.exp(-v)),
        "pi": math.pi, "x": x, "__builtins__": {},
    }  # fmt: skip
    return eval(text.replace("^", "**"), names)


@given(FORMULAS)
def test_a_formula_has_the_value_that_it_has_in_python(text: str) -> None:
    try:
        wanted = [reference(text, x) for x in X[:, 0].tolist()]
    except OverflowError:
        return
    found = parse(text)(X)
    assert found.shape == (len(X), 1)
    expected = torch.tensor(wanted, dtype=torch.float64)[:, None]
    assert torch.allclose(found, expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(
    ("text", "x", "wanted"),
    [
        ("-x^2", 3.0, -9.0),
        ("2x(x + 1)", 2.0, 12.0),
        ("2^-x", 1.0, 0.5),
        ("2^x^2", 2.0, 16.0),
        ("x³ − 2·x", 2.0, 4.0),
        ("x**2/2/2", 4.0, 4.0),
        ("1e-3x", 2.0, 0.002),
        ("e^x", 1.0, math.e),
        ("x - -x", 2.0, 4.0),
        ("3", 7.0, 3.0),
    ],
)
def test_usual_ways_of_writing(text: str, x: float, wanted: float) -> None:
    assert parse(text)(torch.tensor([[x]]).double()).item() == pytest.approx(wanted)


@given(st.text(alphabet="xye0123456789.+-*/^(),sincoexpτ _[]'\"\\", max_size=40))
def test_any_text_is_a_formula_or_an_error_in_words(text: str) -> None:
    try:
        y = parse(text, ("x", "y"))(torch.ones(3, 2, dtype=torch.float64))
    except InputError:
        return
    assert len(y) == 3
    assert y.dtype == torch.float64


@pytest.mark.parametrize(
    "text",
    [
        "__import__('os').system('true')", "x.__class__", "().__class__", "lambda x: x", "x; x",
        "[x for x in x]", "x if x else x", "exec(x)", "torch.load(x)", "x := 1", "sin", "sin x",
        "open(x)", "", "x +", "(x", "x)", "1 2", "x,", "sin()", "(" * 200 + "x" + ")" * 200,
        "x" * 1000, "-" * 100 + "x", "1/0", "9^9^9^9", "(-1)^0.5", "(-2)^x", "y",
    ],
)  # fmt: skip
def test_what_is_no_formula_is_refused(text: str) -> None:
    with pytest.raises(InputError):
        parse(text)(X)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_have_gradients(name: str) -> None:
    x = torch.tensor([[0.3]], dtype=torch.float64, requires_grad=True)
    parse(f"{name}(x)")(x).sum().backward()
    assert x.grad is not None
    assert bool(x.grad.isfinite().all())


@given(st.floats(-1e6, 1e6))
def test_numbers_are_read_as_they_are_written(value: float) -> None:
    assert constant(repr(value)) == pytest.approx(value, rel=1e-12, abs=1e-300)


def test_outputs_are_counted() -> None:
    with pytest.raises(InputError, match="2 outputs"):
        parse("x, x", outputs=1)
