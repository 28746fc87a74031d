"""AgentScope's functions for model configurations."""

from ..config import model_configs

__all__ = ["clear_model_configs", "read_model_configs"]

clear_model_configs = model_configs.clear
read_model_configs = model_configs.load
