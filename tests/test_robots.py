"""Robots: the forward map against an independent one, derivatives, rotations, limits, answers."""

import math
import runpy
import shlex
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
import yourdfpy
from commands import Run, runner
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation
from torch import Tensor

import preimage
from preimage.errors import InputError, MissingExtraError, PreimageError
from preimage.function import Function
from preimage.robots import (
    link_names,
    load_urdf,
    matrices_from_poses,
    poses_from_matrices,
    poses_from_quaternions,
    quaternions_from_poses,
)
from preimage.robots.chain import Chain, Joint
from preimage.robots.goals import GOALS
from preimage.robots.kinematics import ROWS, ForwardKinematics
from preimage.robots.rotations import axes_of_vector, compose, vector_of_axes
from preimage.robots.spaces import AxisSpace, PoseSpace

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "examples" / "robots"
ARMS = {
    "panda": "panda_hand",
    "ur5": "tool0",
    "iiwa14": "flange",
    "xarm7": "link_eef",
    "jaco2": "end_effector",
    "gen3": "end_effector_link",
}
POSE, AXIS = PoseSpace(), AxisSpace()


def urdf(folder: Path, *joints: str) -> Path:
    """A robot of links a, b, c, ... in a row, one for each joint: `TYPE LOWER UPPER [MIMICS]`."""
    links = "abcdefgh"[: len(joints) + 1]
    lines = [f'<link name="{link}"/>' for link in links]
    for (parent, child), joint in zip(pairwise(links), joints, strict=True):
        kind, lower, upper, *mimics = joint.split()
        limit = f'<limit lower="{lower}" upper="{upper}" effort="1" velocity="1"/>'
        lines.append(
            f'<joint name="{parent}{child}" type="{kind}"><parent link="{parent}"/>'
            f'<child link="{child}"/><origin xyz="0.3 0 0.1" rpy="0.3 0.2 0.1"/>'
            f'<axis xyz="0 0.6 0.8"/>{limit if lower != "-" else ""}'
            f"{'<mimic {}/>'.format(' '.join(mimics)) if mimics else ''}</joint>"
        )
    path = folder / "robot.urdf"
    path.write_text(f'<robot name="test">{"".join(lines)}</robot>')
    return path


def reference(path: Path, tip: str, base: str, names: tuple[str, ...], x: Tensor) -> np.ndarray:
    """The tool's transforms, as the parser's own forward kinematics gives them."""
    robot = yourdfpy.URDF.load(str(path), load_meshes=False)
    out = []
    for row in x.numpy():
        robot.update_cfg(dict(zip(names, row, strict=True)))
        out.append(robot.get_transform(tip, base))
    return np.stack(out)


def slope(function: Function, x: Tensor, step: float = 1e-6) -> Tensor:
    """The Jacobian by central differences of the difference from the output at x."""
    y, columns = function(x), []
    for j in range(x.shape[1]):
        shift = torch.zeros_like(x)
        shift[:, j] = step
        ahead = function.space.difference(function(x + shift), y)
        columns.append((ahead - function.space.difference(function(x - shift), y)) / (2 * step))
    return torch.stack(columns, dim=2)


@pytest.fixture(params=ARMS)
def arm(request: pytest.FixtureRequest) -> tuple[str, Path, str]:
    return request.param, FOLDER / f"{request.param}.urdf", ARMS[request.param]


def test_poses_agree_with_another_forward_kinematics(arm: tuple[str, Path, str]) -> None:
    _, path, tip = arm
    function = load_urdf(path, tip)
    x = function.domain.sobol(50, 1)
    theirs = reference(path, tip, link_names(path)[0], function.domain.names, x)
    assert np.abs(matrices_from_poses(function(x)).numpy() - theirs).max() < 1e-9


@pytest.mark.parametrize("goal", GOALS)
def test_the_jacobian_is_the_derivative_of_the_difference(
    arm: tuple[str, Path, str], goal: str
) -> None:
    _, path, tip = arm
    function = load_urdf(path, tip, goal=goal)
    x = function.domain.sobol(20, 2)
    y, jacobian = function.linearize(x)
    assert torch.equal(y, function(x))
    assert torch.allclose(jacobian, slope(function, x), atol=1e-8)


