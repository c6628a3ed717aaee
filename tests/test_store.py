import json
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from preimage.errors import InputError, OutputExistsError, StoreError
from preimage.store import load_model, read_tree, save_model, write_tree

DTYPES = [
    torch.float64,
    torch.float32,
    torch.float16,
    torch.bfloat16,
    torch.int64,
    torch.int32,
    torch.uint8,
    torch.bool,
]

finite = st.floats(allow_nan=False, allow_infinity=False)
scalars = st.none() | st.booleans() | st.integers() | finite | st.text()
configs = st.dictionaries(
    st.text().filter(lambda key: key not in {"kind", "format", "preimage", "tensors"}),
    st.recursive(
        scalars, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=8
    ),
    max_size=4,
)


@st.composite
def arrays(draw: st.DrawFn) -> Tensor:
    shape = draw(st.lists(st.integers(0, 3), max_size=3))
    seed = draw(st.integers(0, 1000))
    values = torch.randn(shape, generator=torch.Generator().manual_seed(seed)) * 100
    values = values.to(draw(st.sampled_from(DTYPES)))
    return values.T if draw(st.booleans()) and values.ndim == 2 else values


tensors = st.dictionaries(st.text(min_size=1).filter(lambda name: name != "__metadata__"), arrays())


def same(one: Any, other: Any) -> bool:
    """Equal, with tensors compared by type, shape and bits, and numbers by type too."""
    if type(one) is not type(other):
        return False
    match one:
        case Tensor():
            return one.dtype == other.dtype and torch.equal(one, other)
        case dict():
            return list(one) == list(other) and all(same(one[key], other[key]) for key in one)
        case list() | tuple():
            return len(one) == len(other) and all(map(same, one, other))
    return one == other


@given(config=configs, weights=tensors)
def test_model_round_trip(
    tmp_path_factory: pytest.TempPathFactory, config: dict[str, Any], weights: dict[str, Tensor]
) -> None:
    path = tmp_path_factory.mktemp("models") / "model"
    save_model(path, config={**config, "kind": "test"}, tensors=weights, card="A test.")
    loaded, found = load_model(path)
    assert loaded.pop("kind") == "test"
    assert loaded.pop("format") == 1
    assert isinstance(loaded.pop("preimage"), str)
    assert same(loaded, config)
    assert same(dict(sorted(found.items())), dict(sorted(weights.items())))


