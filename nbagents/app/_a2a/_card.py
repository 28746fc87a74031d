"""`card_of`: what an app tells other agents of itself."""

from __future__ import annotations

from typing import Any

from a2a.server.request_handlers.response_helpers import agent_card_to_dict
from a2a.types import (
    AgentCapabilities,
    AgentCard,
    AgentInterface,
    AgentSkill,
    HTTPAuthSecurityScheme,
    SecurityRequirement,
    SecurityScheme,
    StringList,
)

from ..._version import __version__

__all__ = ["card_of"]

VERSIONS = ("1.0", "0.3")
INPUTS = ["text/plain", "application/json", "image/*", "audio/*", "video/*", "application/octet-stream"]
OUTPUTS = ["text/plain", "application/json", "image/*", "audio/*", "video/*"]


def card_of(name: str, description: str, url: str, *, open_to_all: bool = False) -> dict[str, Any]:
    """Return the agent's card, as both versions of the protocol read it.

    >>> card = card_of("Friday", "Helps.", "http://127.0.0.1:8080/a2a")
    >>> card["name"], [way["url"] for way in card["supportedInterfaces"]], sorted(card["securitySchemes"])
    ('Friday', ['http://127.0.0.1:8080/a2a', 'http://127.0.0.1:8080/a2a'], ['bearer'])
    """
    about = description or f"The agent {name}"
    card = AgentCard(
        name=name,
        description=about,
        version=__version__,
        supported_interfaces=[
            AgentInterface(url=url, protocol_binding="JSONRPC", protocol_version=version)
            for version in VERSIONS
        ],
        capabilities=AgentCapabilities(streaming=True, push_notifications=False),
        default_input_modes=INPUTS,
        default_output_modes=OUTPUTS,
        skills=[AgentSkill(id="answer", name=name, description=about, tags=["agent"])],
    )
    if not open_to_all:
        scheme = HTTPAuthSecurityScheme(scheme="Bearer", description="The token of the app.")
        card.security_schemes["bearer"].CopyFrom(SecurityScheme(http_auth_security_scheme=scheme))
        requirement = SecurityRequirement()
        requirement.schemes["bearer"].CopyFrom(StringList())
        card.security_requirements.append(requirement)
    return agent_card_to_dict(card)