def test_a_batch_is_worked_on_in_parts_and_rows_are_independent() -> None:
    function = load_urdf(FOLDER / "panda.urdf", "panda_hand")
    x = function.domain.sobol(2 * ROWS + 3)
    y, jacobian = function.linearize(x)
    some = torch.tensor([0, ROWS - 1, ROWS, 2 * ROWS + 2])
    alone_y, alone = function.linearize(x[some])
    assert torch.allclose(y[some], alone_y, atol=1e-14)
    assert torch.allclose(jacobian[some], alone, atol=1e-14)


def test_a_skeleton_leads_from_the_base_through_the_joints_to_the_tool() -> None:
    """Lengths between its points are those of the arm: they do not change with the posture."""
    function = load_urdf(FOLDER / "ur5.urdf", "tool0", goal="position")
    assert isinstance(function.fn, ForwardKinematics)
    x = function.domain.sobol(5)
    points = function.fn.skeleton(x)
    assert torch.allclose(points[:, -1], function(x))
    bones = points.diff(dim=1).norm(dim=2)
    assert torch.allclose(bones, bones[:1].expand_as(bones))
    assert np.allclose(bones[0], [0, 0.089159, 0.425, 0.39225, 0.10915, 0.09465, 0.0823])


angles = st.floats(-7, 7) | st.sampled_from([0.0, math.pi / 2, -math.pi / 2, math.pi, 1e-8])
lengths = st.floats(-2, 2) | st.just(0.0)
vectors = st.tuples(lengths, lengths, lengths)
directions = vectors.filter(lambda v: np.linalg.norm(v) > 1e-3)
placements = st.tuples(vectors, st.tuples(angles, angles, angles))
chains = st.lists(st.tuples(placements, directions, st.booleans(), angles), min_size=1, max_size=5)


def transform(xyz: tuple[float, ...], rotation: Rotation) -> np.ndarray:
    out = np.eye(4)
    out[:3, :3], out[:3, 3] = rotation.as_matrix(), xyz
    return out


@given(chains, placements)
def test_any_chain_is_the_product_of_its_transforms(joints: list, tool: tuple) -> None:
    product, chain = np.eye(4), []
    for (xyz, rpy), axis, slides, value in joints:
        placement = transform(xyz, Rotation.from_euler("xyz", rpy))
        unit = np.array(axis) / np.linalg.norm(axis)
        moved = transform(unit * value, Rotation.identity())
        if not slides:
            moved = transform((0, 0, 0), Rotation.from_rotvec(unit * value))
        product = product @ placement @ moved
        chain.append(
            Joint(torch.from_numpy(placement), torch.tensor(axis, dtype=torch.float64), slides)
        )
    end = transform(tool[0], Rotation.from_euler("xyz", tool[1]))
    values = torch.tensor([[value] for *_, value in joints], dtype=torch.float64)
    frames = Chain(chain, torch.from_numpy(end)).frames(values)
    ours = torch.stack([frames.x, frames.y, frames.z, frames.position], dim=1)[:, :, 0]
    assert np.abs(ours.numpy() - (product @ end)[:3]).max() < 1e-9


turn_lengths = (
    st.floats(0, 10)
    | st.floats(-18, 0).map(lambda e: 10**e)
    | st.floats(-18, 0).map(lambda e: math.pi - 10**e)
    | st.floats(-18, 0).map(lambda e: math.pi + 10**e)
    | st.sampled_from([0.0, math.pi, 2 * math.pi])
)
rotations = st.builds(
    lambda axis, size: np.array(axis) / np.linalg.norm(axis) * size,
    directions | st.sampled_from([(1.0, 0.0, 0.0), (0.0, -1.0, 0.0), (0.0, 0.0, 1.0)]),
    turn_lengths,
)


def column(vector: np.ndarray) -> Tensor:
    return torch.from_numpy(np.asarray(vector, dtype=np.float64))[:, None]


