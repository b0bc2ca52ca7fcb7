"""How the house stands: imports go up the map of the README, in no circle; files are short, few modules loose.

A name of a module in a string, which `import_module` would load, counts as an import.
"""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
PACKAGE = ROOT / "funcnet"
MAP = re.search(r"## Where things are\n(.*?)\n## ", (ROOT / "README.md").read_text(encoding="utf-8"), flags=re.DOTALL)[
    1
]
FLOORS = [re.findall(r"`(\w+)`", line.split("|")[1]) for line in MAP.splitlines() if line.startswith("| `")]
ORDER = [room for floor in FLOORS for room in floor]
FILES = sorted(PACKAGE.rglob("*.py"))
TESTS = sorted((ROOT / "tests").rglob("*.py"))
LOADERS = {"import_module", "_import_module", "__import__"}
LAZY = {  # who may load modules by their names, why, and which: no module that is imported loads another by that
    "": ("public names and subpackages are loaded when first used", {"public"}),
    "command.imports": ("the experiments of a user are in modules of the user's", set()),
    "testing": ("the strategies need Hypothesis, and are loaded when first used", {"testing.strategies"}),
    "values.registry": ("the names of the library are known when one is first looked up", {"public"}),
}
FOLDERS = {"data.optdigits": {"data"}}  # strings that say in which folder a file is


def name(path):
    """The module of a file, without the package's name."""
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


MODULES = {name(path): ast.parse(path.read_text(encoding="utf-8")) for path in FILES}


def within(name):
    """The module of funcnet, without the package's name, that a dotted name is or is in; None of another's."""
    first, _, inner = name.partition(".")
    if first == "funcnet":
        return inner if inner in MODULES or not inner else inner.rpartition(".")[0]
    return None


def in_statements(module):
    """The modules of funcnet that the import statements of a module name, wherever in it."""
    for node in ast.walk(MODULES[module]):
        if isinstance(node, ast.ImportFrom) and node.module == "funcnet":
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (within(f"{node.module}.{alias.name}") for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from (within(alias.name) or "funcnet" for alias in node.names if within(alias.name) is not None)


def in_strings(module):
    """The modules of funcnet that are named by a whole string of a module."""
    strings = (node.value for node in ast.walk(MODULES[module]) if isinstance(node, ast.Constant))
    names = {text.removeprefix("funcnet.") for text in strings if str(text).startswith("funcnet.")}
    return names & MODULES.keys() - {""}


def imported(module):
    """The modules of funcnet that a module imports, but for those that it loads when they are first used."""
    excepted = LAZY.get(module, ("", set()))[1] | FOLDERS.get(module, set())
    return {other for other in in_statements(module) if other is not None} | (in_strings(module) - excepted)


def room(module):
    return module.partition(".")[0]


def test_the_map_has_each_room_once():
    rooms = {room(module) for module in MODULES} - {"", "__main__"}
    assert sorted(ORDER) == sorted(rooms)


@pytest.mark.parametrize("module", sorted(set(MODULES) - {"", "__main__"}))
def test_an_import_goes_up_the_map(module):
    above = set(ORDER[: ORDER.index(room(module)) + 1])
    assert {room(other) for other in imported(module)} <= above  # and none is funcnet as a whole


@pytest.mark.parametrize("module", MODULES)
def test_an_import_says_the_whole_name(module):
    assert all(node.level == 0 for node in ast.walk(MODULES[module]) if isinstance(node, ast.ImportFrom))


def names_in(module):
    """All names that the code of a module has, alone, after a dot or in an import."""
    for node in ast.walk(MODULES[module]):
        yield from (getattr(node, field) for field in ("id", "attr", "name", "asname") if hasattr(node, field))


@pytest.mark.parametrize("module", MODULES)
def test_what_is_loaded_by_name_is_listed_with_its_reason(module):
    assert (module in LAZY) == bool(LOADERS & set(names_in(module)))
    listed = LAZY.get(module, ("", set()))[1] | FOLDERS.get(module, set())
    assert listed <= in_strings(module)


def test_no_module_imports_itself_by_a_detour():
    graph = {module: imported(module) - {module} for module in MODULES}
    while graph:
        free = {module for module, others in graph.items() if not others & graph.keys()}
        assert free, sorted(graph)
        graph = {module: others for module, others in graph.items() if module not in free}


def test_at_most_fourteen_modules_are_loose():
    assert len(list(PACKAGE.glob("*.py"))) <= 14


@pytest.mark.parametrize("path", [*FILES, *TESTS], ids=lambda path: path.relative_to(ROOT).as_posix())
def test_a_file_has_at_most_300_lines(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 300


elsewhere = pytest.mark.parametrize("module", [each for each in MODULES if room(each) not in ("tree", "numerics")])


@elsewhere
def test_only_trees_and_formulas_know_what_is_exactly_an_array(module):
    compared = [node for node in ast.walk(MODULES[module]) if isinstance(node, ast.Compare)]
    sides = [side for node in compared for side in (node.left, *node.comparators)]
    inside = [part for side in sides for part in getattr(side, "elts", [side])]  # of (ndarray, list), each
    assert not [part for part in inside if "ndarray" in (getattr(part, "id", ""), getattr(part, "attr", ""))]


@elsewhere
def test_only_trees_and_formulas_know_which_arrays_are_fast(module):
    assert not {"is_array", "FLOATS", "SHORT_ROW", "is_large"} & set(names_in(module))
