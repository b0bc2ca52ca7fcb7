"""Values: frozen classes that are checked, print as the code that makes them, and have a JSON form."""

# fmt: off
from funcnet.values.checks import at_least, check_methods, integer, is_bool, is_no_class, one_of, real, strings
from funcnet.values.locks import lock_across_forks
from funcnet.values.parsing import parsed, too_many
from funcnet.values.paths import as_path
from funcnet.values.plain import ADDED_LATER, from_json, from_plain, to_json, to_plain
from funcnet.values.registry import (
    UnregisteredError, code, public_items, register, registered, registered_name,
)
from funcnet.values.sources import sources
from funcnet.values.specification import specification
from funcnet.values.suggestions import instead_of
from funcnet.values.table import aligned

__all__ = [
    "ADDED_LATER", "UnregisteredError", "aligned", "as_path", "at_least", "check_methods", "code", "from_json",
    "from_plain", "instead_of", "integer", "is_bool", "is_no_class", "lock_across_forks", "one_of", "parsed",
    "public_items", "real", "register", "registered", "registered_name", "sources", "specification", "strings",
    "to_json", "to_plain", "too_many",
]