@given(rotations)
def test_a_rotation_survives_the_way_to_axes_and_back(vector: np.ndarray) -> None:
    matrix = Rotation.from_rotvec(vector).as_matrix()
    axes = axes_of_vector(column(vector))
    assert np.abs(torch.cat(axes, dim=1).numpy() - matrix).max() < 1e-14
    again = vector_of_axes(*axes)[:, 0].numpy()
    assert np.linalg.norm(again) <= math.pi + 1e-12
    assert np.abs(Rotation.from_rotvec(again).as_matrix() - matrix).max() < 1e-12


@given(rotations, rotations)
def test_one_rotation_after_another(first: np.ndarray, then: np.ndarray) -> None:
    both = compose(column(first), column(then))[:, 0].numpy()
    matrix = Rotation.from_rotvec(then).as_matrix() @ Rotation.from_rotvec(first).as_matrix()
    assert np.linalg.norm(both) <= math.pi + 1e-12
    assert np.abs(Rotation.from_rotvec(both).as_matrix() - matrix).max() < 1e-12


@given(vectors, vectors, rotations, rotations)
def test_poses_differ_by_a_shift_and_a_turn(
    p: tuple, q: tuple, r: np.ndarray, s: np.ndarray
) -> None:
    y, target = (torch.tensor([*a, *b], dtype=torch.float64) for a, b in ((p, r), (q, s)))
    difference = POSE.difference(y, target)
    assert torch.allclose(difference[:3], y[:3] - target[:3])
    angle = (Rotation.from_rotvec(r) * Rotation.from_rotvec(s).inv()).magnitude()
    assert math.isclose(float(difference[3:].norm()), angle, abs_tol=1e-7)
    turn = compose(target[3:, None], difference[3:, None])
    assert torch.allclose(torch.cat(axes_of_vector(turn)), torch.cat(axes_of_vector(y[3:, None])))
    assert float(POSE.difference(y, y).norm()) < 1e-14


@given(vectors, vectors, rotations, rotations)
def test_lifted_poses_differ_as_poses_do(p: tuple, q: tuple, r: np.ndarray, s: np.ndarray) -> None:
    y, target = (torch.tensor([[*a, *b]], dtype=torch.float64) for a, b in ((p, r), (q, s)))
    lifted, wanted = POSE.lift(y), POSE.lift(target)
    assert float(POSE.distance(POSE.lower(lifted), y)) < 1e-13
    gap, difference = POSE.gap(lifted, wanted), POSE.difference(y, target)
    assert torch.allclose(gap.norm(dim=1), difference.norm(dim=1), atol=1e-12)
    # Half a turn one way is half a turn the other way.
    one, other = (compose(target[:, 3:].T, d[:, 3:].T) for d in (gap, difference))
    there = torch.cat(axes_of_vector(other))
    assert torch.allclose(torch.cat(axes_of_vector(one)), there, atol=1e-12)


@pytest.mark.parametrize("axis", [(0, 0, 1), (1, 0, 0), (0.6, 0, -0.8)])
def test_lifted_poses_half_a_turn_apart_are_not_the_same(axis: tuple[float, ...]) -> None:
    turned = torch.tensor([[0.0, 0, 0, *axis]], dtype=torch.float64) * math.pi
    gap = POSE.gap(POSE.lift(turned), POSE.lift(torch.zeros(1, 6, dtype=torch.float64)))
    assert math.isclose(float(gap.norm()), math.pi)


@given(rotations)
def test_whole_turns_more_are_the_same_pose(vector: np.ndarray) -> None:
    size = np.linalg.norm(vector)
    axis = vector / size if size > 0 else np.array([0.0, 0.0, 1.0])
    more = vector + 2 * math.pi * axis
    y, target = (torch.tensor([0.0, 0, 0, *v], dtype=torch.float64) for v in (vector, more))
    assert float(POSE.difference(y, target).norm()) < 1e-13
    near = POSE.coordinates(torch.stack([y, target]))
    assert torch.allclose(near[0], near[1], atol=1e-13)


