"""Finds the server programs in their wheels, and copies them where their user can run them."""

import importlib.metadata
import importlib.util
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from apps.core.embedded.errors import EmbeddedServicesError
from apps.core.embedded.folders import OPEN_MODE, folder_ensure
from apps.core.embedded.places import Place, is_readable


@dataclass(frozen=True, slots=True)
class Program:
    """One server inside a wheel. All paths are relative to the folder of installed packages.

    Attributes:
        wheel: The distribution's name.
        package: The import package that holds it; never imported, only looked up.
        trees: Folders that it needs to run; those that a platform's wheel lacks are left out.
        executable: The file to run.
        sample: Another file that the server reads.
    """

    wheel: str
    package: str
    trees: tuple[str, ...]
    executable: str
    sample: str

    def path_for(self, place: Place) -> Path:
        """Return the executable, in a copy when its user cannot reach the wheel.

        Raises:
            EmbeddedServicesError: The wheel is not installed, or there is no room for a copy.
        """
        packages = self._installed_in()
        files = (packages / self.executable, packages / self.sample)
        if place.user is None or all(is_readable(file, place.user) for file in files):
            return files[0]
        return self._copy_of(packages, place.home_dir.parent) / self.executable

    def _installed_in(self) -> Path:
        spec = importlib.util.find_spec(self.package)
        packages = Path(spec.origin).parent.parent if spec and spec.origin else None
        if packages is None or not (packages / self.executable).exists():
            raise EmbeddedServicesError(
                f"the wheel {self.wheel} is not installed or carries no {self.executable} for "
                "this machine. Run `make setup`, or set DATABASE_URL and REDIS_URL to servers "
                "of your own."
            )
        return packages

    def _copy_of(self, packages: Path, folder: Path) -> Path:
        version = importlib.metadata.version(self.wheel)
        target = folder / "programs" / f"{self.wheel}-{version}"
        if target.exists():
            return target
        folder_ensure(target.parent)
        draft = Path(tempfile.mkdtemp(dir=target.parent))
        try:
            for tree in self.trees:
                if (packages / tree).is_dir():
                    shutil.copytree(packages / tree, draft / tree, symlinks=True)
            _make_readable(draft)
            draft.rename(target)
        except OSError as error:
            shutil.rmtree(draft)
            raise EmbeddedServicesError(
                f"cannot copy {self.package} to {target}: {error}. Free space there, or move the "
                "project to a folder that every user may enter."
            ) from error
        return target


def _make_readable(tree: Path) -> None:
    """Undo a tight umask at installation: a copy is for another user by definition."""
    for path in (tree, *tree.rglob("*")):
        if path.is_symlink():
            continue
        mode = path.stat().st_mode
        runs = path.is_dir() or mode & 0o100
        path.chmod(OPEN_MODE if runs else 0o644)
