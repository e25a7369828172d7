import json
import os
import subprocess
import sys

import pytest

from vgcourse.classroom import check
from vgcourse.classroom.check import core
from vgcourse.classroom.grade import kernel

OFFLINE = """
import socket, sys
from vgcourse.classroom.grade.kernel import stay_offline
here = socket.create_server(("127.0.0.1", 0))
stay_offline()
socket.create_connection(here.getsockname()).close()
socket.getaddrinfo("localhost", 80)
{attempt}
"""


@pytest.mark.parametrize(
    "attempt",
    [
        "socket.create_connection(('192.0.2.1', 80), 1)",
        "socket.socket().connect(('192.0.2.1', 80))",
        "socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', ('192.0.2.1', 53))",
        "socket.getaddrinfo('example.org', 80)",
        "import urllib.request; urllib.request.urlopen('http://192.0.2.1', timeout=1)",
    ],
)
def test_sockets_reach_this_machine_only(attempt):
    code = OFFLINE.format(attempt=attempt)
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert kernel.OFFLINE in ended.stderr.splitlines()[-1]


def test_verdicts_are_lines_of_a_file(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(core, "WATCHERS", [])
    monkeypatch.setattr(kernel, "MAX_REPORTS", 2)
    path = tmp_path / "report"
    report = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    kernel.watch_checks(report)
    for answer in (lambda width, height, fps, seconds: width * height * 3 * fps * seconds, None, 5):
        check.raw_bytes(answer)
    os.close(report)
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    assert [(line["exercise"], line["verdict"][0]) for line in lines] == [
        ("raw_bytes", "✓"),
        ("raw_bytes", "○"),
    ]
    assert len(capsys.readouterr().out.splitlines()) == 3