@given(directions, directions, st.floats(0.1, 10))
def test_directions_differ_by_their_angle(a: tuple, b: tuple, size: float) -> None:
    y = torch.tensor([0.0, 0, 0, *a], dtype=torch.float64)
    target = torch.tensor([0.0, 0, 0, *b], dtype=torch.float64)
    cosine = np.dot(a, b) / np.linalg.norm(a) / np.linalg.norm(b)
    sine = np.linalg.norm(np.cross(a, b)) / np.linalg.norm(a) / np.linalg.norm(b)
    way = AXIS.difference(y, target)[3:]
    assert math.isclose(float(way.norm()), math.atan2(sine, cosine), abs_tol=1e-12)
    assert torch.allclose(AXIS.difference(y, target * size)[3:], way, atol=1e-12)


@pytest.mark.parametrize("axis", [(0, 0, 1), (0, 0, -1), (1, 0, 0), (0.6, 0, 0.8)])
def test_opposite_directions_are_half_a_turn_apart(axis: tuple[float, ...]) -> None:
    y = torch.tensor([0, 0, 0, *axis], dtype=torch.float64)
    assert math.isclose(float(AXIS.difference(y, -y).norm()), math.pi)


@pytest.mark.parametrize("space", [POSE, AXIS])
def test_differences_can_be_differentiated_and_keep_gaps(space: PoseSpace | AxisSpace) -> None:
    source = torch.Generator().manual_seed(0)
    y = torch.randn(6, 6, dtype=torch.float64, generator=source).requires_grad_()
    target = torch.randn(6, dtype=torch.float64, generator=source).requires_grad_()
    assert torch.autograd.gradcheck(space.difference, (y, target))
    same = y.detach().clone().requires_grad_()
    space.difference(same, same.detach()).sum().backward()
    assert bool(same.grad is not None and same.grad.isfinite().all())
    gap = torch.full((2, 6), torch.nan, dtype=torch.float64)
    assert bool(space.difference(gap, gap).isnan().all())
    assert bool(space.coordinates(gap).isnan().any(dim=1).all())


@pytest.mark.parametrize("space", [POSE, AXIS])
@given(st.tuples(vectors, directions), st.tuples(vectors, directions))
def test_the_way_between_two_outputs_is_evenly_divided(
    space: PoseSpace | AxisSpace, start: tuple, end: tuple
) -> None:
    a, b = (torch.tensor([*one[0], *one[1]], dtype=torch.float64) for one in (start, end))
    way = space.between(a, b, torch.linspace(0, 1, 5, dtype=torch.float64))
    assert float(space.distance(way[0], a)) < 1e-9
    assert float(space.distance(way[-1], b)) < 1e-6
    steps = space.distance(way[1:], way[:-1])
    assert torch.allclose(steps, space.distance(a, b).expand(4) / 4, atol=1e-6)


@given(vectors, rotations)
def test_poses_survive_the_way_to_matrices_and_quaternions(p: tuple, r: np.ndarray) -> None:
    pose = np.array([*p, *r])
    matrix = matrices_from_poses(pose)[0]
    assert np.abs(matrix - transform(p, Rotation.from_rotvec(r))).max() < 1e-13
    quaternion = quaternions_from_poses(pose)
    assert quaternion[0, 3] >= 0
    assert np.abs(Rotation.from_quat(quaternion[0]).as_matrix() - matrix[:3, :3]).max() < 1e-13
    for again in (poses_from_matrices(matrix), poses_from_quaternions([p], 3 * quaternion)):
        back = torch.from_numpy(again)
        assert float(POSE.distance(back, torch.from_numpy(pose)).max()) < 1e-12


def test_conversions_return_what_was_given_and_refuse_what_is_no_rotation() -> None:
    assert isinstance(matrices_from_poses(torch.zeros(2, 6)), Tensor)
    assert isinstance(matrices_from_poses([[0] * 6]), np.ndarray)
    for wrong in (np.zeros((4, 4)), np.diag([1.0, 1.0, -1.0, 1.0]), np.eye(3)):
        with pytest.raises(InputError):
            poses_from_matrices(wrong)
    for place, turn in (([0, 0, 0], [0, 0, 0, 0]), ([0, 0], [0, 0, 0, 1]), ([0, 0, "a"], [1] * 4)):
        with pytest.raises(InputError):
            poses_from_quaternions(place, turn)
    with pytest.raises(InputError, match="missing"):
        quaternions_from_poses([np.nan] * 6)


