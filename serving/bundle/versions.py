"""The versions that a pickled model needs: those which it was pickled with."""

from __future__ import annotations

from serving.bundle import errors
from serving.bundle.files import name_command
from serving.bundle.manifest import python_version

TYPE_CHECKING = False
if TYPE_CHECKING:
    from serving.bundle.manifest import Manifest

# Pickles of one minor version of Python load in its patch releases; a package's need not.
PINNED_PACKAGES = ("scikit-learn", "numpy", "scipy", "joblib")


def installed_versions() -> dict[str, str]:
    """Versions of Python (major.minor) and of the packages whose objects a model pickles."""
    from importlib.metadata import PackageNotFoundError, version  # noqa: PLC0415 - slow

    versions = {"python": python_version()}
    for package in PINNED_PACKAGES:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            versions[package] = "not installed"
    return versions


def check_versions(manifest: Manifest) -> None:
    """Refuse a model that other versions pickled: scikit-learn itself would only warn.

    Raises:
        VersionMismatch: The message names both versions of each package that differs.
    """
    installed = installed_versions()
    differing = [
        f"{package} {manifest.versions.get(package, 'unknown')} (installed: {found})"
        for package, found in installed.items()
        if manifest.versions.get(package) != found
    ]
    if differing:
        raise errors.VersionMismatch(
            f"the model was trained with {', '.join(differing)}: install the versions of the "
            "locks with 'scripts/install.sh serve train', or train it again with "
            f"{name_command('train', manifest.name)}"
        )
