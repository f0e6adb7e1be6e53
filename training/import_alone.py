"""Imports a module as if those that the command line ends with were not installed.

`python -I training/import_alone.py FOLDER MODULE …`: isolated, so that there is besides the folder
only what is installed. What is wrong is a line on standard error.
"""

import sys
import traceback
from collections.abc import Sequence
from importlib import import_module
from importlib.abc import MetaPathFinder


class Refuse(MetaPathFinder):
    """Lets nobody find some modules."""

    def __init__(self, refused: frozenset[str]) -> None:
        self._refused = refused

    def find_spec(self, fullname: str, _: object, __: object = None) -> None:
        """None, which leaves it to the others.

        Raises:
            ModuleNotFoundError: It is refused.
        """
        if fullname.partition(".")[0] in self._refused:
            raise ModuleNotFoundError(f"No module named {fullname!r}", name=fullname)


def main(folder: str, module: str, refused: Sequence[str]) -> str:
    """What is wrong; nothing where all is well."""
    sys.meta_path.insert(0, Refuse(frozenset(refused)))
    sys.path.append(folder)
    try:
        import_module(module)
    except Exception as error:  # noqa: BLE001 - whatever a person's code does
        lines = [
            at.lineno for at in traceback.extract_tb(error.__traceback__) if folder in at.filename
        ]
        return f"line {lines[-1] if lines else 1}: {type(error).__name__}: {error}"
    return ""


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2], sys.argv[3:]) or None)
