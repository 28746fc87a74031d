"""Settings: secrets, model configurations by name, the project file, and the default limits.

They read what they are given and what the project file says, and know nothing of models or
endpoints. A key is wrapped in `Secret` the moment it comes in.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._lazy import lazy

if TYPE_CHECKING:
    from ._limits import (
        HEADLESS_TIMEOUT,
        MODEL_CONNECT_TIMEOUT,
        MODEL_RETRIES,
        MODEL_TIMEOUT,
        OLLAMA_PROBE_TIMEOUT,
    )
    from ._models import ModelConfigs, model_configs, read_json
    from ._project import PROJECT_FILE, ProjectConfig
    from ._secret import Secret, mask, names_secret, redact, wrap_secrets

__all__ = [
    "HEADLESS_TIMEOUT",
    "MODEL_CONNECT_TIMEOUT",
    "MODEL_RETRIES",
    "MODEL_TIMEOUT",
    "OLLAMA_PROBE_TIMEOUT",
    "PROJECT_FILE",
    "ModelConfigs",
    "ProjectConfig",
    "Secret",
    "mask",
    "model_configs",
    "names_secret",
    "read_json",
    "redact",
    "wrap_secrets",
]

__getattr__, __dir__ = lazy(
    __name__,
    {
        "_limits": "HEADLESS_TIMEOUT MODEL_CONNECT_TIMEOUT MODEL_RETRIES MODEL_TIMEOUT OLLAMA_PROBE_TIMEOUT",
        "_models": "ModelConfigs model_configs read_json",
        "_project": "PROJECT_FILE ProjectConfig",
        "_secret": "Secret mask names_secret redact wrap_secrets",
    },
)
