"""Processes of their own for code that tests hand over, with the slow imports paid once.

A new Python that imports torch and scikit-learn takes seconds. This one does it once a session, and
every piece of code runs in a fork of it, which has not imported the package.
"""

import json
import os
import subprocess
import sys
import tempfile
import traceback
import warnings
from pathlib import Path


class NewProcesses:
    """Call it like ``python -c``: it returns what ``subprocess.run`` would, with texts."""

    def __init__(self):
        self._server = None

    def __call__(self, code, *arguments, stderr=None):
        if not hasattr(os, "fork"):
            command = [sys.executable, "-c", code, *arguments]
            return subprocess.run(command, capture_output=True, text=True)
        if self._server is None:
            # Sets and dicts of texts are in another order there.
            seed = "7" if os.environ.get("PYTHONHASHSEED") != "7" else "8"
            self._server = subprocess.Popen(
                [sys.executable, __file__],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                env={**os.environ, "PYTHONHASHSEED": seed},
            )
        with tempfile.TemporaryDirectory() as folder:
            out, err = (str(Path(folder, name)) for name in ("out", "err"))
            order = {"code": code, "argv": ["-c", *arguments], "out": out, "err": stderr or err}
            self._server.stdin.write(json.dumps(order) + "\n")
            self._server.stdin.flush()
            status = int(self._server.stdout.readline())
            texts = [Path(out).read_text(), "" if stderr else Path(err).read_text()]
        return subprocess.CompletedProcess(order["argv"], status, *texts)

    def close(self):
        if self._server is not None:
            self._server.stdin.close()
            self._server.wait(60)
            self._server.stdout.close()


def _run(order):
    for path, descriptor in ((os.devnull, 0), (order["out"], 1), (order["err"], 2)):
        opened = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOCTTY)
        os.dup2(opened, descriptor)
        os.close(opened)
    sys.argv = order["argv"]
    try:
        exec(compile(order["code"], "<string>", "exec"), {"__name__": "__main__"})
    except SystemExit as exit_:
        status = exit_.code
    except BaseException:
        traceback.print_exc()
        status = 1
    else:
        status = 0
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status if isinstance(status, int) else int(status is not None))


def _serve():
    import sklearn.model_selection  # noqa: F401
    import skorch  # noqa: F401
    import torch  # noqa: F401

    for line in sys.stdin:
        with warnings.catch_warnings():
            # Of threads of BLAS, which knows how to fork.
            warnings.simplefilter("ignore", DeprecationWarning)
            child = os.fork()
        if not child:
            _run(json.loads(line))
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)


if __name__ == "__main__":
    _serve()
