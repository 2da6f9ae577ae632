"""``python -m distribution.pictures views|readme FOLDER`` takes the pictures of the views, or of the READMEs.

Those of the views are SVG, those of the READMEs PNG, for which rsvg-convert and pngquant are needed. The world is
that of ``gputui demo``, with its time as it passes: with a clock that begins at the same time in every run, as ``make
pictures`` sets it, two runs differ in seconds only.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from distribution.pictures.demo import NotShownError, running_demo
from distribution.pictures.scenes import README, VIEWS, Scene
from distribution.pictures.svg import write_png

_CALM_SECONDS = 30.0


async def _take(scenes: Sequence[Scene], folder: Path, suffix: str, write: Callable[[str, Path], None]) -> None:
    async with running_demo(calm=_CALM_SECONDS if suffix == "png" else 0.0) as demo:
        for scene in scenes:
            picture = folder / f"{scene.name}.{suffix}"
            await asyncio.to_thread(write, await demo.picture(scene), picture)
            sys.stdout.write(f"{picture}\n")


def _write_svg(svg: str, path: Path) -> None:
    path.write_text(svg, "utf-8")


def take(kind: str, folder: Path) -> None:
    """Take the pictures of a ``kind``, views or readme, into a folder. Raises NotShownError."""
    # Textual reads these when it is imported.
    os.environ.setdefault("TEXTUAL_ANIMATIONS", "none")
    os.environ.setdefault("TEXTUAL_SMOOTH_SCROLL", "0")
    folder.mkdir(parents=True, exist_ok=True)
    if kind == "views":
        asyncio.run(_take(VIEWS, folder, "svg", _write_svg))
    else:
        asyncio.run(_take(README, folder, "png", write_png))


def main(*words: str) -> None:
    """Take the pictures that the command line names. Ends the program where that fails."""
    if len(words) != 2 or words[0] not in {"views", "readme"}:
        sys.exit("usage: python -m distribution.pictures views|readme FOLDER")
    try:
        take(words[0], Path(words[1]))
    except NotShownError as error:
        sys.exit(str(error))
    except FileNotFoundError as error:
        sys.exit(f"{error.filename} is missing; on Debian: apt-get install librsvg2-bin pngquant fonts-dejavu-core")
    except subprocess.CalledProcessError as error:
        sys.exit(f"{error.cmd[0]} failed: {error.stderr.decode(errors='replace')}")


if __name__ == "__main__":
    main(*sys.argv[1:])
