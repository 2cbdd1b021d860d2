"""A real MariaDB of one's own, filled with awkward rows and dumped by the real mysqldump in its forms.

python tests/mariadb.py FOLDER ROWS      FOLDER/{rows,line,single}/categorylinks.sql and page.sql
"""

import getpass
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from awkward_rows import category_rows, page_rows

NEEDED = ("mariadbd", "mariadb-install-db", "mariadb-admin", "mariadb", "mariadb-dump")
OPTIONS = ["--opt", "--quick", "--skip-add-locks", "--skip-lock-tables"]  # what Wikimedia's scripts give
SERVER = """--skip-networking --skip-log-bin --innodb-flush-log-at-trx-commit=0 --secure-file-priv=
    --innodb-buffer-pool-size=128M --innodb-log-file-size=64M --character-set-server=binary"""
TABLES = {
    "categorylinks": """`cl_from` int(10) unsigned NOT NULL DEFAULT 0,
        `cl_sortkey` varbinary(230) NOT NULL DEFAULT '', `cl_timestamp` timestamp NOT NULL,
        `cl_sortkey_prefix` varbinary(255) NOT NULL DEFAULT '',
        `cl_type` enum('page','subcat','file') NOT NULL DEFAULT 'page',
        `cl_collation_id` smallint(5) unsigned NOT NULL, `cl_target_id` bigint(20) unsigned NOT NULL,
        PRIMARY KEY (`cl_from`,`cl_target_id`)""",
    "page": """`page_id` int(10) unsigned NOT NULL, `page_namespace` int(11) NOT NULL,
        `page_title` varbinary(255) NOT NULL, `page_is_redirect` tinyint(3) unsigned NOT NULL DEFAULT 0,
        `page_is_new` tinyint(3) unsigned NOT NULL DEFAULT 0, `page_random` double unsigned NOT NULL,
        `page_touched` binary(14) NOT NULL, `page_links_updated` varbinary(14) DEFAULT NULL,
        `page_latest` int(10) unsigned NOT NULL, `page_len` int(10) unsigned NOT NULL,
        `page_content_model` varbinary(32) DEFAULT NULL, `page_lang` varbinary(35) DEFAULT NULL,
        PRIMARY KEY (`page_id`)""",
    "wb_items_per_site": """`ips_row_id` bigint(20) unsigned NOT NULL AUTO_INCREMENT,
        `ips_item_id` int(10) unsigned NOT NULL, `ips_site_id` varbinary(32) NOT NULL,
        `ips_site_page` varbinary(310) NOT NULL, PRIMARY KEY (`ips_row_id`),
        UNIQUE KEY `wb_ips_item_site_page` (`ips_site_id`,`ips_site_page`),
        KEY `wb_ips_item_id` (`ips_item_id`)""",
}


def missing() -> str:
    """Why the server cannot start here, or ""."""
    gone = [name for name in NEEDED if not shutil.which(name)]
    return f"needs Debian's mariadb-server ({', '.join(gone)} not found)" if gone else ""


@contextmanager
def server(folder: Path) -> Iterator[Path]:
    """The socket of a running server whose data is in `folder`; no network, stopped at the end."""
    folder.mkdir(parents=True, exist_ok=True)
    user, socket = f"--user={getpass.getuser()}", folder / "s"
    install = ["mariadb-install-db", "--no-defaults", user, f"--datadir={folder / 'db'}", "--skip-test-db"]
    subprocess.run([*install, "--auth-root-authentication-method=normal"], check=True, capture_output=True)
    place = [f"--datadir={folder / 'db'}", f"--socket={socket}", f"--pid-file={folder / 'pid'}"]
    with open(folder / "log", "wb") as log:
        child = subprocess.Popen(["mariadbd", "--no-defaults", user, *place, *SERVER.split()], stderr=log)
    try:
        _wait(socket, child, folder / "log")
        yield socket
    finally:
        child.terminate()
        child.wait(60)


def _wait(socket: Path, child: subprocess.Popen, log: Path) -> None:
    ping = ["mariadb-admin", "--no-defaults", "-S", socket, "-uroot", "ping"]
    until = time.monotonic() + 60
    while subprocess.run(ping, capture_output=True).returncode:
        if child.poll() is not None or time.monotonic() > until:
            raise RuntimeError(f"the server did not start: {log.read_text(errors='replace')[-500:]}")
        time.sleep(0.1)


def sql(socket: Path, statements: str, database: str = "") -> bytes:
    """Run statements; what the client prints, a row a line."""
    client = ["mariadb", "--no-defaults", "-S", socket, "-uroot", "-N", "--default-character-set=binary"]
    done = subprocess.run([*client, *([database] if database else [])], input=statements.encode(), check=True,
                          capture_output=True)  # fmt: skip
    return done.stdout


def load(socket: Path, database: str, table: str, rows: Iterator[bytes], scratch: Path) -> None:
    """Make a table of TABLES and fill it with tab-separated rows (escaped as LOAD DATA reads them)."""
    with open(scratch, "wb") as file:
        file.writelines(rows)
    scratch.chmod(0o644)
    make = f"DROP TABLE IF EXISTS {table}; CREATE TABLE {table} ({TABLES[table]}) ENGINE=InnoDB;"
    sql(socket, f"{make} LOAD DATA INFILE '{scratch}' INTO TABLE {table} CHARACTER SET binary;", database)
    scratch.unlink()


def dump(socket: Path, database: str, table: str, out: Path, *options: str) -> None:
    """What the real mysqldump writes of one table."""
    out.parent.mkdir(parents=True, exist_ok=True)
    command = ["mariadb-dump", "--no-defaults", "-S", socket, "-uroot", *OPTIONS, *options, database, table]
    with open(out, "wb") as file:
        subprocess.run(command, stdout=file, check=True)


def joined(rows: Path, out: Path) -> None:
    """The same dump with each INSERT on one line, as clients before MDEV-25152 wrote it."""
    out.parent.mkdir(parents=True, exist_ok=True)
    with open(rows, "rb") as source, open(out, "wb") as target:
        for line in source:
            if line.endswith(b"VALUES\n"):
                line = line[:-1] + b" "
            target.write(line[:-1] if line.startswith(b"(") and line.endswith(b"),\n") else line)


def make(folder: Path, rows: int) -> None:
    """FOLDER/rows (today's mysqldump), FOLDER/line (one line an INSERT), FOLDER/single (an INSERT a row)."""
    with server(folder / "server") as socket:
        sql(socket, "CREATE DATABASE commonswiki")
        for table, made in (("categorylinks", category_rows(rows)), ("page", page_rows(rows))):
            load(socket, "commonswiki", table, made, folder / "load.tsv")
            dump(socket, "commonswiki", table, folder / "rows" / f"{table}.sql")
            dump(socket, "commonswiki", table, folder / "single" / f"{table}.sql", "--skip-extended-insert")
            joined(folder / "rows" / f"{table}.sql", folder / "line" / f"{table}.sql")
    shutil.rmtree(folder / "server")


if __name__ == "__main__":
    make(Path(sys.argv[1]).resolve(), int(sys.argv[2]))
