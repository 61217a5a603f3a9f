"""Tables from CSV files, split, scaled and cut into batches."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from symprop.data import batches, fit_scaling, read_table, split
from symprop.errors import DataError, OutputError, SpecError

DIGITS = Path(__file__).parents[1] / "examples" / "data" / "digits.csv"


def table_of(tmp_path: Path, text: str | bytes, target: str = "y", classification: bool = True):  # type: ignore[no-untyped-def]
    path = tmp_path / "t.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_table(path, target, classification)


def test_the_digits() -> None:
    table = read_table(DIGITS, "digit", classification=True)
    assert table.features.shape == (1797, 64) and table.features.dtype == np.float64
    assert table.classes == tuple("0123456789") and table.target.dtype == np.int64
    assert table.names[0] == "pixel0" and table.target[:4].tolist() == [0, 1, 2, 3]


def test_classes_are_sorted_by_number_or_by_text(tmp_path: Path) -> None:
    numbers = table_of(tmp_path, "x,y\n1,10\n2,9\n3,10\n")
    assert numbers.classes == ("9", "10") and numbers.target.tolist() == [1, 0, 1]
    words = table_of(tmp_path, "y,x\nyes,1\nno,2\n")
    assert words.classes == ("no", "yes") and words.target.tolist() == [1, 0]


def test_numbers_stay_numbers(tmp_path: Path) -> None:
    table = table_of(tmp_path, 'a,"b, too",y\r\n1,2,3.5\r\n\r\n-1e3, 4 ,5\r\n', classification=False)
    assert table.names == ("a", "b, too") and table.target.tolist() == [[3.5], [5.0]]
    assert table.features.tolist() == [[1.0, 2.0], [-1000.0, 4.0]]


BAD = {
    "": "is empty",
    "\n\n": "is empty",
    "x,y\n": "no rows",
    "y\n1\n": "no column besides",
    "x,z\n1,2\n": "no column 'y'",
    "x,x,y\n1,2,3\n": "two columns 'x'",
    "x,y\n1,2\n1\n": "line 3: 1 fields, the header has 2",
    "x,y\n1,2,3\n": "line 2: 3 fields",
    "x,y\n1,a\nb,a\n": "line 3, column 'x': 'b' is not a finite number",
    "x,y\nnan,a\n": "line 2, column 'x'",
    "x,y\n-inf,a\n": "line 2, column 'x'",
    "x,y\n1e999,a\n": "line 2, column 'x'",
    "x,y\n,a\n": "line 2, column 'x': ''",
    "x,y\n1_000,a\n": "line 2, column 'x'",
    "x,y\n\u0661,a\n": "line 2, column 'x'",
    "x,y\n1;2\n": "line 2: 1 fields",
    "x,y\n1,\n": "not a class label",
    "x,y\n1,NaN\n": "not a class label",
    'x,y\n"1,a\n': "not CSV",
    "x,y\n1,a\nz\x00,b\n": "line 3",
    'x,y\n"1"2,a\n': "not CSV",
    "x,y\n" + "1" * 200_000 + ",a\n": "not CSV",
    "x,y\n\u202e1,a\n": "\\u202e1",
}


@pytest.mark.parametrize("text", BAD, ids=lambda text: ascii(text)[:30])
def test_faults_are_told_with_line_and_column(text: str, tmp_path: Path) -> None:
    with pytest.raises(DataError) as caught:
        table_of(tmp_path, text)
    assert BAD[text] in str(caught.value) and str(caught.value).count("\n") <= 2


def test_text_in_a_number_to_predict(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="line 2, column 'y': 'a' is not a finite number"):
        table_of(tmp_path, "x,y\n1,a\n", classification=False)


def test_a_near_name_is_suggested(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="did you mean 'digit'"):
        table_of(tmp_path, "x,digit\n1,2\n", target="digits")


def test_not_utf8_and_no_file(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="not UTF-8"):
        table_of(tmp_path, b"x,y\n1,\xff\n")
    with pytest.raises(OutputError):
        read_table(tmp_path / "none.csv", "y", True)


def test_a_split_has_every_row_once_and_depends_on_the_seed_alone() -> None:
    table = read_table(DIGITS, "digit", classification=True)
    train, test = split(table, 0.2, seed=3)
    assert (train.rows, test.rows) == (1438, 359)
    together = np.concatenate([train.features, test.features])
    assert sorted(map(bytes, together)) == sorted(map(bytes, table.features))
    np.testing.assert_array_equal(split(table, 0.2, seed=3)[1].features, test.features)
    assert not np.array_equal(split(table, 0.2, seed=4)[1].features, test.features)
    assert split(table, 0.0, seed=0)[1].rows == 0
    for fraction in (-0.1, 1.0, float("nan")):
        with pytest.raises(SpecError):
            split(table, fraction, seed=0)


def test_too_few_rows_to_split(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="too few"):
        split(table_of(tmp_path, "x,y\n1,a\n"), 0.2, seed=0)


def test_scalings() -> None:
    features = np.array([[0.0, 7.0, -4.0], [2.0, 7.0, 8.0]])
    # means, deviations and quotients of small integers and powers of two: nothing is rounded
    np.testing.assert_array_equal(fit_scaling(features)(features), [[-1, 0, -1], [1, 0, 1]])
    np.testing.assert_array_equal(fit_scaling(features, "largest")(features), features / 8)
    np.testing.assert_array_equal(fit_scaling(features, "none")(features), features)
    np.testing.assert_array_equal(fit_scaling(np.zeros((2, 2)), "largest")(np.zeros((2, 2))), np.zeros((2, 2)))
    with pytest.raises(SpecError, match="did you mean 'largest'"):
        fit_scaling(features, "larges")
    with pytest.raises(DataError, match="too large"):
        fit_scaling(np.array([[1e308], [-1e308]]))


def test_batches_have_every_row_once() -> None:
    generator = np.random.default_rng(0)
    rows = list(batches(10, 3, generator))
    assert [len(batch) for batch in rows] == [3, 3, 3, 1]
    assert sorted(np.concatenate(rows)) == list(range(10))
    with pytest.raises(SpecError):
        list(batches(10, 0, generator))
