"""`LocalDeployManager`: serve apps at addresses of this machine, from this process or one of their own."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from .._ids import new_id
from ..exceptions import DeploymentError, NbAgentsError, UsageError
from ._deployment import DAEMON_THREAD, DETACHED_PROCESS, Deployment, find_deployment
from ._listener import taken
from ._serving import Serving, serve, served
from ._stopping import stop_deployment
from ._tls import check_tls

if TYPE_CHECKING:
    from ._agent_app import AgentApp

__all__ = ["DeploymentMode", "LocalDeployManager"]


class DeploymentMode:
    """Where a deployed app runs."""

    DAEMON_THREAD = DAEMON_THREAD
    """On a thread of this process: it ends with this process, and shares what is in it."""
    DETACHED_PROCESS = DETACHED_PROCESS
    """In a process of its own, which outlives this one, and ends when somebody stops it."""


MODES = (DeploymentMode.DAEMON_THREAD, DeploymentMode.DETACHED_PROCESS)


class Deployed(dict[str, Any]):
    """What `LocalDeployManager.deploy` returns. A cell that shows it does not show the token.

    >>> Deployed(deploy_id="3f2a", url="http://127.0.0.1:8090", token="secret")
    {'deploy_id': '3f2a', 'url': 'http://127.0.0.1:8090', 'token': '***'}
    >>> Deployed(url="http://127.0.0.1:8090", token="secret") | {"name": "Friday"}
    {'url': 'http://127.0.0.1:8090', 'token': '***', 'name': 'Friday'}
    """

    def __repr__(self) -> str:
        return repr({name: "***" if name == "token" and value else value for name, value in self.items()})

    __str__ = __repr__

    def copy(self) -> Deployed:
        """Return a copy, which does not show the token either."""
        return Deployed(self)

    def __or__(self, other: Mapping[str, Any]) -> Deployed:  # type: ignore[override]
        return Deployed({**self, **other}) if isinstance(other, Mapping) else NotImplemented

    def __ror__(self, other: Mapping[str, Any]) -> Deployed:  # type: ignore[override]
        return Deployed({**other, **self}) if isinstance(other, Mapping) else NotImplemented


class LocalDeployManager:
    """Serves one app at a time, behind whatever else goes on.

    What it deploys is among `deployments`, and can be stopped by any manager of the same user, in any
    process; what has a process of its own after this one has ended, too.

    Args:
        host: The address to serve at.
        port: The port; 0 for any.
        shutdown_timeout: Seconds that answers under way get to end.
        startup_timeout: Seconds that the app may take to begin.
    """

    def __init__(
        self,
        host: str = "127.0.0.1",
        port: int = 8090,
        shutdown_timeout: float = 30.0,
        startup_timeout: float = 30.0,
    ) -> None:
        self.host, self.port = host, port
        self.shutdown_timeout, self.startup_timeout = shutdown_timeout, startup_timeout
        self._deployed: tuple[str, Serving | Deployment] | None = None
        """The last one that it has deployed: its id, and what tells whether it serves."""
        self._deploying = threading.Lock()

    @property
    def is_running(self) -> bool:
        """Does it serve?"""
        return self.service_url is not None

    @property
    def service_url(self) -> str | None:
        """Where it serves, if it does."""
        deployed = self._deployed
        return deployed[1].url if deployed is not None and deployed[1].alive else None

    async def deploy(
        self,
        app: AgentApp | str,
        mode: str = DeploymentMode.DAEMON_THREAD,
        *,
        environment: Mapping[str, str] | None = None,
        ssl_certfile: str | None = None,
        ssl_keyfile: str | None = None,
        ssl_keyfile_password: str | None = None,
    ) -> dict[str, Any]:
        """Serve an app; return its ``deploy_id``, ``url`` and ``token`` when it answers.

        ``mode="detached_process"`` has it in a process of its own, which goes on when this one, a kernel say,
        ends. An app that a module has is imported there; what was written in cells goes there as source: the
        statement that makes the app, its functions, and what these need of the notebook, which are imports,
        functions, classes, and constants in capitals. Nothing that the cells have computed goes along, nor
        what an agent has become. ``app`` may be the text ``"module:app"`` then, and ``environment`` has
        variables for the process, beside those of this one; the working folder is the same.

        On a thread, an app that serves elsewhere in this process too goes on there,
        with the same start, sessions and end. Cancelled, it ends what it has begun. ``ssl_certfile``,
        ``ssl_keyfile`` and ``ssl_keyfile_password`` are as in `AgentApp.run`.

        Raises:
            UsageError: it serves already or begins to, the port is taken, the certificate cannot be used, or
                there is no such mode.
            DeploymentError: the process did not start, with the end of its log; or something that the app
                uses cannot go there: the message names it, and says what to do.
        """
        if mode not in MODES:
            raise UsageError(f"there is no mode {mode!r}; there are: {', '.join(MODES)}")
        given = {
            "ssl_certfile": ssl_certfile,
            "ssl_keyfile": ssl_keyfile,
            "ssl_keyfile_password": ssl_keyfile_password,
        }
        options: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
        check_tls(options)
        if not self._deploying.acquire(blocking=False):
            raise UsageError(
                "it is deploying something at this moment", hint="wait for that one, or make another manager"
            )
        try:
            if self.is_running:
                raise UsageError(
                    f"it serves already, at {self.service_url}",
                    hint="await manager.stop(deploy_id), or make another one",
                )
            if mode == DeploymentMode.DETACHED_PROCESS:
                return await self._detach(app, environment or {}, options)
            if isinstance(app, str) or environment:
                raise UsageError("app as a text, and environment, are for mode='detached_process'")
            return await self._begin(app, options)
        finally:
            self._deploying.release()

    async def _begin(self, app: AgentApp, options: dict[str, Any]) -> dict[str, Any]:
        def begin() -> Serving:
            return serve(
                app,
                self.host,
                self.port,
                mode=DeploymentMode.DAEMON_THREAD,
                deploy_id=deploy_id,
                shutdown_timeout=self.shutdown_timeout,
                startup_timeout=self.startup_timeout,
                **options,
            )

        deploy_id = new_id()[:16]
        beginning = asyncio.ensure_future(asyncio.to_thread(begin))
        try:
            serving = await asyncio.shield(beginning)
        except asyncio.CancelledError:
            beginning.add_done_callback(_end_unwanted)
            raise
        self._deployed = deploy_id, serving
        return Deployed(deploy_id=deploy_id, url=serving.url, token=serving.token)

    async def _detach(
        self, app: AgentApp | str, environment: Mapping[str, str], options: dict[str, Any]
    ) -> dict[str, Any]:
        from ._detached import Start  # needs the parts of the wire that know sources

        if any(own.port == self.port for own in served()):
            raise taken(self.host, self.port)
        start = Start(
            app,
            environment=environment,
            seconds=self.startup_timeout,
            mode=DeploymentMode.DETACHED_PROCESS,
            host=self.host,
            port=self.port,
            shutdown_timeout=self.shutdown_timeout,
            **options,
        )
        try:
            deployment = await asyncio.to_thread(start.run)
        except asyncio.CancelledError:
            start.give_up()
            raise
        self._deployed = deployment.deploy_id, deployment
        return Deployed(deploy_id=deployment.deploy_id, url=deployment.url, token=deployment.token)

    async def stop(self, deploy_id: str) -> dict[str, Any]:
        """End what was deployed, here or by another process of this user; return ``success`` and ``message``.

        Answers under way get `shutdown_timeout` seconds, those of the manager that deployed them. ``success``
        is False, and ``message`` says why, where it is not known or does not end; see `stop_deployment`. What
        has not ended is still this manager's, and may be stopped again.
        """
        own = self._deployed
        if own is None or own[0] != deploy_id:
            return await self._stop_other(deploy_id)
        if isinstance(serving := own[1], Serving):
            was_alive = serving.alive
            ended = await asyncio.to_thread(serving.stop)
            message = "it answers no more, but what it does at the end takes long"
            if ended:
                message = "stopped" if was_alive else "it had ended already"
            told = {"success": ended, "message": message, "details": {"url": serving.url}}
        else:
            told = await self._stop_other(deploy_id)
        if told["success"] and self._deployed is own:
            self._deployed = None
        return told

    async def _stop_other(self, deploy_id: str) -> dict[str, Any]:
        """End what is served by a process of this user."""
        try:
            found = await asyncio.to_thread(find_deployment, deploy_id)
            if found is None:
                message = f"nothing is deployed as {deploy_id[:40]!r}"
                return {"success": False, "message": message, "details": {}}
            was_alive = found.alive
            await asyncio.to_thread(stop_deployment, deploy_id)
        except (UsageError, DeploymentError) as error:
            return {"success": False, "message": _message(error), "details": {}}
        message = "stopped" if was_alive else "it had ended already"
        return {"success": True, "message": message, "details": {"url": found.url}}

    def get_deployment_info(self) -> list[dict[str, Any]]:
        """Return what this manager has deployed last and not stopped: ``deploy_id``, ``url``, ``alive``."""
        if (own := self._deployed) is None:
            return []
        return [{"deploy_id": own[0], "url": own[1].url, "alive": own[1].alive}]


def _end_unwanted(begun: asyncio.Future[Serving]) -> None:
    """Stop what began to serve when nobody wanted it any more."""
    if not begun.cancelled() and begun.exception() is None:
        threading.Thread(target=begun.result().stop, name="nbagents-app-end", daemon=True).start()


def _message(error: NbAgentsError) -> str:
    return f"{error}; {error.hint}" if error.hint else str(error)
