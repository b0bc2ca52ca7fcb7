"""Modules of the user, which register layers and more: those of --import, and those that an experiment names."""

from __future__ import annotations

import argparse
import importlib
import sys
import traceback
from pathlib import Path
from types import ModuleType
from typing import Any

from funcnet.saving.opening import opening
from funcnet.values import parsed

_PACKAGE = Path(__file__).parents[1]


def import_all(options: argparse.Namespace) -> None:
    """Import the modules of --import, and those that the experiment names.

    A module that the experiment names may be missing if --import gives one: it may have a new name.
    """
    for name in options.modules:
        imported(name)
    for name in imports_in(options) if {"directory", "experiment"} & vars(options).keys() else ():
        try:
            imported(_found(name, options))
        except (FileNotFoundError, ModuleNotFoundError) as error:
            if not options.modules:
                raise ImportError(f"the experiment needs {name}, give it with --import MODULE: {error}") from error


def _found(name: str, options: argparse.Namespace) -> str:
    """The path of a .py file as it is, or from a folder that the folder of the run is in."""
    folder = getattr(options, "directory", None)
    if folder is None or not name.endswith(".py") or Path(name).is_file():
        return name
    there = [parent / name for parent in Path(folder).resolve().parents]
    return next((str(path) for path in there if path.is_file()), name)


def imported(name: str) -> ModuleType:
    """The module; a .py file's folder is added to the path. Raises ImportError, which names file and line."""
    if not name.endswith(".py"):
        return _imported(name)
    path = Path(name).resolve()
    if not path.is_file():
        raise FileNotFoundError(2, "No such file", name)
    if str(path.parent) not in sys.path:
        sys.path.insert(0, str(path.parent))
        importlib.invalidate_caches()
    module = _imported(path.stem)
    if (there := getattr(module, "__file__", None)) is None or Path(there).resolve() != path:
        raise ImportError(f"{name} has the name of another module ({there or 'of Python'}): rename the file")
    return module


def _imported(name: str) -> ModuleType:
    if not all(part.isidentifier() for part in name.split(".")):
        raise ModuleNotFoundError(f"{name!r} is not a module: give its name, or the path of its .py file")
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is not None and (name == error.name or name.startswith(f"{error.name}.")):
            raise ModuleNotFoundError(f"{error}: give the name of a module, or the path of its .py file") from error
        raise ImportError(_inside(name, error)) from error
    except Exception as error:  # a module may raise anything
        raise ImportError(_inside(name, error)) from error


def _inside(name: str, error: Exception) -> str:
    """An error inside a module, with file and line."""
    if isinstance(error, SyntaxError):
        return f"{error.filename}, line {error.lineno}: {error.msg}, so {name} cannot be imported"
    frames = traceback.extract_tb(error.__traceback__)
    own = [each for each in frames if "importlib" not in each.filename and _PACKAGE not in Path(each.filename).parents]
    place = f"{own[-1].filename}, line {own[-1].lineno}: " if own else ""
    return f"{place}{type(error).__name__}: {error}, so {name} cannot be imported"


def imports_in(options: argparse.Namespace) -> tuple[str, ...]:
    """The modules that the experiment of a command names: in the folder of a run, or in the file itself."""
    if hasattr(options, "directory"):
        return recorded(Path(options.directory))
    return (
        *_named(Path(options.experiment), links=True),
        *(recorded(Path(options.out)) if getattr(options, "out", "") else ()),
    )


def recorded(directory: Path) -> tuple[str, ...]:
    """The modules that the experiment in the folder of a run names."""
    return _named(directory / "experiment.json", links=False)


def _named(path: Path, *, links: bool) -> tuple[str, ...]:
    """The entry "imports" of an experiment's JSON, none if it cannot be read: whoever reads it next says why."""
    try:
        with opening(path, links=links) as file:
            plain: Any = parsed(file.read())
    except (OSError, ValueError, RecursionError):
        return ()
    names = plain.get("imports", ()) if isinstance(plain, dict) else ()
    names = [names] if isinstance(names, str) else names
    return tuple(name for name in names if isinstance(name, str)) if isinstance(names, list) else ()
