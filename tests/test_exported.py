"""Programs of torch.export have the verdicts of the networks behind them, and run no code."""

import json
import os
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from check_cases import Coupling, PixelwiseFlow, gaussian, generator, orthogonal, resnet, seeded
from check_traps import circular
from torch import Tensor, nn
from torch.export import Dim, ExportedProgram, export

from preimage import Box, Reals, check, read_exported
from preimage.errors import InputError, StoreError
from preimage.verdicts import Status

NETS: dict[str, tuple[Callable[[], Any], tuple[int, ...]]] = {
    "leaky ReLU": (seeded(lambda: orthogonal(4, 3, nn.LeakyReLU)), (4,)),
    "coupling": (seeded(lambda: Coupling(6, affine=True)), (6,)),
    "Glow step": (seeded(PixelwiseFlow), (1, 8, 8)),
    "ResNet": (seeded(resnet), (3, 16, 16)),
    "generator": (seeded(generator), (100,)),
    "circular": (lambda: circular([1.0, 1.0, 1.0]), (1, 20)),
    "bottleneck": (seeded(lambda: gaussian(4, 2, 4)), (4,)),
    "batch norm": (seeded(lambda: nn.Sequential(nn.Linear(3, 3), nn.BatchNorm1d(3))), (3,)),
    "ELU, GELU": (seeded(lambda: nn.Sequential(nn.ELU(2.0), nn.GELU())), (2,)),
    "PReLU, softplus": (seeded(lambda: nn.Sequential(nn.PReLU(), nn.Softplus())), (2,)),
    "softmax": (lambda: nn.Softmax(dim=1), (3,)),
    "layer norm": (lambda: nn.LayerNorm(3), (3,)),
    "pooling": (lambda: nn.Sequential(nn.MaxPool2d(2), nn.AvgPool2d(2)).eval(), (1, 8, 8)),
}


def exported(net: nn.Module, shape: tuple[int, ...], *, batch: int = 3) -> ExportedProgram:
    dynamic = ({0: Dim("batch")},) if batch > 1 else None
    return export(net, (torch.rand(batch, *shape),), dynamic_shapes=dynamic)


def saved(program: ExportedProgram, folder: Path) -> Path:
    file = folder / "net.pt2"
    torch.export.save(program, file)
    return file


@pytest.mark.parametrize("name", NETS)
def test_a_program_has_the_verdict_of_its_network(name: str, tmp_path: Path) -> None:
    make, shape = NETS[name]
    net = make()
    program = exported(net, shape)
    read = read_exported(saved(program, tmp_path))
    x = torch.randn(4, *shape)
    with torch.no_grad():
        assert torch.allclose(read(x), program.module()(x), atol=1e-5)
    wanted = check(net, Reals(shape))
    for form in (program, program.module(), read):
        found = check(form, Reals(shape))
        for one, other in (
            (found.injective, wanted.injective),
            (found.surjective, wanted.surjective),
        ):
            assert (one.status, one.rule) == (other.status, other.rule)
            if one.status.decided:
                assert one.recheck(form)
                assert one.recheck(net)