trees = st.recursive(
    scalars | st.floats(allow_nan=False) | arrays(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(st.text() | st.integers(), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(tree=trees)
def test_tree_round_trip(tmp_path_factory: pytest.TempPathFactory, tree: Any) -> None:
    path = tmp_path_factory.mktemp("trees") / "state.safetensors"
    write_tree(path, tree)
    assert same(read_tree(path), tree)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "model"
    weight = torch.arange(6.0).reshape(2, 3)
    save_model(
        path,
        config={"kind": "line", "sizes": (2, 3)},
        tensors={"weight": weight, "view": weight[0]},
        card="# A line",
    )
    return path


def edit(model: Path, **changes: object) -> None:
    config = json.loads((model / "config.json").read_text())
    (model / "config.json").write_text(json.dumps(config | changes))


def test_folder_holds_three_readable_files(model: Path) -> None:
    assert {one.name for one in model.iterdir()} == {
        "config.json",
        "model.safetensors",
        "README.md",
    }
    assert json.loads((model / "config.json").read_text())["tensors"]["weight"] == {
        "shape": [2, 3],
        "dtype": "float32",
    }
    assert (model / "README.md").read_text() == "# A line\n"


def test_tensors_that_share_memory_are_kept_apart(model: Path) -> None:
    config, found = load_model(model)
    assert config["sizes"] == [2, 3]
    found["view"].zero_()
    assert torch.equal(found["weight"], torch.arange(6.0).reshape(2, 3))


def test_unknown_keys_are_fine(model: Path) -> None:
    edit(model, remark="hand-made")
    assert load_model(model)[0]["remark"] == "hand-made"


def test_missing_folder(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"nowhere is not there; a model is a folder"):
        load_model(tmp_path / "nowhere")


def test_file_in_place_of_a_folder(model: Path) -> None:
    with pytest.raises(StoreError, match="is a file; a model is a folder"):
        load_model(model / "config.json")


def test_folder_without_config(model: Path) -> None:
    (model / "config.json").unlink()
    with pytest.raises(StoreError, match=r"no config\.json \(it holds README\.md, model\.safe"):
        load_model(model)


def test_folder_without_tensors(model: Path) -> None:
    (model / "model.safetensors").unlink()
    with pytest.raises(StoreError, match=r"model\.safetensors is missing; copy the folder again"):
        load_model(model)


@pytest.mark.parametrize("kept", [0, 4, 60, -1])
def test_truncated_tensors(model: Path, kept: int) -> None:
    file = model / "model.safetensors"
    file.write_bytes(file.read_bytes()[:kept])
    with pytest.raises(StoreError, match=r"safetensors is damaged or incomplete"):
        load_model(model)


@pytest.mark.parametrize("content", [b"", b'{"kind": "li', b"\xff\xfe\x00"])
def test_config_that_is_not_json(model: Path, content: bytes) -> None:
    (model / "config.json").write_bytes(content)
    with pytest.raises(StoreError, match=r"config\.json cannot be read"):
        load_model(model)


@pytest.mark.parametrize("content", ["[]", "{}", '{"format": "1", "kind": "line"}', "3"])
def test_config_of_something_else(model: Path, content: str) -> None:
    (model / "config.json").write_text(content)
    with pytest.raises(StoreError, match="is not the config of a model"):
        load_model(model)


def test_newer_format(model: Path) -> None:
    edit(model, format=2, preimage="9.9", tensors="in some other place")
    with pytest.raises(StoreError, match=r"format 2, written by preimage 9\.9.*Upgrade preimage"):
        load_model(model)


@pytest.mark.parametrize(
    "weights",
    [
        {"weight": torch.zeros(3, 2), "view": torch.zeros(3)},
        {"weight": torch.zeros(2, 3, dtype=torch.float64), "view": torch.zeros(3)},
        {"view": torch.zeros(3)},
        {"weight": torch.zeros(2, 3), "view": torch.zeros(3), "more": torch.zeros(1)},
    ],
    ids=["shape", "type", "missing", "unexpected"],
)
def test_tensors_of_another_model(model: Path, weights: dict[str, Tensor]) -> None:
    save_model(model.with_name("other"), config={"kind": "line"}, tensors=weights, card="")
    (model.with_name("other") / "model.safetensors").replace(model / "model.safetensors")
    with pytest.raises(StoreError, match=r"tensor '(weight|more)' should be .* and is "):
        load_model(model)


def test_existing_model_is_kept_unless_forced(model: Path) -> None:
    with pytest.raises(OutputExistsError):
        save_model(model, config={"kind": "other"}, tensors={}, card="")
    assert load_model(model)[0]["kind"] == "line"
    save_model(model, config={"kind": "other"}, tensors={}, card="", force=True)
    assert load_model(model)[0]["kind"] == "other"


@pytest.mark.parametrize("value", [float("nan"), float("inf"), torch.zeros(1), {1, 2}, b"text"])
def test_config_that_json_cannot_hold(tmp_path: Path, value: object) -> None:
    with pytest.raises(InputError, match="cannot be written as JSON"):
        save_model(tmp_path / "m", config={"kind": "k", "value": value}, tensors={}, card="")
    assert list(tmp_path.iterdir()) == []


def test_config_without_kind(tmp_path: Path) -> None:
    with pytest.raises(InputError, match='needs a text "kind"'):
        save_model(tmp_path / "m", config={"sort": "line"}, tensors={}, card="")


def test_state_with_a_function_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="function cannot be kept"):
        write_tree(tmp_path / "state", {"hook": [same]})


@pytest.mark.parametrize("content", [b"", b"text", b"\x02\0\0\0\0\0\0\0{}"])
def test_file_that_is_no_state(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "state").write_bytes(content)
    with pytest.raises(StoreError):
        read_tree(tmp_path / "state")
