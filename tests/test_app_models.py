"""What the page computes, without the page."""

import io
import math
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import example, given
from hypothesis import strategies as st

from preimage.app.arm import LENGTHS, ArmState, from_urdf, planar
from preimage.app.curve import EXAMPLES, Curve, CurveState
from preimage.app.drawings import draw_arm, draw_curve
from preimage.app.faces import DAMAGES, studio
from preimage.app.gallery import EXHIBITS, Exhibit
from preimage.app.guard import MOST
from preimage.app.links import query, state_of
from preimage.app.pictures import fitted, from_text, picture, to_text
from preimage.app.sketch import Sketch, ticks
from preimage.app.translating import bureau
from preimage.app.uploads import from_upload, network
from preimage.app.verdict import CheckState, domain_of, examine, subject
from preimage.errors import InputError, StoreError
from preimage.generators import DCGAN
from preimage.robots import link_names
from preimage.verdicts import Reals

ROBOT = Path(__file__).parents[1] / "examples" / "robots" / "ur5.urdf"


def values(address: str) -> dict[str, str]:
    from urllib.parse import parse_qsl, urlsplit

    return dict(parse_qsl(urlsplit(address).query, keep_blank_values=True))


# Links.


@given(
    st.sampled_from(["2", "3", "urdf"]), st.lists(st.integers(1, 9000), max_size=4),
    st.integers(-99999, 99999), st.booleans(), st.text(max_size=20),
)  # fmt: skip
def test_an_address_gives_its_state_back(
    arm: str, lengths: list[int], x: int, twin: bool, text: str
) -> None:
    state = ArmState(arm=arm, lengths=tuple(one / 1000 for one in lengths), x=x / 1000)
    assert state_of(ArmState, values(query("arm", state))) == state
    curve = CurveState(f=text, y=x / 1000, twin=twin)
    assert state_of(CurveState, values(query("curve", curve))) == curve


@pytest.mark.parametrize(
    "given_", [{"y": "nan"}, {"y": "x"}, {"low": "1e999"}, {"twin": "yes"}, {"f": "x" * 9999}]
)
def test_a_wrong_address_is_an_error_in_words(given_: dict[str, str]) -> None:
    with pytest.raises(InputError, match=next(iter(given_))):
        state_of(CurveState, given_)


# Curves.


@pytest.mark.parametrize("formula", EXAMPLES)
def test_preimages_and_ranges_of_the_examples(formula: str) -> None:
    low, high, y = EXAMPLES[formula]
    curve = Curve(formula, low, high)
    answer = curve.answer(y)
    assert answer.x
    assert np.allclose(curve.values(answer.x), y, atol=1e-6)
    assert all(abs(slope) < 1e-3 for slope in curve.slopes(curve.folds))
    # A sample in the middle of a pole is joined to nothing.
    off, on = torch.tensor([False]), curve.joined
    y_there = curve.y[torch.cat([on, off]) | torch.cat([off, on])]
    inside = torch.zeros_like(y_there, dtype=torch.bool)
    for start, end in curve.reached:
        inside |= (y_there >= start - 1e-9) & (y_there <= end + 1e-9)
    assert bool(inside.all())
    assert draw_curve(curve, answer, 500.0, None).svg().endswith("</svg>")


def test_a_pole_is_not_crossed() -> None:
    curve = Curve("1/x", -2, 2)
    assert not any(start < 0 < end for start, end in curve.reached)
    assert curve.answer(0.2).x == []


def test_a_fold_that_only_touches_zero_is_found() -> None:
    assert Curve("x^3", -1, 1.5).folds == pytest.approx([0.0], abs=1e-4)
    assert Curve("abs(x)", -1, 1.2).folds == []


@pytest.mark.parametrize("bounds", [(1.0, 1.0), (2.0, -2.0)])
def test_an_empty_interval_is_refused(bounds: tuple[float, float]) -> None:
    with pytest.raises(InputError, match="low must be smaller"):
        Curve("x", *bounds)


# Arms.


@pytest.mark.parametrize("kind", LENGTHS)
def test_postures_put_the_hand_there(kind: str) -> None:
    arm = planar(LENGTHS[kind])
    answer = arm.move((0.5, 0.3), None)
    hands = arm.points(answer.postures)[:, -1]
    assert len(answer.postures) >= 2
    assert torch.allclose(hands, torch.tensor([0.5, 0.3]).double().expand_as(hands), atol=1e-6)
    assert draw_arm(arm, answer, 500.0, (0, 1), pick=True).svg().endswith("</svg>")


