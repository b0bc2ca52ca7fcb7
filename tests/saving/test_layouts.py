"""Files that PyTorch's arrays are in: the layout of the weights is told by their shapes, or has to be given."""

import numpy as np
import pytest

import funcnet as fn

WIDE = fn.sequential(fn.Linear(3), fn.ReLU(), fn.Linear(3), fn.Linear(2))  # (4, 3), (3, 3), (3, 2)
SQUARE = fn.sequential(fn.Linear(3), fn.ReLU(), fn.Linear(3))
VECTORS = fn.sequential(fn.Linear(1, bias=False), fn.Linear(1))
X = np.random.default_rng(0).standard_normal((5, 4)).astype(np.float32)


def params_of(model, size=3):
    return model.init(fn.Key(0), (size,))


def turned(params):
    """The arrays with weights (n_out, n_in)."""
    named = fn.tree.named_leaves(params)
    return {name: np.array(leaf.T, order="C") for name, leaf in named.items()}


def written(path, arrays):
    if path.suffix == ".npz":
        np.savez(path, **arrays)
    else:
        pytest.importorskip("safetensors.numpy").save_file({n: np.array(a, order="C") for n, a in arrays.items()}, path)
    return path


def refusal(path, like, **options):
    with pytest.raises(fn.CheckpointError) as caught:
        fn.load(path, like, **options)
    return str(caught.value).removeprefix(f"{path}: ")


@pytest.mark.parametrize("model", [WIDE, VECTORS], ids=["wide", "vectors"])
def test_a_weight_that_is_not_square_tells_the_layout_of_all(tmp_path, model):
    params = params_of(model, 4)
    for arrays in (turned(params), fn.tree.named_leaves(params)):
        _, loaded = fn.load(written(tmp_path / "model.npz", arrays), like=fn.tree.zeros_like(params))
        assert loaded == params
        assert all(leaf.flags.c_contiguous for leaf in fn.tree.leaves(loaded))


def test_square_weights_alone_need_the_layout(tmp_path):
    path, params = tmp_path / "model.npz", params_of(SQUARE)
    written(path, turned(params))
    assert refusal(path, params) == (
        "0.weight, 2.weight: the axes of a square array may be funcnet's or PyTorch's; tell load which: "
        'layout="funcnet" for (n_in, n_out), layout="torch" for (n_out, n_in)'
    )
    assert fn.load(path, params, layout="torch") == (None, params)
    assert fn.load(path, params, layout="funcnet")[1][0].weight.tolist() == params[0].weight.T.tolist()


@pytest.mark.parametrize("suffix", ["npz", "safetensors"])
def test_a_layout_that_is_given_is_taken(tmp_path, suffix):
    for model in (WIDE, SQUARE):
        params = params_of(model)
        for layout, arrays in (("torch", turned(params)), ("funcnet", fn.tree.named_leaves(params))):
            path = written(tmp_path / f"model.{suffix}", arrays)
            assert fn.load(path, params, layout=layout) == (None, params)


def test_a_safetensors_has_pytorchs_layout(tmp_path):
    params = params_of(SQUARE)
    assert fn.load(written(tmp_path / "model.safetensors", turned(params)), params) == (None, params)


def test_shapes_that_fit_both_layouts_or_none_are_told_as_funcnets(tmp_path):
    params = params_of(WIDE, 4)
    mixed = {**fn.tree.named_leaves(params), "0.weight": params[0].weight.T}
    path = written(tmp_path / "model.npz", mixed)
    assert refusal(path, params) == "0.weight: expected float32 of shape (4, 3), got float32 of shape (3, 4)"
    path = written(path, {**mixed, "0.weight": np.zeros((5, 5), "f4")})
    assert refusal(path, params) == "0.weight: expected float32 of shape (4, 3), got float32 of shape (5, 5)"
    path = written(path, {name: leaf for name, leaf in mixed.items() if name != "0.weight"})
    assert refusal(path, params) == "it lacks 0.weight.npy"


@pytest.mark.parametrize(
    "like", [np.eye(3), (np.eye(3),), fn.LinearParams(np.ones((1, 1))), fn.LinearParams(X[:0, :0])]
)
def test_what_is_the_same_in_both_layouts_needs_none(tmp_path, like):
    path = written(tmp_path / "model.npz", {name or "leaf": x for name, x in fn.tree.named_leaves(like).items()})
    assert fn.tree.equal(fn.load(path, like)[1], like)


def test_a_file_of_save_says_its_layout_itself(tmp_path):
    params = params_of(SQUARE)
    fn.save(tmp_path / "own.npz", SQUARE, params)
    for layout in (None, "torch", "funcnet"):
        assert fn.load(tmp_path / "own.npz", params, layout) == (SQUARE, params)


def test_a_layout_that_does_not_exist_is_refused(tmp_path):
    with pytest.raises(ValueError, match='layout must be "funcnet", "torch" or None, got \'pytorch\''):
        fn.load(tmp_path / "none.npz", (), layout="pytorch")


@pytest.mark.parametrize("suffix", ["npz", "safetensors"])
def test_a_state_dict_of_pytorch_with_batch_norm_computes_the_same_here(tmp_path, suffix):
    torch = pytest.importorskip("torch")
    theirs = torch.nn.Sequential(torch.nn.Linear(4, 4), torch.nn.BatchNorm1d(4), torch.nn.ReLU(), torch.nn.Linear(4, 4))
    theirs(torch.from_numpy(X))  # moves the statistics
    arrays = {name: tensor.numpy() for name, tensor in theirs.state_dict().items()}
    assert "1.num_batches_tracked" in arrays
    ours = fn.sequential(fn.Linear(4), fn.BatchNorm(), fn.ReLU(), fn.Linear(4))
    path = written(tmp_path / f"model.{suffix}", arrays)
    _, params = fn.load(path, like=ours.init(fn.Key(0), (4,)), layout="torch")
    with torch.no_grad():
        np.testing.assert_allclose(ours.apply(params, X), theirs.eval()(torch.from_numpy(X)), rtol=1e-5, atol=1e-6)


def test_a_count_that_the_tree_has_is_read(tmp_path):
    like = (CountParams(np.array(0)),)
    path = written(tmp_path / "model.npz", {"0.num_batches_tracked": np.array(3), "1.num_batches_tracked": np.array(4)})
    assert fn.load(path, like) == (None, (CountParams(np.array(3)),))


@fn.tree.node
class CountParams:
    num_batches_tracked: np.ndarray
