"""`answered`: a file tool whose outcome, good or bad, is a `ServiceResponse`."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, ParamSpec

from .._service import ServiceExecStatus, ServiceResponse
from ._work_folder import Refused

__all__ = ["answered"]

P = ParamSpec("P")


def answered(function: Callable[P, Any]) -> Callable[P, ServiceResponse]:
    """Let a function answer with what it returns, or with why it was refused."""

    @functools.wraps(function)
    def answer(*args: P.args, **kwargs: P.kwargs) -> ServiceResponse:
        try:
            return ServiceResponse(ServiceExecStatus.SUCCESS, function(*args, **kwargs))
        except Refused as error:
            return ServiceResponse(ServiceExecStatus.ERROR, str(error))

    return answer
