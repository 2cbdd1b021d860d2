"""What the server is made of: Debian's packages, and MediaWiki unpacked into a folder of one's own."""

import os
import shutil
import subprocess
from pathlib import Path

# apt-get install --no-install-recommends ...; MediaWiki's own would bring a web server: it is unpacked.
DEBIAN = [
    "imagemagick", "librsvg2-bin", "mariadb-client", "mariadb-server", "php-apcu", "php-cli", "php-curl",
    "php-gd", "php-intl", "php-mbstring", "php-mysql", "php-xml",
]  # fmt: skip
PROGRAMS = (
    "php",
    "mariadbd",
    "mariadb-install-db",
    "mariadb-dump",
    "rsvg-convert",
    "apt-get",
    "dpkg-deb",
)
UNPACKED = ("mediawiki", "mediawiki-classes")


class Unavailable(Exception):
    """Why the server cannot be started on this machine, in a few words."""


def imagemagick() -> str | None:
    """Its program; others are called convert, too, and only its own says so."""
    for name in ("convert-im6.q16", "convert-im7.q16", "convert"):
        if found := shutil.which(name):
            said = subprocess.run([found, "-version"], capture_output=True, text=True)
            if said.returncode == 0 and said.stdout.startswith("Version: ImageMagick"):
                return found
    return None


def check() -> None:
    """Raise Unavailable where a program or an extension of PHP is missing."""
    gone = [name for name in PROGRAMS if not shutil.which(name)] + ([] if imagemagick() else ["ImageMagick"])
    if gone:
        raise Unavailable(f"{', '.join(gone)} not found; apt-get install {' '.join(DEBIAN)}")
    modules = subprocess.run(["php", "-m"], capture_output=True, text=True, check=True).stdout.split()
    lacking = sorted({"mbstring", "xml", "intl", "curl", "mysqli", "gd", "apcu"} - set(modules))
    if lacking:
        raise Unavailable(f"PHP lacks {', '.join(lacking)}; apt-get install {' '.join(DEBIAN)}")


def unpack(folder: Path) -> Path:
    """`folder`/mediawiki with Debian's MediaWiki in it, downloaded where it is not there yet (37 MB)."""
    wiki = folder / "mediawiki"
    if (wiki / "includes" / "Defines.php").exists():
        return wiki
    loose, taken = folder / "packages", folder / "unpacked"
    loose.mkdir(parents=True, exist_ok=True)
    # As root apt would hand the download to a user who may not write here.
    command = [
        "apt-get",
        "-qq",
        f"-oAPT::Sandbox::User={os.environ.get('USER') or 'root'}",
        "download",
        *UNPACKED,
    ]
    done = subprocess.run(command, cwd=loose, capture_output=True, text=True)
    if done.returncode:
        raise Unavailable(f"apt-get could not download MediaWiki: {done.stderr.strip()[-200:]}")
    for package in sorted(loose.glob("*.deb")):
        subprocess.run(["dpkg-deb", "-x", package, taken], check=True)
    _join(taken / "usr" / "share" / "mediawiki")
    (taken / "usr" / "share" / "mediawiki").rename(wiki)
    shutil.rmtree(taken)
    shutil.rmtree(loose)
    return wiki


def _join(tree: Path) -> None:
    """One tree again: Debian spreads it over /etc, /var and /usr with absolute links."""
    for entry in tree.iterdir():
        if entry.is_symlink():
            entry.unlink()
    (tree / "extensions-core").rename(tree / "extensions")
    (tree / "cache").mkdir()