@pytest.mark.parametrize("kind", LENGTHS)
@pytest.mark.parametrize("place", [0, 1])
def test_a_followed_posture_does_not_jump(kind: str, place: int) -> None:
    arm = planar(LENGTHS[kind])
    followed = arm.move((0.6, 0.0), None).postures[place]
    for turn in torch.linspace(0, 1.2 * math.pi, 24).tolist():
        answer = arm.move((0.6 * math.cos(turn), 0.6 * math.sin(turn)), followed)
        assert answer.kept
        assert answer.followed is not None
        moved = arm.function.domain.difference(answer.followed, followed) * 2 * math.pi
        assert float(moved.abs().max()) < 0.6
        followed = answer.followed


def test_a_hand_out_of_reach_leaves_the_posture_as_it_was() -> None:
    arm = planar((0.5, 0.4))
    before = arm.move((0.5, 0.4), None).followed
    assert before is not None
    answer = arm.move((2.0, 0.0), before)
    assert not answer.reached
    assert answer.followed is before


def test_an_arm_of_a_file() -> None:
    data = ROBOT.read_bytes()
    assert "tool0" in from_upload(data, ".urdf", link_names)
    arm = from_upload(data, ".urdf", lambda path: from_urdf(path, "tool0"))
    answer = arm.move((0.4, 0.2, 0.4), None)
    assert answer.reached
    assert arm.shadows is not None
    assert arm.posture(arm.shown(answer.postures[0])).allclose(answer.postures[0], atol=1e-9)


@pytest.mark.parametrize("lengths", [(), (1.0,), (1.0, -1.0), (1.0, 0.0), (1.0,) * 9])
def test_an_arm_that_is_none_is_refused(lengths: tuple[float, ...]) -> None:
    with pytest.raises(InputError, match="links are"):
        planar(lengths)


@pytest.mark.parametrize("data", [b"", b"no robot", b"<svg/>"])
def test_a_file_that_is_no_robot_is_refused(data: bytes) -> None:
    with pytest.raises(InputError):
        from_upload(data, ".urdf", link_names)


# Verdicts.


@pytest.mark.parametrize("place", [0, 1, 6, 12])
def test_a_verdict_holds_up_and_can_be_saved(place: int) -> None:
    exhibit = EXHIBITS[place]
    state = CheckState(case=place + 1, f=exhibit.formula or "x", domain=exhibit.domain)
    verdict = examine(*subject(state), None)
    assert verdict.confirmed
    assert len(verdict.pictures) == len(verdict.drawings)
    assert list(verdict.columns()["property"]) == ["injective", "surjective", "bijective"]
    assert b"</html>" in verdict.page()
    if verdict.drawings:
        assert verdict.png().startswith(b"\x89PNG")


@pytest.mark.parametrize("exhibit", EXHIBITS, ids=lambda one: one.name)
def test_exhibits_can_be_read(exhibit: Exhibit) -> None:
    number = EXHIBITS.index(exhibit) + 1
    function, domain = subject(CheckState(number, exhibit.formula or "x", exhibit.domain))
    dtype = torch.float64 if exhibit.make is None else torch.float32
    shape = domain.shape if isinstance(domain, Reals) else (domain.dim,)
    assert len(function(torch.full((2, *shape), 0.4, dtype=dtype))) == 2


@pytest.mark.parametrize(
    ("text", "variables"),
    [
        ("", ("x",)), ("1", ("x",)), ("2, 1", ("x",)), ("1, 2; 3, 4", ("x",)), ("R3", ("x",)),
        ("R", None), ("R0", None), ("R99999", None), ("a, b", ("x",)), ("-inf, 1", ("x",)),
    ],
)  # fmt: skip
def test_a_domain_that_is_none_is_refused(text: str, variables: tuple[str, ...] | None) -> None:
    with pytest.raises(InputError):
        domain_of(text, variables)


# Pictures.


def test_a_picture_travels_in_a_link() -> None:
    pixels = torch.rand(1, 16, 16, generator=torch.Generator().manual_seed(0))
    assert torch.allclose(from_text(to_text(pixels)), pixels, atol=1 / 255)
    assert to_text(torch.rand(3, 200, 200)) == ""


@pytest.mark.parametrize("shape", [(1, 1, 1), (3, 2, 50), (1, 400, 3), (3, 3, 3), (3, 90, 70)])
def test_any_picture_fits_a_network(shape: tuple[int, int, int]) -> None:
    assert fitted(torch.rand(shape), (1, 16, 16)).shape == (1, 1, 16, 16)
    assert fitted(torch.rand(shape), (3, 8, 8)).shape == (1, 3, 8, 8)


def bomb() -> bytes:
    """The head of a PNG that claims to be 60,000 pixels a side."""
    import struct
    import zlib

    head = b"IHDR" + struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    body = struct.pack(">I", 13) + head + struct.pack(">I", zlib.crc32(head))
    return b"\x89PNG\r\n\x1a\n" + body


