"""Files that run a command when they are unpickled: the ways known to get past a look at a checkpoint."""

import io
import pickle  # noqa: S403 - what is made here must never be loaded
import struct
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import torch


class Reduced:
    """Calls os.mkdir of a place when it is unpickled."""

    def __init__(self, marker: Path) -> None:
        self.marker = str(marker)

    def __reduce__(self) -> tuple[Any, ...]:
        import os

        return os.mkdir, (self.marker,)


def opcodes(marker: Path) -> dict[str, bytes]:
    """Pickles by how they name and call what they run."""
    place = str(marker).encode()
    text = pickle.BINUNICODE + struct.pack("<I", len(place)) + place
    short = pickle.BINUNICODE + struct.pack("<I", len(b"posix")) + b"posix"
    short += pickle.BINUNICODE + struct.pack("<I", len(b"mkdir")) + b"mkdir"
    code = f"__import__('os').mkdir({str(marker)!r})".encode()
    called = text + pickle.TUPLE1 + pickle.REDUCE + b"."
    return {
        "reduce": pickle.dumps({"model": Reduced(marker)}),
        "reduce, protocol 0": pickle.dumps(Reduced(marker), protocol=0),
        "GLOBAL": b"cposix\nmkdir\n" + called,
        "STACK_GLOBAL": b"\x80\x04" + short + pickle.STACK_GLOBAL + called,
        "INST": b"(S" + repr(str(marker)).encode() + b"\niposix\nmkdir\n.",
        "OBJ": b"(cposix\nmkdir\n" + text + b"o.",
        "eval": b"cbuiltins\neval\n" + pickle.BINUNICODE + struct.pack("<I", len(code)) + code + b"\x85R.",
        "getattr of an allowed class": b"cbuiltins\ngetattr\n(ctorch\nTensor\n" + text + b"tR.",
        "NEWOBJ": b"\x80\x02cpathlib\nPosixPath\n" + text + b"\x85\x81.",
        "BUILD of a class": b"\x80\x02ccollections\nOrderedDict\n)R}" + text + b"cposix\nmkdir\nsb.",
        "extension registry": b"\x80\x02\x82\x01.",
        "torch.hub": b"ctorch.hub\nload\n(" + text + text + b"tR.",
    }  # fmt: skip


def archive(pickled: bytes, **members: bytes) -> bytes:
    """A checkpoint as torch writes it, around a pickle."""
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w") as file:
        file.writestr("archive/data.pkl", pickled)
        file.writestr("archive/byteorder", b"little")
        file.writestr("archive/version", b"3\n")
        for name, content in members.items():
            file.writestr(name.replace("__", "/"), content)
    return body.getvalue()


def hostile_checkpoints(marker: Path) -> dict[str, bytes]:
    """Files that somebody may give as weights, or leave in a run's folder."""
    pickles = opcodes(marker)
    files = {f"zip, {name}": archive(body) for name, body in pickles.items()}
    files |= {f"bare, {name}": pickles[name] for name in ("reduce", "STACK_GLOBAL")}
    legacy = io.BytesIO()
    torch.save({"model": Reduced(marker)}, legacy, _use_new_zipfile_serialization=False)
    files["legacy stream"] = legacy.getvalue()
    tar = io.BytesIO()
    with tarfile.open(fileobj=tar, mode="w") as file:
        for name in ("storages", "tensors", "pickle", "sys_info"):
            info = tarfile.TarInfo(name)
            info.size = len(pickles["reduce"])
            file.addfile(info, io.BytesIO(pickles["reduce"]))
    files["legacy tar"] = tar.getvalue()
    files["nested zip"] = archive(archive(pickles["reduce"]))
    files["zip in a zip"] = archive(pickle.dumps({}), archive__inner=archive(pickles["reduce"]))
    files["TorchScript"] = archive(pickles["reduce"], archive__constants_pkl=pickles["reduce"], archive__code__x=b"")
    files["numpy pickle in a tensor's place"] = archive(pickle.dumps(np.array([Reduced(marker)], object)))
    return files


def hostile_arrays(marker: Path) -> dict[str, bytes]:
    """Files in the place of an .npz or .npy: objects, pickles, and sizes that no memory holds."""
    objects = np.array([Reduced(marker)], dtype=object)
    npy, npz, compressed = io.BytesIO(), io.BytesIO(), io.BytesIO()
    np.save(npy, objects, allow_pickle=True)
    np.savez(npz, allow_pickle=True, probabilities=objects)
    np.savez_compressed(compressed, zeros=np.zeros(10**7))
    header = b"{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000000,), }"
    huge = b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header
    code = (
        b"{'descr': __import__('os').mkdir("
        + repr(str(marker)).encode()
        + b"), 'fortran_order': False, 'shape': (1,), }"
    )
    called = b"\x93NUMPY\x01\x00" + struct.pack("<H", len(code)) + code
    zips = {
        "terabytes": {"a.npy": huge},
        "code in the header": {"a.npy": called},
        "a bare pickle": {"a.npy": opcodes(marker)["reduce"]},
        "a name that climbs": {"../../climbed.npy": npy.getvalue()},
        "no array": {"a.txt": b"text"},
    }
    files = {"objects.npz": npz.getvalue(), "objects.npy": npy.getvalue(), "compressed": compressed.getvalue()}
    for name, members in zips.items():
        body = io.BytesIO()
        with zipfile.ZipFile(body, "w") as file:
            for member, content in members.items():
                file.writestr(member, content)
        files[name] = body.getvalue()
    return files
