"""The service, what hosts it, and what deploys it.

In the image of a frozen model one file holds the modules that a start needs. To look for some forty
files and to read each of them takes a fifteenth of a cold start's instructions.
serving/deployment/image/merge.py writes the file; where there is none, as in a checkout, and for
every other module, imports are what they are.
"""

import sys


def _import_start() -> None:
    """Import the modules of the file beside this one: those another one needs are before it."""
    try:
        file = open(f"{__path__[0]}/start.{sys.implementation.cache_tag}", "rb", 0)  # noqa: PTH123, SIM115 - pathlib is another import
    except OSError:
        return
    import marshal  # noqa: PLC0415 - only where there is such a file

    with file:
        parts = marshal.loads(file.readall())  # noqa: S302 - code, as the image's .pyc files are
    make, make_spec, modules = type(sys), type(__spec__), sys.modules
    for name, folder, code in parts:
        parent, _, last = name.rpartition(".")
        module = modules[name] = make(name)
        module.__file__ = code.co_filename
        module.__package__ = name if folder else parent
        module.__spec__ = make_spec(name, None, origin=code.co_filename, is_package=bool(folder))
        if folder:
            module.__path__ = [folder]
        exec(code, module.__dict__)  # noqa: S102 - as an import does
        setattr(modules[parent], last, module)


_import_start()
