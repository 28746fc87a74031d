"""`LocalDeployManager`: serve apps at addresses of this machine, from this process or one of their own."""

from __future__ import annotations

import asyncio
import secrets
import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ..exceptions import DeploymentError, NbAgentsError, UsageError
from ._deployment import Deployment, find_deployment, in_threads, stop_deployment
from ._serving import Serving, serve, serving_at

if TYPE_CHECKING:
    from ._agent_app import AgentApp

__all__ = ["DeploymentMode", "LocalDeployManager"]


class DeploymentMode:
    """Where a deployed app runs."""

    DAEMON_THREAD = "daemon_thread"
    """On a thread of this process: it ends with this process, and shares what is in it."""
    DETACHED_PROCESS = "detached_process"
    """In a process of its own, which outlives this one, and ends when somebody stops it."""


MODES = (DeploymentMode.DAEMON_THREAD, DeploymentMode.DETACHED_PROCESS)


class LocalDeployManager:
    """Serves one app at a time, behind whatever else goes on.

    What was deployed in a process of its own can be stopped by any manager of the same user, and is among
    `deployments`, after this process has ended, too.

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
        self._deployed: dict[str, Serving | Deployment] = {}

    @property
    def is_running(self) -> bool:
        """Does it serve?"""
        return any(deployed.alive for deployed in self._deployed.values())

    @property
    def service_url(self) -> str | None:
        """Where it serves, if it does."""
        return next((deployed.url for deployed in self._deployed.values() if deployed.alive), None)

    async def deploy(
        self,
        app: AgentApp | str,
        mode: str = DeploymentMode.DAEMON_THREAD,
        *,
        environment: Mapping[str, str] | None = None,
        ssl_certfile: str | None = None,
        ssl_keyfile: str | None = None,
    ) -> dict[str, Any]:
        """Serve an app; return its ``deploy_id``, ``url`` and ``token`` when it answers.

        ``mode="detached_process"`` has it in a process of its own, which goes on when this one, a kernel say,
        ends. An app that a module has is imported there; what was written in cells goes there as source: the
        statement that makes the app, its functions, and what these need of the notebook, which are imports,
        functions, classes, and constants in capitals. Nothing that the cells have computed goes along, nor
        what an agent has become. ``app`` may be the text ``"module:app"`` then, and ``environment`` has
        variables for the process, beside those of this one; the working folder is the same. Cancelled, it
        ends what it has begun. ``ssl_certfile`` and ``ssl_keyfile`` are as in `AgentApp.run`.

        Raises:
            UsageError: it serves already, the port is taken, or there is no such mode.
            DeploymentError: the process did not start, with the end of its log; or something that the app
                uses cannot go there: the message names it, and says what to do.
        """
        if mode not in MODES:
            raise UsageError(f"there is no mode {mode!r}; there are: {', '.join(MODES)}")
        if self.is_running:
            raise UsageError(
                f"it serves already, at {self.service_url}",
                hint="await manager.stop(deploy_id), or make another one",
            )
        if ssl_keyfile and not ssl_certfile:
            raise UsageError("ssl_keyfile is of no use alone", hint="give ssl_certfile= too")
        options: dict[str, Any] = (
            {"ssl_certfile": ssl_certfile, "ssl_keyfile": ssl_keyfile} if ssl_certfile else {}
        )
        if mode == DeploymentMode.DETACHED_PROCESS:
            return await self._detach(app, environment or {}, options)
        if isinstance(app, str) or environment:
            raise UsageError("app as a text, and environment, are for mode='detached_process'")
        drain, start = self.shutdown_timeout, self.startup_timeout
        beginning = asyncio.ensure_future(
            asyncio.to_thread(lambda: serve(app, self.host, self.port, drain=drain, start=start, **options))
        )
        try:
            serving = await asyncio.shield(beginning)
        except asyncio.CancelledError:
            beginning.add_done_callback(_end_unwanted)
            raise
        deployment = Deployment.of_this_process(
            secrets.token_hex(8),
            name=app.app_name,
            url=serving.url,
            mode=mode,
            source="cells",
            token=app.token,
            drain=drain,
        )
        in_threads[deployment.deploy_id] = deployment, lambda: serving.alive
        self._deployed[deployment.deploy_id] = serving
        return _told(deployment)

    async def _detach(
        self, app: AgentApp | str, environment: Mapping[str, str], options: dict[str, Any]
    ) -> dict[str, Any]:
        from ._detached import Start  # needs the parts of the wire that know sources

        if (own := serving_at(self.port)) is not None:
            raise UsageError(
                f"the port {self.port} is taken by your own {own.app.app_name or 'app'}, which this process"
                " serves",
                hint="end that one: app.serving.stop(); or give another port, or 0 for any",
            )
        start = Start(
            app,
            environment=environment,
            seconds=self.startup_timeout,
            mode=DeploymentMode.DETACHED_PROCESS,
            host=self.host,
            port=self.port,
            drain=self.shutdown_timeout,
            **options,
        )
        try:
            deployment = await asyncio.to_thread(start.run)
        except asyncio.CancelledError:
            start.give_up()
            raise
        self._deployed[deployment.deploy_id] = deployment
        return _told(deployment)

    async def stop(self, deploy_id: str) -> dict[str, Any]:
        """End what was deployed, here or by another process of this user; return ``success`` and ``message``.

        Answers under way get `shutdown_timeout` seconds, in a process of their own those of the manager that
        deployed them.
        """
        deployed = self._deployed.pop(deploy_id, None)
        if isinstance(deployed, Serving):
            in_threads.pop(deploy_id, None)
            ended = await asyncio.to_thread(deployed.stop)
            message = "stopped" if ended else "it answers no more, but what it does at the end takes long"
            return {"success": ended, "message": message, "details": {"url": deployed.url}}
        try:
            if await asyncio.to_thread(find_deployment, deploy_id) is None:
                message = f"nothing is deployed as {deploy_id[:40]!r}"
                return {"success": False, "message": message, "details": {}}
            stopped = await asyncio.to_thread(stop_deployment, deploy_id)
        except (UsageError, DeploymentError) as error:
            return {"success": False, "message": _message(error), "details": {}}
        return {"success": True, "message": "stopped", "details": {"url": stopped.url}}

    def get_deployment_info(self) -> list[dict[str, Any]]:
        """Return what this manager has deployed: ``deploy_id``, ``url`` and ``alive``."""
        return [
            {"deploy_id": deploy_id, "url": deployed.url, "alive": deployed.alive}
            for deploy_id, deployed in self._deployed.items()
        ]


def _end_unwanted(begun: asyncio.Future[Serving]) -> None:
    """Stop what began to serve when nobody wanted it any more."""
    if not begun.cancelled() and begun.exception() is None:
        threading.Thread(target=begun.result().stop, name="nbagents-app-end", daemon=True).start()


def _told(deployment: Deployment) -> dict[str, Any]:
    return {"deploy_id": deployment.deploy_id, "url": deployment.url, "token": deployment.token}


def _message(error: NbAgentsError) -> str:
    return f"{error}; {error.hint}" if error.hint else str(error)
