"""Damaged and forged files by the million: each is refused with its path, or read as it was, in time and in memory.

    python -m tests.saving.damage 1000000 --seed 0 --processes 2

A file is made of a seed and its number alone, so `1 --first NUMBER` makes one that went wrong again. Accidents are bits
flipped, bytes cut off, written over, zeroed, doubled, swapped or taken from a different file; then it must be refused
or read as if nothing had happened. Forgeries change the JSON and have all sums made right; they may say something else,
but must be refused or read, without any other error. A file may take one second, and the process half a gigabyte.
"""

import argparse
import io
import json
import os
import random
import sys
import tempfile
import zipfile
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from time import process_time

import funcnet as fn
from funcnet.experiments.receipt import Receipt
from funcnet.saving.description import digest_of
from funcnet.tree import equal

BEFORE = Path(__file__).parent / "before"
MODEL = fn.sequential(fn.Linear(3), fn.Dropout(0.25, fn.Key(3)), fn.Linear(2, bias=False))
STATE = fn.TrainState(7, MODEL.init(fn.Key(0), (2,)), fn.Adam(0.1).init(MODEL.init(fn.Key(0), (2,))))
RECEIPT = next((BEFORE / "directories").glob("*/receipt.json"))
MEMORY = 2**29
FORGED = 0.25  # of the files


# --- What is damaged ---


def _saved(suffix, model, tree):
    with tempfile.TemporaryDirectory() as folder:
        fn.save(Path(folder, f"m.{suffix}"), model, tree)
        return Path(folder, f"m.{suffix}").read_bytes()


def _checkpoint(model, tree):
    """Reads a file and tells whether model and tree are as they were."""

    def read(path):
        found, params = fn.load(path)
        return found == model and equal(params, tree)

    return read


def _old(path):
    found, params = fn.load(path)
    return (found, equal(params, OLD[1])) == (OLD[0], True)


def _receipt(path):
    return Receipt.from_json(path.read_bytes().decode()).digest == Receipt.from_json(RECEIPT.read_text()).digest


def _experiment(path):
    fn.Experiment.from_json(path.read_bytes().decode())
    return True  # any experiment: whether it is the one that was run, its receipt knows


OLD = fn.load(BEFORE / "state.npz")
KINDS = {  # name: suffix, bytes, reader
    "npz": (".npz", _saved("npz", MODEL, STATE), _checkpoint(MODEL, STATE)),
    "safetensors": (".safetensors", _saved("safetensors", MODEL, STATE), _checkpoint(MODEL, STATE)),
    "npz of before": (".npz", (BEFORE / "state.npz").read_bytes(), _old),
    "receipt": (".json", RECEIPT.read_bytes(), _receipt),
    "experiment": (".json", (BEFORE / "experiment.json").read_bytes(), _experiment),
}


# --- Accidents ---


def flipped(data, draws):
    """Up to three bits are turned round."""
    for _ in range(draws.randint(1, 3)):
        data[draws.randrange(len(data))] ^= 1 << draws.randrange(8)


def cut(data, draws):
    """The end is missing."""
    del data[draws.randrange(len(data)) :]


def _block(data, draws):
    start = draws.randrange(len(data))
    return slice(start, start + draws.choice([1, 4, 30, 200, 512, 4096]))


def zeroed(data, draws):
    """A block is zeros, as of a disk that lost it."""
    block = _block(data, draws)
    data[block] = bytes(len(data[block]))


def written_over(data, draws):
    """A block is random bytes, or a large number."""
    block = _block(data, draws)
    numbers = [b"\xff\xff\xff\xff", b"\0\0\0\x80", b"\xff\xff\xff\x7f", draws.randbytes(len(data[block]))]
    data[block] = draws.choice(numbers)[: len(data[block])]


def doubled(data, draws):
    """A block stands there twice, and the rest is moved."""
    block = _block(data, draws)
    data[block.start : block.start] = data[block]


def swapped(data, draws):
    """Two blocks have changed their places."""
    a, b = sorted(draws.sample(range(0, len(data), 16), 2))
    data[a : a + 16], data[b : b + 16] = data[b : b + 16], data[a : a + 16]


def spliced(data, draws):
    """A block, or the end, is from a different file."""
    other = KINDS[draws.choice(list(KINDS))][1]
    block = _block(data, draws)
    data[block.start : draws.choice([block.stop, len(data)])] = other[block.start : block.stop]


ACCIDENTS = [flipped, cut, zeroed, written_over, doubled, swapped, spliced]


def damaged(kind, draws):
    """The bytes of a file after one to three accidents."""
    data = bytearray(KINDS[kind][1])
    for _ in range(draws.choice([1, 1, 1, 2, 3])):
        if len(data) > 64:
            draws.choice(ACCIDENTS)(data, draws)
    return bytes(data)


# --- Forgeries ---

ODD = [None, True, -1, 0, 10**12, 10**400, 0.5, 1e308, "", "x", "x" * 5000, [], [[]], {}, {"leaf": True}, {"value": []}]
ODD += [{"value": {"type": "ReLU"}}, {"node": "LinearParams", "fields": {}}, {"node": "TrainState"}, {"node": []}]
ODD += [{"type": "Linear", "n_out": 10**12}, {"type": "LinearParams"}, {"class": "Linear"}, {"function": "np.sin"}]
ODD += [{"float": "nan"}, {"type": ["Linear"]}, {"leaf": 0}, [{"leaf": True}] * 9, ">f8", "|O", "f4,f4", [2**62, 4]]