def test_limits_names_and_units_come_from_the_file(tmp_path: Path) -> None:
    path = urdf(tmp_path, "revolute -1 2", "prismatic 0 0.4", "continuous - -", "fixed - -")
    box = load_urdf(path, "e").domain
    assert box.names == ("ab", "bc", "cd")
    assert box.units == ("rad", "m", "rad")
    assert box.low.tolist() == [-1, 0, -math.pi]
    assert box.high.tolist() == [2, 0.4, math.pi]
    assert box.periodic.tolist() == [False, False, True]
    assert load_urdf(path, "e", base="b").domain.names == ("bc", "cd")


@pytest.mark.parametrize(
    ("lower", "upper", "low", "turns"),
    [
        ("-6.28", "6.28", -math.pi, True),
        ("-3.14159", "3.14159", -math.pi, True),
        ("-2", "6", 2 - math.pi, True),
        ("-3.1", "3.1", -3.1, False),
    ],
)
def test_a_joint_that_turns_all_the_way_is_one_turn(
    tmp_path: Path, lower: str, upper: str, low: float, turns: bool
) -> None:
    box = load_urdf(urdf(tmp_path, f"revolute {lower} {upper}"), "b").domain
    assert box.periodic.tolist() == [turns]
    assert math.isclose(float(box.low), low)
    assert not turns or math.isclose(float(box.width), 2 * math.pi)


@pytest.mark.parametrize(
    "mimic", ['joint="ab"', 'joint="ab" multiplier="-2"', 'joint="ab" multiplier="0.5" offset="1"']
)
def test_a_joint_that_mimics_another_moves_with_it(tmp_path: Path, mimic: str) -> None:
    path = urdf(tmp_path, "revolute -1 1", "revolute -3 3", f"revolute -9 9 {mimic}")
    function = load_urdf(path, "d")
    assert function.domain.names == ("ab", "bc")
    x = function.domain.sobol(10)
    theirs = reference(path, "d", "a", function.domain.names, x)
    assert np.abs(matrices_from_poses(function(x)).numpy() - theirs).max() < 1e-9
    assert torch.allclose(function.linearize(x)[1], slope(function, x), atol=1e-8)


def test_half_a_turn_for_each_turn_does_not_come_round(tmp_path: Path) -> None:
    half = 'revolute -9 9 joint="ab" multiplier="0.5"'
    box = load_urdf(urdf(tmp_path, "revolute -7 7", half), "c").domain
    assert box.periodic.tolist() == [False]
    with pytest.raises(InputError, match="give it limits"):
        load_urdf(urdf(tmp_path, "continuous - -", half), "c")


@pytest.mark.parametrize(
    ("joints", "arguments", "message"),
    [
        (["revolute -1 1"], {"tip": "hand"}, "no link 'hand'"),
        (["revolute -1 1"], {"tip": "bb"}, "did you mean b?"),
        (["revolute -1 1"], {"tip": "b", "base": "z"}, "no link 'z'"),
        (["revolute -1 1"] * 2, {"tip": "b", "base": "c"}, "'c' does not carry 'b'"),
        (["fixed - -"], {"tip": "b"}, "no joint moves"),
        (["revolute -1 1"], {"tip": "a"}, "no joint moves"),
        (["revolute - -"], {"tip": "b"}, 'or type="continuous"'),
        (["prismatic - -"], {"tip": "b"}, "has no limits"),
        (["revolute 1 -1"], {"tip": "b"}, "in radians, or make it fixed"),
        (["prismatic 0 0"], {"tip": "b"}, "in metres, or make it fixed"),
        (["floating - -", "revolute -1 1"], {"tip": "c"}, "is floating"),
        (['revolute -1 1 joint="zz"'], {"tip": "b"}, "mimics 'zz'"),
        (['revolute -1 1 joint="ab"'], {"tip": "b"}, "mimics 'ab'"),
        (["revolute -1 1"], {"tip": "b", "goal": "posit"}, "did you mean position?"),
    ],
)
def test_robots_that_cannot_be_used_say_why(
    tmp_path: Path, joints: list[str], arguments: dict[str, str], message: str
) -> None:
    with pytest.raises(InputError) as error:
        load_urdf(urdf(tmp_path, *joints), **arguments)
    assert message in str(error.value)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("arm.urdf", "not XML", "cannot be read as a URDF"),
        ("arm.urdf", "<html><body/></html>", "cannot be read as a URDF"),
        ("arm.urdf", '<robot name="x"/>', "describes no links"),
        ("arm.xacro", "<robot/>", "is a macro"),
        ("arms.urdf", None, "there is no file"),
    ],
)
def test_files_that_are_no_robot_say_so(
    tmp_path: Path, name: str, text: str | None, message: str
) -> None:
    if text is not None:
        (tmp_path / name).write_text(text)
    with pytest.raises(InputError, match=message):
        load_urdf(tmp_path / name, "b")