def test_a_program_for_one_sample_is_checked_for_any_number(tmp_path: Path) -> None:
    net = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.Flatten(), nn.Linear(8, 2)).eval()

    class Viewed(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return net(x).view(1, 2) * 2

    file = saved(exported(Viewed(), (1, 4, 4), batch=1), tmp_path)
    report = check(read_exported(file), Box([-1] * 16, [1] * 16))
    assert report.injective.status is Status.REFUTED
    assert report.injective.rule == "dimension"


class SumOfBatch(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x.sum(0, keepdim=True)


class TwoInputs(nn.Module):
    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        return x + y


class TwoOutputs(nn.Module):
    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return x, 2 * x


def test_programs_that_are_no_functions_of_a_batch_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="dynamic_shapes"):
        check(exported(SumOfBatch(), (2,), batch=1), Reals(2))
    with pytest.raises(InputError, match="2 inputs"):
        check(export(TwoInputs(), (torch.ones(3, 2), torch.ones(3, 2))), Reals(2))
    two = exported(TwoOutputs(), (2,))
    with pytest.raises(InputError, match="2 tensors"):
        check(two, Reals(2))
    with pytest.raises(InputError, match="2 tensors"):
        read_exported(saved(two, tmp_path))


def test_the_domain_must_have_the_shape_of_the_samples() -> None:
    program = exported(nn.Conv2d(2, 2, 1), (2, 4, 4))
    with pytest.raises(InputError, match=r"Reals\(\(2, 4, 4\)\)"):
        check(program, Reals(5))
    assert check(program, Reals(32)).bijective.status is Status.PROVED


def test_training_mode_is_kept() -> None:
    net = nn.Sequential(nn.Linear(2, 2), nn.Dropout(1e-9)).train()
    report = check(exported(net, (2,)), Reals(2))
    assert report.injective.status is Status.NOT_A_FUNCTION


class Bomb:
    """Unpickling this leaves a file."""

    def __init__(self, file: str) -> None:
        self.file = file

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (self.file,)


def rewritten(file: Path, change: Callable[[str, bytes], bytes]) -> Path:
    """The archive with other contents."""
    other = file.with_name("changed.pt2")
    with zipfile.ZipFile(file) as source, zipfile.ZipFile(other, "w") as target:
        for name in source.namelist():
            target.writestr(name, change(name, source.read(name)))
    return other


def test_reading_runs_no_code(tmp_path: Path) -> None:
    file = saved(exported(nn.Linear(2, 2), (2,)), tmp_path)
    mark = str(tmp_path / "was here")
    bomb = pickle.dumps(Bomb(mark))

    def armed(name: str, data: bytes) -> bytes:
        if name.endswith("sample_inputs/model.pt"):
            return bomb
        if name.endswith("model.json"):
            return data.replace(b"Symbol('s", f"__import__('os').mkdir({mark!r}) or ('".encode())
        return data

    assert check(read_exported(rewritten(file, armed)), Reals(2)).bijective.status.decided

    def pickled(name: str, data: bytes) -> bytes:
        if name.endswith("weights_config.json"):
            return data.replace(b'"use_pickle": false', b'"use_pickle": true')
        return bomb if "/weights/weight_" in name else data

    with pytest.raises(StoreError, match="cannot be read"):
        read_exported(rewritten(file, pickled))
    assert not Path(mark).exists()


@pytest.mark.parametrize("target", ["torch.ops.aten.from_file.default", "torch.ops.mine.f.default"])
def test_only_operations_that_calculate_are_looked_up(target: str, tmp_path: Path) -> None:
    file = saved(exported(nn.Linear(2, 2), (2,)), tmp_path)

    def other(name: str, data: bytes) -> bytes:
        if not name.endswith("/models/model.json"):
            return data
        return data.replace(b"torch.ops.aten.linear.default", target.encode())

    with pytest.raises(InputError, match="operation"):
        read_exported(rewritten(file, other))


def _truncated(name: str, data: bytes) -> bytes:
    return data[: len(data) // 2] if "/weights/weight_" in name else data


def _newer(name: str, data: bytes) -> bytes:
    if not name.endswith("/models/model.json"):
        return data
    found = json.loads(data)
    found["schema_version"]["major"] = 99
    return json.dumps(found).encode()


def _no_graph(name: str, data: bytes) -> bytes:
    return b"{}" if name.endswith("/models/model.json") else data


@pytest.mark.parametrize("change", [_truncated, _newer, _no_graph])
def test_damaged_files_are_refused(change: Callable[[str, bytes], bytes], tmp_path: Path) -> None:
    file = saved(exported(nn.Linear(2, 2), (2,)), tmp_path)
    with pytest.raises(StoreError):
        read_exported(rewritten(file, change))


def test_other_files_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "net.pt2"
    with pytest.raises(StoreError, match="is missing"):
        read_exported(file)
    file.write_bytes(b"no archive")
    with pytest.raises(StoreError, match="cannot be read"):
        read_exported(file)
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("other.txt", "nothing")
    with pytest.raises(StoreError, match="0 programs"):
        read_exported(file)
