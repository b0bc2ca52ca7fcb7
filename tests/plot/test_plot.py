"""The figures: what stands in them, that nothing in them overlaps, and that they need no display."""

from __future__ import annotations

import io
import re
import sys
from importlib import import_module
from itertools import pairwise

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.transforms import Bbox

from funcnet.errors import DTypeError, MissingExtraError, ShapeError
from funcnet.plot import curves, images
from tests.children import python

pytestmark = pytest.mark.slow  # figures are drawn

HISTORY = {
    "loss": [2.0, 1.0, 0.5],
    "test loss": [2.5, 1.5, 1.0],
    "accuracy": [0.5, 0.75, 0.875],
}


def title_boxes(figure: Figure) -> list[Bbox]:
    """Where the titles stand in the drawn figure, in pixels."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return [axes.title.get_window_extent() for axes in figure.axes if axes.get_title()]


def shown(figure: Figure) -> list[np.ndarray]:
    return [np.asarray(axes.images[0].get_array()) for axes in figure.axes if axes.images]


def test_a_curve_has_a_panel_for_each_last_word() -> None:
    loss, accuracy = curves(HISTORY).axes
    assert (loss.get_ylabel(), accuracy.get_ylabel()) == ("loss", "accuracy")
    assert loss.get_xlabel() == accuracy.get_xlabel() == "epoch"
    assert [line.get_label() for line in loss.lines] == ["loss", "test loss"]
    assert [line.get_label() for line in accuracy.lines] == ["accuracy"]


def test_a_curve_counts_epochs_from_1() -> None:
    line = curves(HISTORY).axes[0].lines[1]
    assert list(line.get_xdata()) == [1, 2, 3]
    assert list(line.get_ydata()) == HISTORY["test loss"]


def test_a_curve_has_a_legend_where_there_are_several_lines() -> None:
    loss, accuracy = curves(HISTORY).axes
    assert [text.get_text() for text in loss.get_legend().get_texts()] == ["loss", "test loss"]
    assert accuracy.get_legend() is None


@pytest.mark.parametrize("epochs", [1, 2, 3, 30])
def test_a_curve_has_whole_epochs_as_ticks(epochs: int) -> None:
    figure = curves({"loss": [1.0] * epochs})
    FigureCanvasAgg(figure).draw()
    assert all(float(tick).is_integer() for tick in figure.axes[0].get_xticks())


def test_one_epoch_is_visible() -> None:
    assert curves({"loss": [1.0]}).axes[0].lines[0].get_marker() == "o"
    assert curves({"loss": [1.0, 2.0]}).axes[0].lines[0].get_marker() == "None"


@pytest.mark.parametrize(
    ("history", "words"),
    [
        ({}, "got no series"),
        ({"loss": []}, r"got {'loss': 0}"),
        ({"loss": [1.0, 2.0], "accuracy": [1.0]}, r"got {'loss': 2, 'accuracy': 1}"),
    ],
)
def test_a_history_that_is_not_a_history(history: dict[str, list[float]], words: str) -> None:
    with pytest.raises(ValueError, match=f"one number for each epoch, {words}"):
        curves(history)


@pytest.mark.parametrize(
    ("given", "shape"),
    [((3, 4, 5), None), ((3, 4, 5), (4, 5)), ((3, 20), (4, 5)), ((3, 16), None), ((3, 4, 4), None)],
)
def test_images_are_shown_as_they_are(given: tuple[int, ...], shape: tuple[int, int] | None) -> None:
    x = np.random.default_rng(0).normal(size=given)
    h, w = shape or (given[1:] if len(given) == 3 else (4, 4))
    np.testing.assert_array_equal(shown(images(x, shape=shape)), x.reshape(3, h, w))


@pytest.mark.parametrize("dtype", [bool, np.uint8, np.int64, np.float16, np.float32, np.float64, np.longdouble])
def test_images_of_any_real_dtype_can_be_drawn(dtype: type) -> None:
    images(np.eye(4, dtype=dtype)[None]).savefig(io.BytesIO())


def test_images_fill_rows_and_hide_the_cells_to_spare() -> None:
    figure = images(np.zeros((5, 4)), columns=3)
    assert len(figure.axes) == 6
    assert figure.axes[0].get_subplotspec().get_geometry()[:2] == (2, 3)
    assert not any(axes.axison for axes in figure.axes)
    assert not figure.axes[5].images
    assert len(images(np.zeros((2, 4)), columns=10).axes) == 2


def test_grey_goes_from_the_least_number_to_the_greatest_of_all_images() -> None:
    figure = images(np.array([[0.0, 1.0, 2.0, 3.0], [4.0, 5.0, 6.0, 7.0]]))
    for axes in figure.axes:
        assert axes.images[0].get_clim() == (0.0, 7.0)
        assert axes.images[0].get_cmap().name == "gray"


@pytest.mark.parametrize(("x", "limit"), [([[-3.0], [1.0]], 3.0), ([[1.0], [2.0]], 2.0), ([[0.0], [0.0]], 1.0)])
def test_symmetric_has_white_for_0_on_one_scale(x: list[list[float]], limit: float) -> None:
    *pictures, bar = images(x, symmetric=True).axes
    assert list(bar.get_yticks()) == [-limit, 0, limit]
    for axes in pictures:
        (image,) = axes.images
        assert image.get_clim() == (-limit, limit)
        assert min(image.to_rgba(0.0)) > 0.95
        red, _, blue, _ = image.to_rgba(limit)
        assert red > blue


@pytest.mark.parametrize(
    ("shape", "title"),
    [
        ((14, 8, 8), "4 taken for 9"),
        ((14, 28, 28), "true 4, predicted 9 (99 %)"),
        ((14, 8, 8), "4, taken\nfor 9"),
        ((7, 20, 3), "unit 1234567"),
        ((7, 3, 20), "unit 1"),
        ((1, 8, 8), "a title longer than its image"),
    ],
)
def test_titles_overlap_neither_each_other_nor_the_margins(shape: tuple[int, int, int], title: str) -> None:
    figure = images(np.zeros(shape), titles=[title] * shape[0], columns=5)
    boxes = title_boxes(figure)
    assert len(boxes) == shape[0]
    assert all(left.x1 < right.x0 or right.y1 < left.y0 for left, right in pairwise(boxes))
    pictures = [axes.get_window_extent() for axes in figure.axes if axes.images]
    assert not any(box.overlaps(picture) for box in boxes for picture in pictures)
    assert all(figure.bbox.x0 <= box.x0 and box.x1 <= figure.bbox.x1 and box.y1 <= figure.bbox.y1 for box in boxes)
    assert all(max(picture.width, picture.height) > 0.9 * figure.dpi for picture in pictures)  # an inch or so each


def test_titles_may_be_anything_that_prints() -> None:
    assert [axes.get_title() for axes in images(np.zeros((2, 4)), titles=np.array([7, 3])).axes] == ["7", "3"]


@pytest.mark.parametrize("shape", [(), (4,), (3, 12), (2, 3, 4, 5)])
def test_what_is_not_a_set_of_images(shape: tuple[int, ...]) -> None:
    with pytest.raises(ShapeError) as caught:
        images(np.zeros(shape))
    assert f"got x of shape {shape}" in str(caught.value)


def test_images_of_a_different_shape_than_said() -> None:
    with pytest.raises(ShapeError, match=r"got x of shape \(3, 64\) and shape=\(4, 5\)"):
        images(np.zeros((3, 64)), shape=(4, 5))
    with pytest.raises(ShapeError, match=r"got x of shape \(3, 5, 4\) and shape=\(4, 5\)"):
        images(np.zeros((3, 5, 4)), shape=(4, 5))


@pytest.mark.parametrize("shape", [(0, 64), (3, 0), (0, 8, 8), (2, 0, 8)])
def test_no_images(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="at least one image, got x of shape"):
        images(np.zeros(shape))


def test_other_wrong_uses_of_images() -> None:
    with pytest.raises(ValueError, match="titles must be 3, one for each image, got 2"):
        images(np.zeros((3, 4)), titles=["a", "b"])
    with pytest.raises(ValueError, match="columns must be at least 1, got 0"):
        images(np.zeros((3, 4)), columns=0)
    with pytest.raises(ValueError, match=r"x must have finite numbers, got nan in images of shape \(1, 4\)"):
        images([[0.0, np.nan, 1.0, 2.0]])
    with pytest.raises(DTypeError, match="got complex128"):
        images(np.zeros((3, 4), complex))


def test_nothing_given_is_changed() -> None:
    x = np.arange(8.0).reshape(2, 4)
    figure = images(x)
    figure.axes[0].images[0].get_array()[:] = -1
    assert x.tolist() == [[0, 1, 2, 3], [4, 5, 6, 7]]


def test_figures_can_be_saved_without_pyplot_or_a_display() -> None:
    program = """
import io, sys
import funcnet as fn
assert "matplotlib" not in sys.modules
for figure in fn.plot.curves({"loss": [1.0, 2.0]}), fn.plot.images([[0.0, 1.0, 2.0, 3.0]]):
    file = io.BytesIO()
    figure.savefig(file)
    assert file.getvalue().startswith(b"\\x89PNG")
assert "matplotlib.pyplot" not in sys.modules
"""
    done = python("-c", program)
    assert (done.returncode, done.stderr) == (0, "")


def test_without_matplotlib_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if re.match(r"matplotlib|funcnet\.plot", name)]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(MissingExtraError, match=r'matplotlib is not installed: .* install "funcnet\[plot\]"') as caught:
        import_module("funcnet.plot")
    assert isinstance(caught.value.__cause__, ModuleNotFoundError)
