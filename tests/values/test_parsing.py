"""JSON from anywhere: what is ambiguous, too deep or too wide is refused, with its place, before memory is taken."""

import json

import pytest

import funcnet as fn
from funcnet.experiments.history import from_line, to_line
from funcnet.values import from_json, parsed, to_json

LINEAR = '{"type": "Linear", "n_out": 3}'


@pytest.mark.parametrize(
    "text", ['{"type": "Linear", "n_out": 3, "n_out": 4}', f'[{LINEAR}, {{"type": "ReLU", "type": 0}}]']
)
def test_a_name_twice_in_an_object_is_refused(text):
    with pytest.raises(ValueError, match=r"it has the name '(n_out|type)' twice in an object"):
        from_json(text)


def test_the_rows_of_a_history_have_each_name_once():
    row = to_line({"epoch": 1, "step": 1, "params": "a" * 64, "leaves": (), "seconds": 0.5, "loss": 1.0})
    assert from_line(row)["loss"] == 1.0
    with pytest.raises(ValueError, match="it has the name 'loss' twice in an object"):
        from_line(row.replace('"loss": 1.0', '"loss": 1.0, "loss": 2.0'))


@pytest.mark.parametrize(
    ("params", "message"),
    [
        (
            '{"type": "LinearParams", "weight": [], "bias": null}',
            "LinearParams does not fit at layers[1]: it cannot be hashed",
        ),
        (
            '[[{"type": "OptimizerState", "step": 0, "moments": []}]]',
            "OptimizerState does not fit at layers[1][0][0]: it cannot be hashed",
        ),
    ],
)
def test_params_in_the_place_of_a_layer_are_named_with_their_place(params, message):
    with pytest.raises(ValueError, match=r"^Parallel: ") as caught:
        from_json(f'{{"type": "Parallel", "layers": [{LINEAR}, {params}]}}')
    assert message in str(caught.value)


# --- Depth ---


def nested(depth):
    model = fn.Linear(2)
    for _ in range(depth):
        model = fn.sequential(model)
    return model


def test_200_combinators_in_each_other_come_back():
    model = nested(200)
    assert from_json(to_json(model)) == model
    assert repr(model).count("sequential(") == 200


def test_what_is_nested_too_deeply_is_a_value_error():
    with pytest.raises(ValueError, match="the value is nested too deeply to be written as JSON"):
        to_json(nested(1000))
    with pytest.raises(ValueError, match="the JSON is nested too deeply"):
        from_json('{"type": "Sequential", "layers": [' * 1000 + "]}" * 1000)


# --- Width ---

MANY = 400_000
WIDE = {
    "lists": "[" + "[]," * MANY + "[]]",
    "objects": "[" + "{}," * MANY + "{}]",
    "numbers": "[" + "1," * MANY + "1]",
    "names": "{" + ",".join(f'"{i}":1' for i in range(MANY)) + "}",
    "unfinished": "[" * MANY,
}


@pytest.mark.parametrize("text", WIDE.values(), ids=WIDE)
def test_more_values_than_the_size_of_the_file_explains_are_refused(text):
    for given in (text, text.encode()):
        with pytest.raises(ValueError, match=r"too many values for its size: the file has \d+ bytes"):
            parsed(given)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-32-be", "utf-8-sig"])
def test_bytes_are_utf_8_in_which_alone_values_can_be_counted(encoding):
    with pytest.raises(ValueError, match=r"decode|Expecting|BOM"):
        parsed('{"slope": 0.1}'.encode(encoding))


def test_what_a_file_explains_is_read():
    numbers = list(range(10**5))
    assert parsed(json.dumps(numbers)) == numbers
    assert len(parsed(WIDE["lists"], size=2**25)) == MANY + 1
