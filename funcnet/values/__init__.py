"""Values: frozen classes that are checked, print as the code that makes them, and have a JSON form."""

# fmt: off
from funcnet.values.checks import at_least, check_methods, integer, is_bool, is_no_class, one_of, real
from funcnet.values.registry import (
    ADDED_LATER, UnregisteredError, code, from_json, from_plain, public_items, register, register_as, registered,
    registered_name, to_json, to_plain,
)
from funcnet.values.specification import specification
from funcnet.values.suggestions import instead_of
from funcnet.values.table import aligned

__all__ = [
    "ADDED_LATER", "UnregisteredError", "aligned", "at_least", "check_methods", "code", "from_json", "from_plain",
    "instead_of", "integer", "is_bool", "is_no_class", "one_of", "public_items", "real", "register", "register_as",
    "registered", "registered_name", "specification", "to_json", "to_plain",
]
