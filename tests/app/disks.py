"""Small disks and read-only folders, in a mount namespace of the test's own: gone when the test is, however it ends."""

import os
import shutil
import subprocess
import sys

from harness import skip

_MARK = "TEMPERA_TEST_HAS_NAMESPACE"


def enter_namespace():
    """Go on in a namespace in which this process may mount: root's own, or one in which any user is root."""
    if os.environ.get(_MARK):
        return
    way = ["unshare", "--mount"] + ([] if os.geteuid() == 0 else ["--map-root-user"])
    if not shutil.which("unshare") or subprocess.run([*way, "mount", "-t", "tmpfs", "tmpfs", "/mnt"], capture_output=True).returncode:
        skip("no right to mount a small disk")
    os.environ[_MARK] = "1"
    os.execvp(way[0], [*way, sys.executable, *sys.argv])


def _mount(*arguments):
    subprocess.run(["mount", *arguments], check=True)


def make_disk(folder, kib):
    os.makedirs(folder)
    _mount("-t", "tmpfs", "-o", f"size={kib}k", "tmpfs", folder)


def grow_disk(folder, kib):
    _mount("-o", f"remount,size={kib}k", folder)


def make_read_only(folder):
    """For every name from now on; files that are open stay as they are."""
    _mount("--bind", folder, folder)
    _mount("-o", "remount,ro,bind", folder)


def keep_writable(folder, above):
    """Make the folder `above` read-only, but not this one in it."""
    aside = above + "-aside"
    os.mkdir(aside)
    _mount("--bind", folder, aside)
    make_read_only(above)
    _mount("--bind", aside, folder)


def unmount(*folders):
    for folder in folders:
        subprocess.run(["umount", folder], check=True)