def test_without_the_parser_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "yourdfpy", None)
    with pytest.raises(MissingExtraError, match=r"preimage\[robots\]") as error:
        load_urdf(FOLDER / "ur5.urdf", "tool0")
    assert isinstance(error.value, PreimageError)


@pytest.mark.parametrize("goal", GOALS)
def test_every_pose_is_reached_within_the_limits(arm: tuple[str, Path, str], goal: str) -> None:
    """Checked by the parser's own forward kinematics, to a micrometre and a microradian."""
    _, path, tip = arm
    function = load_urdf(path, tip, goal=goal)
    y = function(function.domain.sobol(16, 3))
    found = preimage.invert(function, y, n=2)
    assert found.answered
    assert bool(function.domain.contains(found.x[found.ok]).all())
    best = found.x[:, 0]
    theirs = reference(path, tip, link_names(path)[0], function.domain.names, best)
    assert np.abs(theirs[:, :3, 3] - y[:, :3].numpy()).max() < 1e-6
    if goal == "pose":
        assert np.abs(theirs[:, :3, :3] - matrices_from_poses(y)[:, :3, :3].numpy()).max() < 1e-6
    if goal == "axis":
        assert np.abs(theirs[:, :3, 2] - y[:, 3:].numpy()).max() < 1e-6


def test_a_six_joint_arm_has_eight_postures_for_a_pose() -> None:
    """Shoulder left and right, elbow up and down, wrist flipped and not: the UR5's eight."""
    function = load_urdf(FOLDER / "ur5.urdf", "tool0")
    target = function(torch.tensor([[0.3, -1.2, 1.4, -0.7, 1.1, 0.4]], dtype=torch.float64))
    found = preimage.invert(function, target)
    assert found.count.tolist() == [8]
    shoulder, elbow, wrist = (found.x[0, found.ok[0]][:, j] for j in (0, 2, 4))
    assert len(set(shoulder.numpy().round(6))) == 2
    assert int((elbow > 0).sum()) == int((wrist > 0).sum()) == 4


def test_unreachable_poses_and_zero_directions_are_told() -> None:
    function = load_urdf(FOLDER / "ur5.urdf", "tool0", goal="axis")
    far = preimage.invert(function, [[2.0, 0.0, 0.2, 0.0, 0.0, -1.0]], n=1)
    assert str(far.status[0]) == "unreachable"
    with pytest.raises(InputError, match="0, 0, 0"):
        preimage.invert(function, [[0.4, 0.0, 0.2, 0.0, 0.0, 0.0]])


