"""What an image has in the place of `serving/__init__.py`: it imports what a start needs, at once.

One file beside it holds these modules (merge.py writes it): to look for some forty files and to
read each of them takes a fifteenth of a cold start's instructions. Every other module is imported
as ever, and all of them where there is no such file, as for another Python.
"""

# A package has a __path__, and this file will be one.
# ruff: noqa: F821
# mypy: disable-error-code="name-defined"

import sys


def _import_start() -> None:
    """Import the modules of the file beside this one: those another one needs are before it."""
    try:
        file = open(f"{__path__[0]}/start.{sys.implementation.cache_tag}", "rb", 0)  # noqa: PTH123, SIM115 - pathlib is another import
    except OSError:
        return
    import gc  # noqa: PLC0415 - as marshal, only where there is such a file
    import marshal  # noqa: PLC0415

    gc.disable()  # nothing of it is garbage, which the collector would go through all to find out
    with file:
        parts = marshal.loads(file.readall())  # noqa: S302 - code, as the image's .pyc files are
    make, make_spec, modules = type(sys), type(__spec__), sys.modules
    for name, folder, code in parts:
        parent, _, last = name.rpartition(".")
        module = modules[name] = make(name)
        own = module.__dict__
        own["__file__"] = code.co_filename
        own["__package__"] = name if folder else parent
        own["__spec__"] = make_spec(name, None, origin=code.co_filename, is_package=bool(folder))
        if folder:
            own["__path__"] = [folder]
        exec(code, own)  # noqa: S102 - as an import does
        modules[parent].__dict__[last] = module
    gc.freeze()  # nor will it be
    gc.enable()


_import_start()
