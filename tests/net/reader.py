# SPDX-License-Identifier: MIT
"""reader.py KIND DIR COMMAND...: runs COMMAND with standard descriptors that a bad reader has, each from
where `running:` stands in its log, the full pipes from the start:

    stdout, stderr   a full pipe that nobody reads
    both             the same pipe, full, for both
    slow             standard output is a full pipe, read from when DIR/read exists, a page each 200 ms
    tty              both are a terminal, stopped by Ctrl-S
    gone             the reader of standard error has ended

DIR then has: pid (of COMMAND), out and err (what was read, or written to a file), ready, and at the end code (its
exit code, 128 + n for signal n) and nonblock (descriptors that were made non-blocking)."""
import fcntl
import os
import pty
import select
import signal
import subprocess
import sys
import time

kind, place, command = sys.argv[1], sys.argv[2], sys.argv[3:]


def name(n):
    return os.path.join(place, n)


def tell(n, text):
    with open(name(n) + ".new", "w") as f:
        f.write(text)
    os.rename(name(n) + ".new", name(n))


def pipe(full):
    r, w = os.pipe()
    fcntl.fcntl(w, fcntl.F_SETPIPE_SZ, 4096)
    if full:
        own = os.open("/proc/self/fd/%d" % w, os.O_WRONLY | os.O_NONBLOCK)
        os.write(own, b"." * 4095 + b"\n")
        os.close(own)
    return r, w


def copy_until(fd, path, word):
    """What comes goes to a file, until the word has come."""
    seen = b""
    with open(path, "ab", 0) as f:
        while word not in seen:
            got = os.read(fd, 65536)
            if not got:
                sys.exit("it ended early")
            f.write(got)
            seen += got


def wait_in_file(path, word):
    while True:
        with open(path, "rb") as f:
            if word in f.read():
                return
        if p.poll() is not None:
            sys.exit("it ended early")
        time.sleep(0.02)


out = os.open(name("out"), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
err = os.open(name("err"), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
master = -1
if kind in ("stdout", "slow"):
    master, out = pipe(True)
elif kind == "stderr":
    master, err = pipe(True)
elif kind == "both":
    master, out = pipe(True)
    err = os.dup(out)
elif kind == "gone":
    master, err = pipe(False)
elif kind == "tty":
    master, out = pty.openpty()
    err = os.dup(out)
p = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=err, restore_signals=True,
                     preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))
tell("pid", "%d\n" % p.pid)
flags = [(fd, fcntl.fcntl(fd, fcntl.F_GETFL)) for fd in (out, err)]
if kind in ("stdout", "slow"):
    wait_in_file(name("err"), b" running: ")
elif kind == "tty":
    copy_until(master, name("err"), b" running: ")
    os.write(master, b"\x13")
    room = select.poll()
    room.register(out, select.POLLOUT)
    while room.poll(0):
        time.sleep(0.01)
elif kind == "gone":
    copy_until(master, name("err"), b" running: ")
    os.close(err)
    os.close(master)
    flags = flags[:1]
tell("ready", "")
if kind == "slow":
    os.close(out)
    flags = []
    while not os.path.exists(name("read")):
        time.sleep(0.02)
    with open(name("out"), "wb", 0) as f:
        while True:
            time.sleep(0.2)
            got = os.read(master, 4096)
            if not got:
                break
            f.write(got)
code = p.wait()
tell("nonblock", "".join("%d\n" % fd for fd, f in flags if fcntl.fcntl(fd, fcntl.F_GETFL) & os.O_NONBLOCK))
tell("code", "%d\n" % (code if code >= 0 else 128 - code))
