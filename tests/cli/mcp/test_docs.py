"""docs/mcp.md: the tools that it lists, with their arguments, are those of the server."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, cast

from gputui.cli.mcp.read_tools import ReadTools
from gputui.cli.mcp.write_tools import WriteTools

PAGE = Path(__file__).parents[3] / "docs" / "mcp.md"
ROW = re.compile(r"^\| (`\w+`(?:, `\w+`)*) \| (?:`([\w ]+)`|–) \|", re.MULTILINE)


def test_the_tables_have_each_tool_with_its_arguments() -> None:
    reader = cast("Any", None)  # what tools there are depends on no account
    tools = [*ReadTools(reader, reader).tools(), *WriteTools(reader).tools()]
    listed = {
        name: set((arguments or "").split())
        for names, arguments in ROW.findall(PAGE.read_text("utf-8"))
        for name in re.findall(r"\w+", names)
    }
    assert listed == {tool.name: set(tool.arguments.model_fields) for tool in tools}