def _places(plain):
    """Each container in a JSON value with each of its names or indices."""
    names = list(plain) if isinstance(plain, dict) else range(len(plain)) if isinstance(plain, list) else ()
    for name in names:
        yield plain, name
        yield from _places(plain[name])


def forged(text, draws):
    """A JSON text with one to three of its values replaced, removed, renamed or taken from elsewhere in it."""
    plain = json.loads(text)
    for _ in range(draws.choice([1, 1, 2, 3])):
        places = list(_places(plain))
        if not places:
            break
        (inside, name), (other, its) = draws.choice(places), draws.choice(places)
        act = draws.randrange(5)
        if act == 0 and isinstance(inside, dict):
            inside[draws.choice(["x", "type", "node", "0.weight"])] = inside.pop(name)
        elif act == 1:
            del inside[name]
        elif act == 2:
            inside[name] = json.loads(json.dumps(other[its]))
        else:
            inside[name] = json.loads(json.dumps(draws.choice(ODD)))
    return json.dumps(plain, indent=1)


def _npz(kind, draws):
    with zipfile.ZipFile(io.BytesIO(KINDS[kind][1])) as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    text = forged(entries["funcnet.json"], draws)
    entries["funcnet.json"] = text.encode()
    if "funcnet.sha256" in entries:
        entries["funcnet.sha256"] = digest_of(text).encode()
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, data in entries.items():
            archive.writestr(name, data)
    return file.getvalue()


def _safetensors(kind, draws):
    data = KINDS[kind][1]
    end = 8 + int.from_bytes(data[:8], "little")
    header = json.loads(data[8:end])
    text = forged(header["__metadata__"]["funcnet"], draws)
    header["__metadata__"] = {"funcnet": text, "funcnet.sha256": digest_of(text)}
    text = json.dumps(header) if draws.random() < 0.5 else forged(json.dumps(header), draws)
    return len(text).to_bytes(8, "little") + text.encode() + data[end:]


def _json(kind, draws):
    return forged(KINDS[kind][1], draws).encode()


FORGERS = {"npz": _npz, "npz of before": _npz, "safetensors": _safetensors, "receipt": _json, "experiment": _json}


# --- Reading them ---


def outcome(number, seed, folder):
    """What became of a file: (kind, "refused" or "equal" or "read"), or what was wrong; and its seconds."""
    draws = random.Random(f"{seed} {number}")
    kind, is_forged = draws.choice(list(KINDS)), draws.random() < FORGED
    suffix, _, read = KINDS[kind]
    path = Path(folder, f"{os.getpid()}{suffix}")
    path.write_bytes(FORGERS[kind](kind, draws) if is_forged else damaged(kind, draws))
    expected = fn.CheckpointError if suffix != ".json" else ValueError
    began = process_time()
    try:
        found = "equal" if read(path) else "read"
    except expected as error:
        found = "refused" if suffix == ".json" or str(path) in str(error) else f"no path in {error!r}"
        found = found if len(str(error)) < 30_000 else f"{len(str(error))} letters in the message"
    except BaseException as error:
        found = f"{type(error).__name__}: {str(error)[:200]}"
    if found == "read" and is_forged and kind != "receipt":
        found = "forged"
    seconds = process_time() - began
    return kind, found if seconds < 1 else f"{found} after {seconds:.1f} s"


def outcomes(first, count, seed):
    """How often each outcome came, and the numbers of the files that went wrong."""
    _limit_memory()
    counts, wrong = Counter(), []
    with tempfile.TemporaryDirectory() as folder:
        for number in range(first, first + count):
            kind, found = outcome(number, seed, folder)
            if found in ("refused", "equal", "forged"):
                counts[kind, found] += 1
            else:
                counts[kind, "WRONG"] += 1
                wrong.append((number, kind, found))
    return counts, wrong


def _limit_memory():
    """Let no more memory be taken than half a gigabyte beside what is taken now, where the system can say that."""
    try:
        import resource

        taken = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    except (ImportError, OSError):
        return
    resource.setrlimit(resource.RLIMIT_AS, (taken + MEMORY, resource.getrlimit(resource.RLIMIT_AS)[1]))


def main():
    """Damage files in processes and print the outcomes; the exit code is 1 if one was wrong."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("count", type=int)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--processes", type=int, default=1)
    options = parser.parse_args()
    firsts = range(options.first, options.first + options.count, 2000)
    counts = [min(2000, options.first + options.count - first) for first in firsts]
    total, wrong = Counter(), []
    with ProcessPoolExecutor(options.processes, get_context("spawn")) as pool:
        for found, more in pool.map(outcomes, firsts, counts, [options.seed] * len(counts)):
            total += found
            wrong += more
            for each in more:
                print(*each, flush=True)
    for (kind, found), number in sorted(total.items()):
        print(f"{kind:14} {found:8} {number:9,}")
    print(f"{total.total():,} files, {len(wrong)} wrong")
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
