"""How the house stands: imports go up the map of the README, in no circle; files are short, few modules loose."""

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
WITH_ALL_NAMES = {"command", "experiments.environment", "testing.reports.source"}  # need the version, or list the names


def name(path):
    """The module of a file, without the package's name."""
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


MODULES = {name(path): ast.parse(path.read_text(encoding="utf-8")) for path in FILES}


def imported(module):
    """The modules of funcnet that a module imports, wherever in it."""
    for node in ast.walk(MODULES[module]):
        if isinstance(node, ast.ImportFrom) and node.module == "funcnet":
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module.startswith("funcnet."):
            inner = [f"{node.module}.{alias.name}".removeprefix("funcnet.") for alias in node.names]
            yield from {each if each in MODULES else node.module.removeprefix("funcnet.") for each in inner}
        elif isinstance(node, ast.Import):
            yield from (alias.name.removeprefix("funcnet.") for alias in node.names if alias.name.startswith("funcnet"))


def room(module):
    return module.partition(".")[0]


def test_the_map_has_each_room_once():
    rooms = {room(module) for module in MODULES} - {"", "__main__"}
    assert sorted(ORDER) == sorted(rooms)


@pytest.mark.parametrize("module", sorted(set(MODULES) - {"", "__main__"}))
def test_an_import_goes_up_the_map(module):
    above = set(ORDER[: ORDER.index(room(module)) + 1])
    assert {room(other) for other in imported(module) if other != "funcnet"} <= above
    assert "funcnet" not in imported(module) or module in WITH_ALL_NAMES


def test_no_module_imports_itself_by_a_detour():
    graph = {module: {other for other in imported(module) if other != module} for module in MODULES}
    for module in MODULES:
        for package in {module.rpartition(".")[0]} - {""}:
            graph[module] -= {package}  # whose names are those of its modules
    while graph:
        free = {module for module, others in graph.items() if not others & graph.keys()}
        assert free, sorted(graph)
        graph = {module: others for module, others in graph.items() if module not in free}


def test_at_most_fourteen_modules_are_loose():
    assert len(list(PACKAGE.glob("*.py"))) <= 14


@pytest.mark.parametrize("path", [pytest.param(path, id=name(path) or "funcnet") for path in FILES])
def test_a_file_has_at_most_300_lines(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 300


@pytest.mark.parametrize("module", [module for module in MODULES if room(module) not in ("tree", "numerics")])
def test_only_trees_and_formulas_know_what_is_exactly_an_array(module):
    code = ast.unparse(MODULES[module])
    assert not re.search(r"type\(\w+\) is (not )?(np\.)?ndarray|\bFLOATS\b|\bSHORT_ROW\b|\bis_large\b", code)
