"""The build's own steps: description, commit, packed simulator, man page and completions."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface
from hatchling.metadata.plugin.interface import MetadataHookInterface


class MetadataHook(MetadataHookInterface):
    """Writes the description for a package index, and the links to the repository that pyproject.toml names."""

    PLUGIN_NAME = "custom"

    def update(self, metadata: dict[str, Any]) -> None:
        """Add description and links."""
        sys.path.insert(0, self.root)
        from distribution.long_description import long_description

        repository = str(self.config["repository"]).rstrip("/")
        readme = (Path(self.root) / "README.md").read_text("utf-8")
        text = long_description(readme, repository=repository, version=metadata["version"])
        metadata["readme"] = {"content-type": "text/markdown", "text": text}
        pages = {"Documentation": "blob/HEAD/docs/cli.md", "Changelog": "blob/HEAD/CHANGELOG.md", "Issues": "issues"}
        metadata["urls"] = (
            {"Repository": repository, **{name: f"{repository}/{page}" for name, page in pages.items()}}
            if repository
            else {}
        )


class BuildHook(BuildHookInterface[Any]):
    """Generates the files that are in a wheel and not in the repository, so that they are never out of date."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Add the generated files to what is built; an editable installation would have those of an older state."""
        self._folder = Path(tempfile.mkdtemp(prefix="gputui-build-"))
        if version == "editable":
            return
        sys.path.insert(0, self.root)
        if commit := _commit(Path(self.root)):
            from gputui.version import COMMIT_FILE

            build_data["force_include"][self._write("commit", f"{commit}\n")] = f"gputui/{COMMIT_FILE}"
        if self.target_name == "wheel":
            from distribution.packed_simulator import PACKED, pack
            from distribution.shared_files import shared_files

            packed = self._folder / "modules.zip"
            pack(Path(self.root), packed)
            build_data["force_include"][str(packed)] = PACKED
            for path, text in shared_files().items():
                build_data["shared_data"][self._write(Path(path).name, text, Path(path).parent)] = path

    def finalize(self, *_: object) -> None:
        """Remove the generated files."""
        shutil.rmtree(self._folder)

    def _write(self, name: str, text: str, below: Path = Path()) -> str:
        path = self._folder / below / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
        return str(path)


def _commit(root: Path) -> str:
    """Return the commit of a clone and whether files differ from it; empty in an unpacked source distribution."""
    from gputui.version import checked_out

    commit = checked_out(root)
    if not commit:
        return ""
    try:
        changes = subprocess.run(
            ["git", "-C", str(root), "status", "--porcelain", "--untracked-files=no"],  # noqa: S607
            capture_output=True, text=True, check=True,
        )  # fmt: skip
    except (OSError, subprocess.CalledProcessError):
        return commit
    return f"{commit} with changes" if changes.stdout else commit
