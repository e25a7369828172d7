"""A kernel as JupyterLab starts it, with the messages of C++ caught; nbclient's has them go past."""

import contextlib
import os
import time

from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import KernelManager

SECONDS = 300  # of a cell; the machine may be busy


@contextlib.contextmanager
def live_kernel():
    """Yields a function: code, and what to print before Stop is pressed, to the messages of its outputs."""
    env = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "TF_"))}
    manager = KernelManager(
        kernel_name="python3", kernel_spec_manager=KernelSpecManager(kernel_dirs=[]), transport="ipc"
    )
    manager.start_kernel(env=env, extra_arguments=["--log-level=ERROR"])
    client = manager.client()
    client.start_channels()
    client.wait_for_ready(timeout=SECONDS)

    def run(code, *, stop_after=None):
        heard = []

        def hear(message):
            kind, content = message["msg_type"], message["content"]
            if kind in ("stream", "display_data", "execute_result", "error"):
                heard.append({"output_type": kind, **content})
            if stop_after and stop_after in content.get("text", ""):
                manager.interrupt_kernel()

        client.execute_interactive(code, output_hook=hear, timeout=SECONDS)
        time.sleep(0.5)  # what goes through a pipe comes later
        while client.iopub_channel.msg_ready():
            hear(client.iopub_channel.get_msg())
        return heard

    try:
        yield run
    finally:
        client.stop_channels()
        manager.shutdown_kernel()
