"""`in_work_folder`: a tool that works in one folder, which its programmer names, or else the current one."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, TypeVar

from .._reserved import reserved

__all__ = ["in_work_folder"]

Function = TypeVar("Function", bound=Callable[..., Any])


def in_work_folder(function: Function) -> Function:
    """Keep ``folder`` and ``hidden`` from models; as a tool it works in what is the current folder then.

    So it does also where it goes along with an agent, to a server whose current folder is another one.
    """

    def offer() -> dict[str, Any]:
        return {"function": function, "preset_kwargs": {"folder": os.getcwd()}}

    function.__tool__ = offer  # type: ignore[attr-defined]
    return reserved("folder", "hidden")(function)
