"""The summary has a row for each layer inside, a total, and aligned columns."""

import numpy as np

import funcnet as fn
from funcnet import tree
from tests.layers.row import every_row
from tests.layers.table import ROWS
from tests.passes import FLOATS


def cells(model, input_shape, *dtype):
    """The rows of the summary as lists of cells."""
    return [line.split("  ") for line in fn.summary(model, input_shape, *dtype).splitlines()]


def stripped(row):
    return [cell.strip() for cell in row if cell.strip()]


NESTED = fn.sequential(
    fn.Flatten(),
    fn.Linear(50),
    fn.residual(fn.sequential(fn.ReLU(), fn.Linear(50, bias=False))),
    fn.concatenate(fn.Linear(1000), fn.Identity()),
    fn.sequential(),
)


def test_summary_of_a_nested_model():
    rows = [stripped(row) for row in cells(NESTED, (28, 28))]
    first, inner, last = 784 * 50 + 50, 50 * 50, 50 * 1000 + 1000
    total = first + inner + last
    assert rows == [
        ["path", "layer", "output shape", "params", "bytes"],
        ["0", "Flatten()", "(784,)", "0", "0"],
        ["1", "Linear(n_out=50)", "(50,)", f"{first:,}", f"{4 * first:,}"],
        ["2.0", "Identity()", "(50,)", "0", "0"],
        ["2.1.0", "ReLU()", "(50,)", "0", "0"],
        ["2.1.1", "Linear(n_out=50, bias=False)", "(50,)", f"{inner:,}", f"{4 * inner:,}"],
        ["3.0", "Linear(n_out=1000)", "(1000,)", f"{last:,}", f"{4 * last:,}"],
        ["3.1", "Identity()", "(50,)", "0", "0"],
        ["4", "sequential()", "(1050,)", "0", "0"],
        ["total", f"{total:,}", f"{4 * total:,}"],
    ]
    assert f"{total:,}" == "92,750"


def test_summary_of_a_single_layer():
    assert fn.summary(fn.Linear(2), (3,)).splitlines() == [
        "path   layer            output shape  params  bytes",
        "-      Linear(n_out=2)  (2,)               8     32",
        "total                                      8     32",
    ]


@every_row(ROWS)
def test_the_last_line_of_the_summary_is_the_total(row):
    shape = row.shapes[0]
    params = row.layer.init(fn.Key(0), shape)
    buffers = sum(array.size for array in tree.named_buffers(params).values())
    counts = [tree.size(params), *([buffers] if buffers else [])]
    for dtype in FLOATS:
        table = [line for line in cells(row.layer, shape, dtype)[1:] if " is tied to " not in line[0]]
        *lines, total = map(stripped, table)
        expected = [*counts, sum(counts) * np.dtype(dtype).itemsize]
        assert total == ["total", *(f"{count:,}" for count in expected)]
        for place, count in enumerate(reversed(expected), 1):
            assert sum(int(line[-place].replace(",", "")) for line in lines) == count


def test_the_summary_counts_a_tied_array_once_and_says_where_it_stands():
    autoencoder = fn.sequential(fn.Linear(2), fn.Tanh(), fn.Linear(5))
    model = fn.sequential(fn.Identity(), fn.tied(autoencoder, {"2.weight": "0.weight.T"}))
    *rows, last = map(stripped, cells(model, (5,)))
    assert [row[0] for row in rows] == ["path", "0", "1.0", "1.1", "1.2", "total"]
    assert [row[-2] for row in rows] == ["params", "0", "12", "0", "5", "17"]
    assert last == ["1.2.weight is tied to 1.0.weight.T"]


def test_the_columns_of_the_summary_are_aligned():
    header, *rows = fn.summary(NESTED, (28, 28)).splitlines()
    assert {len(row) for row in rows} == {len(header)}
    assert all(row[header.index(name) - 1] == " " for row in rows for name in ("layer", "output shape"))
