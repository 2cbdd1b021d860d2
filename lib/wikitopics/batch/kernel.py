"""The kernel of a run: talks through files, dies with the run, and has the imports of the run's process."""

import atexit
import gc
import multiprocessing
import os
import signal
import sys
from multiprocessing.connection import Connection
from typing import Any, cast

from jupyter_client import AsyncKernelManager
from jupyter_core.paths import jupyter_runtime_dir

from wikitopics.batch.die_with_parent import die_with_parent

INLINE = "module://matplotlib_inline.backend_inline"  # what ipykernel takes where nothing else is said


class WaitingKernel:
    """A process, forked from this one, that becomes the kernel once it is told where its sockets are.

    It is what jupyter_client asks of a process it has started: `pid`, `poll`, `wait`, `send_signal`.
    """

    stdin = stdout = stderr = None

    def __init__(self) -> None:
        context = multiprocessing.get_context("fork")
        theirs, self.ours = context.Pipe(duplex=False)
        self.process = context.Process(target=_become_kernel, args=(theirs, self.ours, os.getpid()))
        self.process.start()
        theirs.close()

    def __enter__(self) -> "WaitingKernel":
        """Itself."""
        return self

    def __exit__(self, *reason: object) -> None:
        """It ends here, whatever became of it."""
        self.ours.close()
        self.kill()
        self.wait()

    def begin(self, arguments: list[str], environment: dict[str, str], folder: str) -> None:
        """Let it be the kernel that ipykernel's `arguments` describe, in `folder`, with `environment`."""
        self.ours.send((arguments, environment, folder))
        self.ours.close()

    @property
    def pid(self) -> int:
        """The process' number."""
        return self.process.pid or 0

    def poll(self) -> int | None:
        """The exit code; None while it runs."""
        return self.process.exitcode

    def wait(self, timeout: float | None = None) -> int | None:
        """The exit code, once it has ended or `timeout` seconds are over."""
        self.process.join(timeout)
        return self.process.exitcode

    def send_signal(self, number: int) -> None:
        """Send a signal, to a process that still runs."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """End it now."""
        self.send_signal(signal.SIGKILL)

    def terminate(self) -> None:
        """Ask it to end."""
        self.send_signal(signal.SIGTERM)


def _become_kernel(told: Connection, other_end: Connection, parent: int) -> None:
    other_end.close()  # so that a run which needs no kernel any more is heard to hang up
    die_with_parent()
    os.setsid()  # as jupyter_client starts its own: signals to its group reach what it started, too
    try:
        arguments, environment, folder = told.recv()
    except EOFError:
        return
    told.close()
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    _as_new()
    gc.freeze()  # what was imported before is not searched again, nor copied for that
    from ipykernel.kernelapp import IPKernelApp

    try:
        IPKernelApp.launch_instance(argv=[*arguments, f"--IPKernelApp.parent_handle={parent}"])
    finally:
        atexit._run_exitfuncs()  # as an interpreter does, and a process of multiprocessing does not


def _as_new() -> None:
    """Forget what a new interpreter would not have: our modules as the batch read them, and chance; and that
    Matplotlib was imported where nobody had said yet that figures are to be shown in a notebook."""
    for name in [name for name in sys.modules if name.partition(".")[0] == "wikitopics"]:
        del sys.modules[name]
    multiprocessing.set_start_method(None, force=True)  # of which a child made by `fork` has no choice
    if "numpy" in sys.modules:
        sys.modules["numpy"].random.seed()
    if "matplotlib" in sys.modules:
        sys.modules["matplotlib"].use(os.environ.get("MPLBACKEND") or INLINE)


class Kernel(AsyncKernelManager):
    """A kernel that talks through files in the runtime folder, not through ports, and is never orphaned.

    `waiting` is a process that is taken for the next kernel; where there is none, a new interpreter is.
    """

    waiting: WaitingKernel | None = None

    def _transport_default(self) -> str:
        return "ipc"

    def _connection_file_default(self) -> str:
        return f"{jupyter_runtime_dir()}/kernel.json"  # its sockets lie beside it

    async def start_kernel(self, **options) -> None:  # type: ignore[override]  # as its own parent does
        """Start it so that it dies with this process."""
        await super().start_kernel(preexec_fn=die_with_parent, **options)

    async def _async_launch_kernel(self, kernel_cmd: list[str], **options) -> None:
        waiting, Kernel.waiting = Kernel.waiting, None
        if waiting is None:
            await super()._async_launch_kernel(kernel_cmd, **options)
            return
        provisioner = cast(Any, self.provisioner)  # a LocalProvisioner, which reads these
        arguments = kernel_cmd[kernel_cmd.index("-f") :]  # after the interpreter's own
        waiting.begin(arguments, options["env"], os.getcwd())
        provisioner.process, provisioner.pid, provisioner.pgid = waiting, waiting.pid, waiting.pid
        self._reconcile_connection_info(provisioner.connection_info)