@pytest.mark.parametrize(
    "data", [b"", b"GIF89a", b"\x89PNG\r\n\x1a\n", b"text", bomb(), b"\xff\xd8\xff\xe0" * 9]
)
def test_what_is_no_picture_is_refused(data: bytes) -> None:
    with pytest.raises(InputError, match=r"it\.png"):
        picture("it.png", data)


@pytest.mark.parametrize("text", ["!!!", "AAAA", "é"])
def test_a_damaged_picture_in_a_link_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="address"):
        from_text(text)


def test_an_archive_that_unpacks_to_too_much_is_refused() -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for i in range(3):
            archive.writestr(f"net/{i}", bytes(80 * 2**20))
    assert len(stream.getvalue()) < MOST
    with pytest.raises(InputError, match="once it is unpacked"):
        network(stream.getvalue())


# Packaged models.


def test_the_digits_have_codes_neighbours_and_restorations() -> None:
    made = studio(None, None)
    image = made.examples[:1]
    rough, fine = made.codes(image, 0), made.codes(image, 40)
    assert float(fine.residual[0]) <= float(rough.residual[0]) < 0.25
    near = made.nearest(image)
    assert [one.distance for one in near] == sorted(one.distance for one in near)
    assert all(one.pixels.shape == image.shape[1:] for one in near)
    for damage in DAMAGES:
        restored = made.restored(image, damage)
        if restored is not None:
            plain = restored.found.plain_residual
            assert plain is None or float(restored.found.residual[0]) <= float(plain[0]) + 1e-6


@pytest.mark.parametrize("steps", [-1, 10_000])
def test_refinement_has_bounds(steps: int) -> None:
    with pytest.raises(InputError, match="steps from 0"):
        studio(None, None).codes(studio(None, None).examples[:1], steps)


def test_a_generator_without_an_inverse_is_refused(tmp_path: Path) -> None:
    gan = DCGAN(latent=4, size=8, channels=1, width=2, steps=1, batch=4, device="cpu")
    gan.fit(torch.rand(8, 1, 8, 8, generator=torch.Generator().manual_seed(0)))
    gan.save(tmp_path / "gan")
    with pytest.raises(StoreError, match="no inverse"):
        studio(tmp_path / "gan", None)
    with pytest.raises(StoreError):
        bureau(tmp_path / "gan")


@pytest.mark.parametrize("place", [0, 1])
def test_digits_become_outlines_and_come_back(place: int) -> None:
    made = bureau(None)
    assert made.examples is not None
    there, other = made.examples[place], made.examples[1 - place]
    trip = made.trip(there, "")
    assert float((trip.there - other).abs().mean()) < 0.5 * float((there - other).abs().mean())
    assert 0 < trip.error < 1
    assert trip.psnr > 15


@pytest.mark.parametrize("shape", [(3, 40, 60), (1, 8, 8), (3, 1000, 300)])
def test_pictures_of_any_size_are_translated(shape: tuple[int, int, int]) -> None:
    trip = bureau(None).trip(torch.full(shape, 0.5), "")
    assert trip.back.shape == trip.given.shape
    assert max(trip.given.shape) <= 768


@pytest.mark.parametrize(("shape", "side"), [((1, 4, 40), ""), ((1, 32, 32), "c")])
def test_what_cannot_be_translated_is_refused(shape: tuple[int, int, int], side: str) -> None:
    with pytest.raises(InputError):
        bureau(None).trip(torch.zeros(shape), side)


# Drawings.


@example(low=879609.9999999999, width=1e-06)
@given(st.floats(-1e6, 1e6), st.floats(1e-6, 1e6))
def test_ticks_are_round_and_inside(low: float, width: float) -> None:
    if low + width <= low:
        return
    found = ticks((low, low + width), 6)
    assert len(found) <= 8
    # A tick is the nearest float to a round number, rounded to 12 places.
    slack = 1e-6 * width + 1e-11 + 2 * math.ulp(max(abs(low), abs(low + width)))
    assert all(low - slack <= one <= low + width + slack for one in found)


@given(st.floats(0, 1), st.floats(0, 1))
def test_pixels_and_data_are_each_others_inverse(across: float, up: float) -> None:
    sketch = Sketch(600, 400, (-2.0, 3.0), (-1.0, 1.0), "test")
    x, y = -2 + 5 * across, -1 + 2 * up
    assert sketch.data(*sketch.at(x, y)) == pytest.approx((x, y), abs=1e-9)


def test_words_are_escaped() -> None:
    sketch = Sketch(600, 400, (0.0, 1.0), (0.0, 1.0), "test")
    sketch.axes("<script>", "&")
    sketch.dot(0.5, 0.5, "dot", title="<b>")
    assert "<script>" not in sketch.svg()
    assert "<b>" not in sketch.svg()
