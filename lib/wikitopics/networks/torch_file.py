"""Reading a state dict from PyTorch's legacy file format, without PyTorch and without trusting the file.

A legacy file is four small pickles (magic number, protocol, system, state dict), a pickled list of storage
keys, and the storages themselves: for each key an int64 count and that many little-endian numbers. A pickle
can call anything it can name, so names are answered from a list of four, opcodes from a list of those that
plain tensors need, and every size is compared with the bytes that are really there.
"""

import collections
import io
import pickle
import pickletools
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from wikitopics.errors import UserError

MAGIC = 0x1950A86A20F9469CFC6C
MAX_BYTES = 512 * 2**20  # ten times the largest EfficientNet-Lite
MAX_OPCODES = 200_000  # of one pickle; EfficientNet-Lite2's has 13,931 ...
MAX_CONTAINERS = 20_000  # ... and 2,947 tuples, lists and dicts; so many may at most stand in each other
MAX_MEMO = 100_000  # the unpickler's memo grows to the largest index named, so that is bounded too
DAMAGED = (
    *(OSError, EOFError, ValueError, TypeError, KeyError, AttributeError, IndexError, OverflowError),
    *(RecursionError, MemoryError, pickle.UnpicklingError),
)
NUMBERS = {"Float": "<f4", "Double": "<f8", "Half": "<f2", "Long": "<i8", "Int": "<i4"}
STORAGES = {f"{name}Storage": np.dtype(code) for name, code in NUMBERS.items()}
OPCODES = """
PROTO STOP MARK GLOBAL REDUCE BUILD BINPERSID BINPUT LONG_BINPUT BINGET LONG_BINGET
EMPTY_TUPLE TUPLE TUPLE1 TUPLE2 TUPLE3 EMPTY_DICT SETITEM SETITEMS EMPTY_LIST APPEND APPENDS
NONE NEWTRUE NEWFALSE BININT BININT1 BININT2 LONG1 BINUNICODE
"""
CONTAINERS = {"EMPTY_TUPLE", "TUPLE", "TUPLE1", "TUPLE2", "TUPLE3", "EMPTY_DICT", "EMPTY_LIST", "REDUCE"}
NAMES = {"BINUNICODE", "GLOBAL"}  # what may be remembered and put in a second place


@dataclass(frozen=True)
class _Storage:
    """A storage the state dict refers to before its numbers have been read."""

    key: str
    dtype: np.dtype
    size: int


@dataclass(frozen=True)
class _Tensor:
    """A view of a storage: element `offset` onwards, with a shape and strides counted in elements."""

    storage: _Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


def read_torch_file(path: Path) -> dict[str, np.ndarray]:
    """The arrays of a legacy PyTorch state dict, by name, in the file's order.

    Raises UserError when the file is not such a file, is larger than 512 MiB, is cut short, or asks for
    anything but plain tensors (so a pickle that would run code is refused, not run).
    """
    path = Path(path)
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise ValueError(f"it has {size:,} bytes where at most {MAX_BYTES:,} are read")
        return _read(path.read_bytes())
    except DAMAGED as error:
        raise UserError(
            f"weights must be a PyTorch state dict in the legacy format, but {path.name} was refused "
            f"({error}); give the file of an EfficientNet-Lite package or another path"
        ) from error


def _read(content: bytes) -> dict[str, np.ndarray]:
    file = io.BytesIO(content)
    if _unpickle(file) != MAGIC:
        raise ValueError("its first number is not PyTorch's")
    _unpickle(file)  # protocol
    system = _unpickle(file)
    if not (isinstance(system, dict) and system.get("little_endian") is True):
        raise ValueError("its numbers are not little-endian")
    tensors = _unpickle(file)
    keys = _unpickle(file)
    if not isinstance(tensors, dict) or not isinstance(keys, list):
        raise ValueError("it does not hold a state dict")
    tensors = {name: tensor for name, tensor in tensors.items() if isinstance(tensor, _Tensor)}
    data = _read_storages(content, file.tell(), keys, {t.storage.key: t.storage for t in tensors.values()})
    return {name: _view(tensor, data[tensor.storage.key]) for name, tensor in tensors.items()}


