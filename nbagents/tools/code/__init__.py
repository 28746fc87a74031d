"""Tools that run code, in a sandbox at all times: one call each, or cell by cell in a kernel."""

from ._execution import Execution
from ._kernel import KernelExecutor
from ._python import execute_python_code
from ._shell import execute_shell_command

__all__ = ["Execution", "KernelExecutor", "execute_python_code", "execute_shell_command"]
