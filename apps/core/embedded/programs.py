"""Finds the server programs in their wheels, and copies them where their user can run them."""

import importlib.metadata
import importlib.util
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from apps.core.embedded.errors import EmbeddedServicesError
from apps.core.embedded.folders import OPEN_MODE, folder_ensure, system_folder_ensure
from apps.core.embedded.places import SYSTEM_FOLDER, Place, is_readable


@dataclass(frozen=True, slots=True)
class Program:
    """One server inside a wheel.

    Attributes:
        wheel: The distribution's name.
        package: The import package that holds it; never imported, only looked up.
        tree: What the server needs to run, relative to the package.
        executable: The file to run, relative to ``tree``.
        sample: A file that the server must be able to read, relative to ``tree``.
    """

    wheel: str
    package: str
    tree: str
    executable: str
    sample: str

    def path_for(self, place: Place) -> Path:
        """Return the executable, in a copy when its user cannot reach the wheel.

        Raises:
            EmbeddedServicesError: The wheel is not installed, or there is no room for a copy.
        """
        tree = self._installed_tree()
        files = (tree / self.executable, tree / self.sample)
        if place.user is None or all(is_readable(file, place.user) for file in files):
            return files[0]
        return self._copy_of(tree, place.home_dir.parent) / self.executable

    def _installed_tree(self) -> Path:
        spec = importlib.util.find_spec(self.package)
        tree = Path(spec.origin).parent / self.tree if spec and spec.origin else None
        if tree is None or not (tree / self.executable).exists():
            raise EmbeddedServicesError(
                f"the wheel {self.wheel} is not installed or carries no {self.executable} for "
                "this machine. Run `make setup`, or set DATABASE_URL and REDIS_URL to servers "
                "of your own."
            )
        return tree

    def _copy_of(self, tree: Path, folder: Path) -> Path:
        version = importlib.metadata.version(self.wheel)
        target = folder / "programs" / f"{self.wheel}-{version}"
        if target.exists():
            return target
        if folder.parent == SYSTEM_FOLDER:
            system_folder_ensure(folder)
        folder_ensure(target.parent)
        draft = Path(tempfile.mkdtemp(dir=target.parent))
        try:
            shutil.copytree(tree, draft / "tree", symlinks=True)
            _make_readable(draft / "tree")
            (draft / "tree").rename(target)
        except OSError as error:
            raise EmbeddedServicesError(
                f"cannot copy {tree} to {target}: {error}. Free space there, or move the project "
                "to a folder that every user may enter."
            ) from error
        finally:
            shutil.rmtree(draft)
        return target


def _make_readable(tree: Path) -> None:
    """Undo a tight umask at installation: a copy is for another user by definition."""
    for path in (tree, *tree.rglob("*")):
        if path.is_symlink():
            continue
        mode = path.stat().st_mode
        runs = path.is_dir() or mode & 0o100
        path.chmod(OPEN_MODE if runs else 0o644)