def _read_storages(content: bytes, start: int, keys: list, storages: dict) -> dict[str, np.ndarray]:
    """Each storage's numbers, read in the order of `keys`, which is the order they are stored in."""
    data = {}
    for key in keys:
        storage = storages[key]
        count = int(np.frombuffer(content, "<i8", 1, start)[0])
        if count != storage.size:
            raise ValueError(f"storage {key!r} has {count} numbers where {storage.size} were announced")
        data[key] = np.frombuffer(content, storage.dtype, count, start + 8)  # ValueError beyond the end
        start += 8 + storage.dtype.itemsize * count
    return data


def _view(tensor: _Tensor, numbers: np.ndarray) -> np.ndarray:
    """The tensor's own copy of its numbers; strides are followed only inside the storage."""
    shape, strides = tensor.shape, tensor.strides
    if tensor.offset < 0 or len(shape) != len(strides) or any(s < 0 for s in (*shape, *strides)):
        raise ValueError("a tensor has an impossible shape")
    last = tensor.offset + sum((n - 1) * step for n, step in zip(shape, strides, strict=True))
    if min(shape, default=1) > 0 and last >= numbers.size:
        raise ValueError("a tensor reaches beyond its storage")
    if np.prod(shape, dtype=object) > numbers.size:
        raise ValueError("a tensor is larger than its storage")
    steps = [step * numbers.itemsize for step in strides]
    return np.lib.stride_tricks.as_strided(numbers[tensor.offset :], shape, steps, writeable=False).copy()


def _unpickle(file: io.BytesIO) -> Any:
    """One pickle from `file`, its opcodes looked through before anything is built."""
    start = file.tell()
    _check(pickletools.genops(file))
    file.seek(start)
    return _Unpickler(file).load()


def _check(opcodes: Iterable[tuple]) -> None:
    """ValueError for opcodes that plain tensors do not need, or too many of them.

    Only names are taken from the memo: containers that stand in several places, a few of them in each other,
    are a structure that no computer can walk through.
    """
    known, before, containers = set(OPCODES.split()), "", 0
    names: set[Any] = set()  # places in the memo
    for number, (opcode, argument, _) in enumerate(opcodes):
        name = opcode.name
        containers += name in CONTAINERS
        if name not in known:
            raise ValueError(f"it uses the pickle opcode {name}")
        if number >= MAX_OPCODES or containers > MAX_CONTAINERS:
            raise ValueError("it has more parts than any network")
        if name == "LONG_BINPUT" and int(argument or 0) > MAX_MEMO:
            raise ValueError("its memo is too large")
        if name in ("BINPUT", "LONG_BINPUT"):
            (names.add if before in NAMES else names.discard)(argument)
        if name in ("BINGET", "LONG_BINGET") and argument not in names:
            raise ValueError("it puts one structure in two places")
        before = name


class _Unpickler(pickle.Unpickler):
    """Knows the names a state dict needs, and no other."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("collections", "OrderedDict"):
            return collections.OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return _rebuild_tensor
        if module == "torch" and name in STORAGES:
            return name
        raise pickle.UnpicklingError(f"it names {module}.{name}")

    def persistent_load(self, reference: Any) -> _Storage:
        kind, storage, key, _device, size, view = reference
        if kind != "storage" or view is not None or size < 0:
            raise pickle.UnpicklingError("it refers to something that is not a whole storage")
        return _Storage(str(key), STORAGES[storage], size)


def _rebuild_tensor(storage: _Storage, offset: int, shape: tuple, strides: tuple, *_: Any) -> _Tensor:
    """What PyTorch calls to make a tensor: here only a note of what to look at."""
    return _Tensor(storage, int(offset), tuple(map(int, shape)), tuple(map(int, strides)))
