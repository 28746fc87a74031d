"""`LocalDeployManager`: serve apps of this process at addresses of this machine."""

from __future__ import annotations

import asyncio
import secrets
from typing import TYPE_CHECKING, Any

from ..exceptions import UsageError
from ._serving import Serving, serve

if TYPE_CHECKING:
    from ._agent_app import AgentApp

__all__ = ["DeploymentMode", "LocalDeployManager"]


class DeploymentMode:
    """Where a deployed app runs."""

    DAEMON_THREAD = "daemon_thread"


class LocalDeployManager:
    """Serves one app at a time, behind whatever else goes on.

    Args:
        host: The address to serve at.
        port: The port; 0 for any.
        shutdown_timeout: Seconds that answers under way get to end.
    """

    def __init__(self, host: str = "127.0.0.1", port: int = 8090, shutdown_timeout: float = 30.0) -> None:
        self.host, self.port, self.shutdown_timeout = host, port, shutdown_timeout
        self._deployed: dict[str, Serving] = {}

    @property
    def is_running(self) -> bool:
        """Does it serve?"""
        return any(serving.alive for serving in self._deployed.values())

    @property
    def service_url(self) -> str | None:
        """Where it serves, if it does."""
        return next((serving.url for serving in self._deployed.values() if serving.alive), None)

    async def deploy(self, app: AgentApp, mode: str = DeploymentMode.DAEMON_THREAD) -> dict[str, Any]:
        """Serve an app; return its ``deploy_id``, ``url`` and ``token`` when it answers.

        Raises:
            UsageError: it serves already, the port is taken, or there is no such mode.
        """
        if mode != DeploymentMode.DAEMON_THREAD:
            raise UsageError(f"there is no mode {mode!r}; there is {DeploymentMode.DAEMON_THREAD!r}")
        if self.is_running:
            raise UsageError(
                f"it serves already, at {self.service_url}",
                hint="await manager.stop(deploy_id), or make another one",
            )
        drain = self.shutdown_timeout
        serving = await asyncio.to_thread(lambda: serve(app, self.host, self.port, drain=drain))
        deploy_id = secrets.token_hex(8)
        self._deployed[deploy_id] = serving
        return {"deploy_id": deploy_id, "url": serving.url, "token": app.token}

    async def stop(self, deploy_id: str) -> dict[str, Any]:
        """End what was deployed; return ``success`` and ``message``."""
        serving = self._deployed.pop(deploy_id, None)
        if serving is None:
            return {"success": False, "message": f"nothing is deployed as {deploy_id[:40]!r}", "details": {}}
        ended = await asyncio.to_thread(serving.stop)
        message = "stopped" if ended else "it answers no more, but what it does at the end takes long"
        return {"success": ended, "message": message, "details": {"url": serving.url}}

    def get_deployment_info(self) -> list[dict[str, Any]]:
        """Return what is deployed: ``deploy_id``, ``url`` and ``alive``."""
        return [
            {"deploy_id": deploy_id, "url": serving.url, "alive": serving.alive}
            for deploy_id, serving in self._deployed.items()
        ]
