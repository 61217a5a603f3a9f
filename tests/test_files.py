"""Files are written whole or not at all; weights are checked before they are read.

What kills, full disks and two writers leave is asked in `trust/files.py`.
"""

from __future__ import annotations

import json
import os
import pickle
import stat
import subprocess
import sys
import threading
import zipfile
from pathlib import Path

import numpy as np
import pytest

from symprop import files
from symprop.errors import DataError, LimitError, OutputError, SympropError
from symprop.files import check_writable, read_text, write_whole
from symprop.weights import load_weights, save_weights
from tests.bad_weights import BAD_WEIGHTS, GOOD, PARAMS, SHAPES, archive, npy
from tests.patience import at_once

ROOT = os.geteuid() == 0


def test_a_file_is_written_and_replaced(tmp_path: Path) -> None:
    target = tmp_path / "out.txt"
    write_whole(target, "one\n")
    write_whole(target, "two δ\n")
    assert target.read_text(encoding="utf-8") == "two δ\n"
    assert os.listdir(tmp_path) == ["out.txt"]


def test_a_new_file_has_ordinary_permissions_and_an_old_one_keeps_its_own(tmp_path: Path) -> None:
    new, old = tmp_path / "new", tmp_path / "old"
    mask = os.umask(0o027)
    try:
        write_whole(new, "x")
        old.write_text("x")
        old.chmod(0o751)
        write_whole(old, "y")
    finally:
        os.umask(mask)
    assert stat.S_IMODE(new.stat().st_mode) == 0o640
    assert stat.S_IMODE(old.stat().st_mode) == 0o751


