"""`AgentsHandler`: what every address under ``nbagents/api`` has in common.

Every verb is there, needs a user whom Jupyter knows and who may do it, and answers in JSON. An address says
what it does for which verb; it cannot leave a guard out.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, TypeVar

from jupyter_server.auth.decorator import authorized
from jupyter_server.base.handlers import APIHandler
from tornado import web

from ..exceptions import InternalError, NbAgentsError
from ..rpc import RpcAgentClient
from ._fleet import Fleet
from ._refusal import body_of, body_of_status, status_of
from ._threads import in_thread

__all__ = ["AgentsHandler"]

T = TypeVar("T")
MAX_BODY = 1_000_000
SECONDS = 30.0


class AgentsHandler(APIHandler):
    """One address. A subclass overrides what it offers of `read`, `do` and `remove`."""

    auth_resource = "nbagents"

    def initialize(self, fleet: Fleet) -> None:
        """Take what all addresses share."""
        self.fleet = fleet

    # ---- what an address offers: the answer to GET, POST and DELETE

    async def read(self, *place: str) -> Any:
        """Answer GET."""
        raise web.HTTPError(405)

    async def do(self, *place: str) -> Any:
        """Answer POST."""
        raise web.HTTPError(405)

    async def remove(self, *place: str) -> Any:
        """Answer DELETE."""
        raise web.HTTPError(405)

    # ---- the verbs

    @web.authenticated
    @authorized
    async def get(self, *place: str) -> None:
        """Answer."""
        await self._answer(self.read, place)

    @web.authenticated
    @authorized
    async def post(self, *place: str) -> None:
        """Answer."""
        await self._answer(self.do, place)

    @web.authenticated
    @authorized
    async def delete(self, *place: str) -> None:
        """Answer."""
        await self._answer(self.remove, place)

    @web.authenticated
    @authorized
    async def head(self, *place: str) -> None:
        """Refuse."""
        raise web.HTTPError(405)

    @web.authenticated
    @authorized
    async def put(self, *place: str) -> None:
        """Refuse."""
        raise web.HTTPError(405)

    @web.authenticated
    @authorized
    async def patch(self, *place: str) -> None:
        """Refuse."""
        raise web.HTTPError(405)

    async def _answer(self, work: Callable[..., Any], place: tuple[str, ...]) -> None:
        self.check_xsrf_cookie()  # Jupyter does it for the verbs that change something
        try:
            self.write_json(await work(*place))
        except NbAgentsError as error:
            self.write_json(body_of(error), status_of(error))
        except TimeoutError:
            self.write_json(body_of_status(504), 504)
        except web.HTTPError:
            raise
        except Exception:
            self.log.exception("nbagents could not answer %s", self.request.method)
            self.write_json(body_of(InternalError("this did not work; the log of Jupyter says why")), 500)

    # ---- for subclasses

    async def ask(self, server_id: str, work: Callable[[RpcAgentClient], T]) -> T:
        """Do blocking work with a client of a server, in a thread.

        Raises:
            NbAgentsError: whatever the work raises, or there is no such server.
            TimeoutError: it took too long.
        """
        return await in_thread(lambda: work(self.fleet.client(self.fleet.find(server_id))), SECONDS)

    def body(self, **fields: tuple[type, ...]) -> dict[str, Any]:
        """Return the JSON object of the request, which has no fields but these, of these types.

        Raises:
            HTTPError: it is no such object.
        """
        kind = self.request.headers.get("Content-Type", "")
        raw = self.request.body
        if len(raw) > MAX_BODY:
            raise web.HTTPError(413)
        if (raw or kind) and kind.partition(";")[0].strip().lower() != "application/json":
            raise web.HTTPError(415)
        try:
            found = json.loads(raw or b"{}")
        except (ValueError, RecursionError):
            raise web.HTTPError(400) from None
        if not isinstance(found, dict) or not all(
            name in fields and isinstance(value, fields[name]) for name, value in found.items()
        ):
            raise web.HTTPError(400)
        return found

    def write_json(self, value: Any, status: int = 200) -> None:
        """Answer."""
        self.set_status(status)
        self.set_header("Cache-Control", "no-store")
        self.finish(json.dumps(value, default=str))

    # ---- what Jupyter calls

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Answer in the one form that errors have here."""
        self.write_json(body_of_status(status_code), status_code)

    def update_api_activity(self) -> None:
        """Count what a person does; not a page that only looks, which hubs could never cull."""
        if self.request.method not in ("GET", "HEAD"):
            super().update_api_activity()
