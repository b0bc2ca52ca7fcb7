"""Files that were made to take time and memory: each is refused, or read, in a second and a few times its own size."""

import io
import json
import zipfile

import pytest

from funcnet.saving.description import digest_of
from tests.saving.measuring import assert_cheap, on_linux

pytestmark = on_linux


def npz(text, entries=()):
    """An archive with a description and its digest."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        if text:
            archive.writestr("funcnet.json", text)
            archive.writestr("funcnet.sha256", digest_of(text))
        for name, data in entries:
            archive.writestr(zipfile.ZipInfo(name), data)
    return file.getvalue()


def with_header(text, data=b""):
    header = text.encode()
    return len(header).to_bytes(8, "little") + header + data


def safetensors(text):
    return with_header(json.dumps({"__metadata__": {"funcnet": text, "funcnet.sha256": digest_of(text)}}))


def description(structure="[]", arrays="{}", model="null"):
    return f'{{"format": 2, "model": {model}, "structure": {structure}, "arrays": {arrays}}}'


def many(text, count):
    return "[" + ",".join([text] * count) + "]"


def array(dtype):
    signature = {"dtype": dtype, "shape": [1], "order": "C", "sha256": ""}
    return description(LEAF, json.dumps({"leaf": signature}))


def doubled(plain):
    """The JSON of a dict with a name of it once more."""
    return f'{json.dumps(plain)[:-1]}, "19999": 0}}'


LEAF, LAYERS, FIELDS = '{"leaf": true}', '{"type":"Sequential","layers":[', '{"node":"LinearParams","fields":{"%s":'
NODE, SIGNATURE = json.dumps({"node": "x" * 90, "fields": {}}), {"dtype": "<f4", "shape": [1], "order": "C"}
TEXTS = {
    "200,000 leaves in a tuple": lambda: description(many(LEAF, 200_000)),
    "1,200,000 leaves in a tuple": lambda: description(many(LEAF, 1_200_000)),
    "200,000 leaves in 200 tuples": lambda: description("[" * 200 + many(LEAF, 200_000) + "]" * 200),
    "4,000,000 empty tuples": lambda: description(many("[]", 4_000_000)),
    "9,000,000 numbers": lambda: description(f'{{"value":{many("7", 9_000_000)}}}'),
    "4,000 numbers of 4,000 digits": lambda: description(f'{{"value":{many("9" * 4000, 4000)}}}'),
    "15,000,000 brackets": lambda: "[" * 15_000_000,
    "60,000 arrays": lambda: description("[]", json.dumps({str(i): SIGNATURE for i in range(60_000)})),
    "500,000 names": lambda: description(model=json.dumps({f"{i:030}": 0 for i in range(500_000)})),
    "the last of 20,000 names twice": lambda: description(arrays=doubled({str(i): "-" * 900 for i in range(20_000)})),
    "a dtype of 3 MB": lambda: array("f4" * 1_500_000),
    "a dtype of a million fields": lambda: array("f4," * 1_000_000),
    "layers in layers around many": lambda: description(model=LAYERS * 150 + many(LEAF, 100_000) + "]}" * 150),
    "a long name in 300 nodes": lambda: description(FIELDS % ("k" * 60_000) * 300 + "[]" + "}}" * 300),
    "130,000 unknown nodes": lambda: description(many(NODE, 130_000)),
    "a class with a long name": lambda: description(model=f'{{"type":"{"x" * 19_000_000}"}}'),
    "a field with a long name of escapes": lambda: description(model=json.dumps({"\x01" * 2_500_000: 1})),
    "a letter of four bytes": lambda: description(model=json.dumps("a" * 18_000_000 + "\U0001f600")),
}
TENSOR = {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]}
FILES = {
    **{f"{name}.npz": lambda text=text: npz(text()) for name, text in TEXTS.items()},
    **{f"{name}.safetensors": lambda text=text: safetensors(text()) for name, text in TEXTS.items()},
    "200,000 entries.npz": lambda: npz("", ((f"{i}.npy", b"") for i in range(200_000))),
    "200,000 arrays.safetensors": lambda: with_header(json.dumps({str(i): TENSOR for i in range(200_000)})),
    "6,000,000 sides.safetensors": lambda: with_header(json.dumps({"0": {**TENSOR, "shape": [1] * 6_000_000}})),
    "names of a letter of four bytes.safetensors": lambda: with_header(f'{{"{"a" * 19_000_000}\U0001f600":0}}'),
    "metadata.safetensors": lambda: with_header(json.dumps({"__metadata__": {str(i): "" for i in range(900_000)}})),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", FILES)
def test_a_file_takes_less_than_a_second_and_four_times_its_size(tmp_path, name):
    path = tmp_path / name
    path.write_bytes(FILES[name]())
    assert path.stat().st_size < 21e6
    assert_cheap("load", path, path.stat().st_size)
