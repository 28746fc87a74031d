"""Tools that run code: in a sandbox, always. `Execution` is what they return."""

from ._execution import Execution
from ._python import execute_python_code
from ._shell import execute_shell_command

__all__ = ["Execution", "execute_python_code", "execute_shell_command"]