def test_a_path_is_followed_without_jumps() -> None:
    function = load_urdf(FOLDER / "panda.urdf", "panda_hand")
    start = torch.tensor([[0.0, -0.3, 0.0, -2.2, 0.0, 2.0, 0.8]], dtype=torch.float64)
    path = function(start).repeat(8, 1)
    path[:, 1] += torch.linspace(0, 0.14, 8, dtype=torch.float64)
    moves = preimage.invert(function, path, near="previous")
    assert moves.answered
    assert float(moves.best.diff(dim=0).abs().max()) < 0.2


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs a command in a folder with the examples in it, as the shell would."""
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    monkeypatch.chdir(tmp_path)
    return runner(monkeypatch, capsys)


UR5 = ("--robot", "examples/robots/ur5.urdf", "--tip", "tool0")


def test_a_robot_is_inverted_from_the_command_line(run: Run) -> None:
    found = run("invert", *UR5, "0.3,-0.4,0.3,3,0.2,0.1")
    assert (found.code, found.err) == (0, "")
    assert "1 of 1 target answered, with 8 distinct answers" in found.out
    assert run("invert", *UR5, "--goal", "position", "3,0,0").code == 1


def test_poses_by_quaternion_are_the_same_targets(run: Run) -> None:
    pose = [0.3, -0.4, 0.3, 3.0, 0.2, 0.1]
    both = [*pose[:3], *quaternions_from_poses(pose)[0].tolist()]
    Path("vectors.csv").write_text("x,y,z,rx,ry,rz\n" + ",".join(map(str, pose)) + "\n")
    Path("quaternions.csv").write_text("x,y,z,qx,qy,qz,qw\n" + ",".join(map(str, both)) + "\n")
    said = [
        run("invert", *UR5, words).out
        for words in ("vectors.csv", "quaternions.csv", ",".join(map(str, both)))
    ]
    answers = [[line.split()[-7:-1] for line in one.splitlines()[2:9]] for one in said]
    for other in answers[1:]:
        assert np.allclose(np.array(answers[0], float), np.array(other, float), atol=1e-6)


def test_a_model_of_a_robot_takes_the_robot_again(run: Run) -> None:
    assert run("fit", *UR5, "-o", "arm.model").code == 0
    forgotten = run("invert", "arm.model", "0.3,-0.4,0.3,3,0.2,0.1")
    assert forgotten.code == 2
    assert "--robot FILE.urdf" in forgotten.err
    assert run("invert", "arm.model", *UR5, "0.3,-0.4,0.3,3,0.2,0.1", "-n", "1").code == 0


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((*UR5[:2], "0,0,0,0,0,0"), "one of base, shoulder"),
        ((*UR5[:2], "--tip", "tool", "0,0,0,0,0,0"), "did you mean tool0?"),
        (("--tip", "tool0", "0,0,0,0,0,0"), "add --robot"),
        ((*UR5, "--box", "0,1", "0,0,0,0,0,0"), "leave out --box"),
        ((*UR5, "--function", "f.py:f", "0,0,0,0,0,0"), "leave out --function"),
        ((*UR5, "--goal", "point", "0,0,0"), "no goal 'point'"),
        ((*UR5, "0,0,0"), "6 are wanted (x, y, z, rx, ry, rz)"),
        ((*UR5, "0,0,0,0,0,0,0"), "a quaternion is 0, 0, 0, 0"),
        (("--robot", "examples/robots/ur6.urdf", "--tip", "t", "0"), "did you mean ur5.urdf?"),
    ],
)
def test_wrong_use_is_one_clear_error(run: Run, words: tuple[str, ...], message: str) -> None:
    wrong = run("invert", *words)
    assert wrong.code == 2
    assert wrong.err.startswith("error: ")
    assert message in wrong.err


def test_the_commands_of_the_robots_page_run(run: Run) -> None:
    page = (ROOT / "docs" / "robots.md").read_text("utf-8").replace("\\\n", " ")
    commands = [line[2:] for line in page.splitlines() if line.startswith("$ preimage")]
    assert commands
    for command in commands:
        assert run(*shlex.split(command)[1:]).code == 0, command


def test_the_example_runs(capsys: pytest.CaptureFixture[str]) -> None:
    runpy.run_path(str(ROOT / "examples" / "robots.py"), run_name="__main__")
    said = capsys.readouterr().out
    assert "8 distinct answers" in said
    assert "50 of 50 targets answered" in said
    assert "7 of 7 targets answered" in said