@pytest.mark.parametrize(
    "kind", ["directory", "link", "dangling link", "missing folder", "file as folder", "NUL", "long"]
)
def test_what_must_not_be_replaced_is_refused(kind: str, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.write_text("kept")
    target = tmp_path / "target"
    if kind == "directory":
        target.mkdir()
    elif kind == "link":
        target.symlink_to(other)
    elif kind == "dangling link":
        target.symlink_to(tmp_path / "nowhere")
    else:
        places = {"missing folder": tmp_path / "no" / "x", "file as folder": other / "x", "NUL": tmp_path / "a\0b"}
        target = places.get(kind, tmp_path / ("x" * 300))
    before = sorted(os.listdir(tmp_path))
    with pytest.raises(OutputError) as caught:
        write_whole(target, "new")
    assert str(caught.value).count("\n") <= 2
    assert other.read_text() == "kept"
    assert sorted(os.listdir(tmp_path)) == before


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
def test_devices_and_pipes_are_written_as_they_are(tmp_path: Path) -> None:
    check_writable(os.devnull)
    write_whole(os.devnull, "x")
    with pytest.raises(OutputError, match="the disk is full"):
        write_whole("/dev/full", "x")
    with pytest.raises(OutputError, match="not an ordinary file"):
        read_text("/dev/zero")
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    got: list[str] = []
    reader = threading.Thread(target=lambda: got.append(read_text(pipe)))
    reader.start()
    write_whole(pipe, "δ" * 100_000)
    reader.join()
    assert got == ["δ" * 100_000] and os.listdir(tmp_path) == ["pipe"]


@pytest.mark.skipif(ROOT, reason="nothing is read-only for root")
def test_read_only_files_and_folders_are_refused(tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    kept.write_text("old")
    kept.chmod(0o444)
    with pytest.raises(OutputError, match="read-only"):
        write_whole(kept, "new")
    tmp_path.chmod(0o555)
    try:
        with pytest.raises(OutputError, match="Permission denied"):
            write_whole(tmp_path / "new", "x")
        with pytest.raises(OutputError, match="cannot be written"):
            check_writable(tmp_path / "new")
    finally:
        tmp_path.chmod(0o755)


def test_a_full_disk_leaves_the_old_file_and_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "out"
    target.write_text("old")

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files.os, "fsync", full)
    with pytest.raises(OutputError, match="the disk is full"):
        write_whole(target, "new")
    assert target.read_text() == "old"
    assert os.listdir(tmp_path) == ["out"]


def test_an_interrupt_leaves_the_old_file_and_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "out"
    target.write_text("old")

    def interrupted(*paths: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(files.os, "replace", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_whole(target, "new")
    assert target.read_text() == "old"
    assert os.listdir(tmp_path) == ["out"]


def test_what_a_killed_writer_left_is_swept_away_and_what_is_held_or_young_is_not(tmp_path: Path) -> None:
    names = ("dead", "held", "young")
    left = {name: tmp_path / files.TEMPORARY.format(name) for name in names}
    for name, path in left.items():
        path.write_text("half")
        if name != "young":
            os.utime(path, (0, 0))
    with open(left["held"]) as file:
        assert files._hold(file.fileno())
        write_whole(tmp_path / "out", "new")
    assert sorted(os.listdir(tmp_path)) == sorted(["out", left["held"].name, left["young"].name])


def test_a_module_rewritten_within_a_second_is_not_read_from_a_stale_pyc(tmp_path: Path) -> None:
    module = tmp_path / "made.py"
    for number in "123":  # same length, and the same second
        write_whole(module, f"VALUE = {number}\n")
        printed = subprocess.run(
            [sys.executable, "-c", "import made; print(made.VALUE)"],
            cwd=tmp_path,
            env={**os.environ, "PYTHONDONTWRITEBYTECODE": ""},
            capture_output=True,
            text=True,
        )
        assert printed.stdout.strip() == number


def test_text_is_read_within_its_limit(tmp_path: Path) -> None:
    source = tmp_path / "net.txt"
    source.write_bytes(b"\xef\xbb\xbfInput(3)")
    assert read_text(source) == "Input(3)"
    with pytest.raises(LimitError, match="larger than 5 bytes"):
        read_text(source, limit=5)
    source.write_bytes(b"abc\xff")
    with pytest.raises(DataError, match="byte 4"):
        read_text(source)
    with pytest.raises(OutputError, match="No such file"):
        read_text(tmp_path / "missing")
    with pytest.raises(OutputError):
        read_text(tmp_path)
    with pytest.raises(OutputError):
        read_text("a\0b")


def test_weights_come_back_as_they_were(tmp_path: Path) -> None:
    path = tmp_path / "w.npz"
    save_weights(path, PARAMS, {"classes": ["no", "yes"]})
    weights = load_weights(path, SHAPES)
    assert list(weights.params) == ["W1", "b1"]
    np.testing.assert_array_equal(weights.params["W1"], PARAMS["W1"])
    assert weights.meta == {"classes": ["no", "yes"]}
    with np.load(path, allow_pickle=False) as plain:
        assert plain["W1"].shape == (2, 3)
    again = tmp_path / "again.npz"
    save_weights(again, PARAMS, {"classes": ["no", "yes"]})
    assert path.read_bytes() == again.read_bytes()


def test_big_endian_and_column_order_are_taken(tmp_path: Path) -> None:
    path = tmp_path / "w.npz"
    np.savez(path, W1=np.asfortranarray(PARAMS["W1"].astype(">f4")), b1=PARAMS["b1"])
    weights = load_weights(path, SHAPES)
    assert weights.params["W1"].dtype == np.float32 and weights.params["W1"].flags.c_contiguous
    np.testing.assert_array_equal(weights.params["W1"], PARAMS["W1"])


@pytest.mark.parametrize("kind", BAD_WEIGHTS)
def test_weights_that_are_not_the_network_s_are_refused(kind: str, tmp_path: Path) -> None:
    entries, words = BAD_WEIGHTS[kind]
    path = tmp_path / "w.npz"
    archive(path, **entries)
    with at_once(), pytest.raises(SympropError) as caught:
        load_weights(path, SHAPES)
    assert words in str(caught.value) and str(caught.value).count("\n") <= 2


def test_files_that_are_no_weights_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "w.npz"
    for content in (
        b"",
        b"hello",
        pickle.dumps(PARAMS),
        npy(PARAMS["b1"]),
        b"PK\x05\x06" + bytes(18),
        b"PK\x03\x04" + bytes(50),
    ):
        path.write_bytes(content)
        with pytest.raises(DataError):
            load_weights(path, SHAPES)
    path.write_bytes(bytes(5_000_000))
    with pytest.raises(LimitError):
        load_weights(path, SHAPES)


def test_a_name_twice_or_encrypted_entries_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "w.npz"
    with zipfile.ZipFile(path, "w") as out:
        out.writestr("W1.npy", GOOD["W1"])
        out.writestr("b1.npy", GOOD["b1"])
        with pytest.warns(UserWarning, match="Duplicate"):
            out.writestr("b1.npy", GOOD["b1"])
    with pytest.raises(DataError, match="twice"):
        load_weights(path, SHAPES)
    archive(path, **GOOD)
    data = bytearray(path.read_bytes())
    for mark, place in ((b"PK\x01\x02", 8), (b"PK\x03\x04", 6)):
        position = data.find(mark)
        while position >= 0:
            data[position + place] |= 1
            position = data.find(mark, position + 4)
    path.write_bytes(data)
    with pytest.raises(DataError, match=r"not an \.npz file"):
        load_weights(path, SHAPES)


def test_random_damage_is_refused_or_harmless(tmp_path: Path, random: np.random.Generator) -> None:
    path = tmp_path / "w.npz"
    save_weights(path, PARAMS, {"a": 1})
    whole = path.read_bytes()
    for _ in range(150):
        damaged = bytearray(whole)
        for place in random.integers(0, len(whole), size=3):
            damaged[place] = int(random.integers(0, 256))
        path.write_bytes(bytes(damaged))
        try:
            weights = load_weights(path, SHAPES)
        except SympropError as problem:
            assert str(problem).count("\n") <= 2
        else:
            assert {name: value.shape for name, value in weights.params.items()} == SHAPES


def test_only_floats_are_saved(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="'W1' are int64"):
        save_weights(tmp_path / "w.npz", {"W1": np.arange(3)})
    with pytest.raises(DataError, match="object"):
        save_weights(tmp_path / "w.npz", {"W1": np.array([None])})
    assert os.listdir(tmp_path) == []


def test_notes_are_plain_json(tmp_path: Path) -> None:
    path = tmp_path / "w.npz"
    save_weights(path, PARAMS, {"network": "Input(3)"})
    with np.load(path, allow_pickle=False) as plain:
        assert json.loads(plain["__meta__"].tobytes()) == {"network": "Input(3)"}
