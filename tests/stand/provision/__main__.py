"""`tests/stand/setup [SUITE…]`: make the test stand. See tests/stand/README.md."""

from __future__ import annotations

import argparse
import fcntl
import json
import os
import platform
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.stand.provision import folder, mirror, wheels
from tests.stand.provision.lock import make_lock
from tests.stand.provision.packages import Index, read_index, upstream_version
from tests.stand.provision.shell import (
    StandError,
    digest,
    file_bytes,
    run,
    timed,
    write_atomic,
    write_json,
)

HERE = Path(__file__).resolve().parent.parent
SUITES = ("forky", "trixie", "bookworm")
DEFAULT_PLACE = "/var/cache/uvlock2nix-stand"
# Built ahead so that the first test does not wait; everything else is built when asked for.
PREBUILD = (
    *(
        "stdenv.cc",
        "libxml2",
        "libxslt",
        "xmlsec",
        "openssl",
        "krb5",
        "libpq",
        "postgresql.pg_config",
        "libtool",
    ),
    *(
        "libffi",
        "zlib",
        "bzip2",
        "xz",
        "sqlite",
        "libyaml",
        "uv",
        "git",
        "cacert",
        "pkg-config",
        "makeWrapper",
    ),
)


@dataclass(frozen=True, slots=True)
class Part:
    """One step with a stamp: skipped if its inputs have the digest of its last success."""

    root: Path
    name: str
    key: str

    @property
    def stamp(self) -> Path:
        return self.root / "stand" / f"stamp-{self.name}"

    def fresh(self) -> bool:
        return file_bytes(self.stamp).decode(errors="replace").strip() == self.key

    def done(self) -> None:
        write_atomic(self.stamp, self.key + "\n")


def sources(*names: str) -> str:
    """A digest of the stand's own files (folders: everything below them)."""
    paths: list[Path] = []
    for name in names:
        path = HERE / name
        paths += (
            sorted(p for p in path.rglob("*") if p.is_file() and p.suffix != ".pyc")
            if path.is_dir()
            else [path]
        )
    return digest(*(part for path in paths for part in (str(path.relative_to(HERE)), path.read_bytes())))


class Setup:
    """The steps for one suite, in order; `root` is the finished folder."""

    def __init__(self, place: Path, suite: str, *, refresh: bool) -> None:
        self.place = place
        self.suite = suite
        self.refresh = refresh
        self.root = place / suite
        self.log = place / f"setup-{suite}.log"
        self._mirror = ""

    def mirror(self) -> str:
        if not self._mirror:
            self._mirror = mirror.choose(self.suite)
        return self._mirror

    def make_folder(self) -> None:
        part = Part(
            self.root, "folder", digest("folder-1", self.suite, platform.machine(), *folder.FOLDER_PACKAGES)
        )
        if part.fresh():
            return
        temporary = self.place / f"{self.suite}.tmp"
        if temporary.exists():
            shutil.rmtree(temporary)
        with timed(f"{self.suite}: debootstrap with Nix"):
            folder.debootstrap(temporary, self.suite, self.mirror(), log=self.log)
        Part(temporary, part.name, part.key).done()
        if self.root.exists():
            old = self.place / f"{self.suite}.old"
            self.root.rename(old)
            shutil.rmtree(old)
        temporary.rename(self.root)

    def read_index(self) -> Index:
        if self.refresh:
            with timed(f"{self.suite}: apt-get update"):
                folder.chrooted(self.root, ["apt-get", "update", "-q"], log=self.log)
        return read_index(folder.index_files(self.root))

    def make_lock_and_base(self) -> None:
        base = Part(self.root, "base", folder.base_digest())
        code = sources(
            "libraries.json", "provision/lock.py", "provision/packages.py", "provision/__main__.py"
        )
        lock = Part(self.root, "lock", digest("lock-1", code))
        if base.fresh() and lock.fresh() and not self.refresh:
            return
        index = self.read_index()
        stand = self.root / "stand"
        if not base.fresh() or self.refresh:
            with timed(f"{self.suite}: base system of the sandbox"):
                names = [name for name in folder.BASE_PACKAGES if name in index.debs]
                debs = index.closure(names).values()
                temporary = stand / "base.tmp"
                shutil.rmtree(temporary, ignore_errors=True)
                folder.make_base(temporary, debs, self.mirror(), self.place / "debs", log=self.log)
                folder.link_private(self.root, "/stand/base.tmp", log=self.log)
                # Running builds still see the old one: it goes when the next is made.
                old = stand / "base.old"
                shutil.rmtree(old, ignore_errors=True)
                if (stand / "base").exists():
                    (stand / "base").rename(old)
                temporary.rename(stand / "base")
            base.done()
        with timed(f"{self.suite}: lock of the libraries"):
            table = json.loads((HERE / "libraries.json").read_text())
            data = make_lock(index, table, suite=self.suite, mirror=self.mirror())
            write_json(stand / f"debs-{self.suite}.json", data)
            programs = (
                "gcc",
                "bash",
                "coreutils",
                "binutils",
                "patchelf",
                "make",
                "tar",
                "gzip",
                "patch",
                "file",
            )
            versions = {name: upstream_version(index.debs[name].version) for name in programs}
            closure = index.closure([name for name in folder.BASE_PACKAGES if name in index.debs])
            base_key = digest(folder.base_digest(), *(deb.sha256 for deb in closure.values()))
            suite = {
                "suite": self.suite,
                "lock": f"debs-{self.suite}.json",
                "versions": versions,
                "base": base_key,
            }
            write_json(stand / "suite.json", suite)
        lock.done()

    def make_wheels(self) -> None:
        part = Part(
            self.root, "wheels", digest("wheels-1", sources("requirements.txt", "provision/wheels.py"))
        )
        if part.fresh():
            return
        with timed(f"{self.suite}: wheels"):
            requirements = HERE / "requirements.txt"
            wheels.write_wheel_lock(self.root / "stand", log=self.log, requirements=requirements)
        part.done()

    def configure(self) -> None:
        key = digest("configure-1", sources("provision/folder.py"), folder.ca_bundle().read_bytes())
        part = Part(
            self.root, "configure", digest(key, file_bytes(Path("/etc/resolv.conf")), str(os.cpu_count()))
        )
        if not part.fresh() or not (self.root / "stand/base/etc/ssl/certs/ca-certificates.crt").exists():
            folder.configure(self.root)
            part.done()

    def prebuild(self) -> None:
        locks = [self.root / "stand" / name for name in (f"debs-{self.suite}.json", "wheels.json")]
        key = digest("prebuild-1", sources("nixpkgs"), *map(file_bytes, locks), *PREBUILD)
        part = Part(self.root, "prebuild", key)
        if part.fresh():
            return
        pythons = json.loads(locks[0].read_text())["pythons"]
        attrs = [*PREBUILD, *(f"python{minor.replace('.', '')}" for minor in pythons)]
        flags = [flag for attr in attrs for flag in ("-A", attr)]
        roots = self.root / "nix/var/nix/gcroots/stand"
        roots.mkdir(parents=True, exist_ok=True)
        with timed(f"{self.suite}: build of {len(attrs)} packages"):
            env = {**os.environ, "UVLOCK2NIX_STAND": str(self.place)}
            out = ["-o", "/nix/var/nix/gcroots/stand/result"]
            run([HERE / "enter", self.suite, "nix-build", "<nixpkgs>", *out, *flags], log=self.log, env=env)
        part.done()

    def run(self) -> None:
        self.make_folder()
        self.make_lock_and_base()
        self.make_wheels()
        self.configure()
        write_atomic(self.root / "stand/ready", "1\n")
        self.prebuild()


def parse(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="tests/stand/setup", description="Make the test stand: real Nix on Debian."
    )
    parser.add_argument(
        "suites", nargs="*", metavar="SUITE", help=f"one of {', '.join(SUITES)} (default forky)"
    )
    parser.add_argument("--refresh", action="store_true", help="take the mirror's newest package lists")
    parser.add_argument("--rebuild", action="store_true", help="throw the folder away first")
    parser.add_argument("--no-prebuild", action="store_true", help="build nothing ahead")
    parser.add_argument(
        "--uv", action="append", default=[], metavar="VERSION", help='add uvVersions."VERSION"'
    )
    return parser.parse_args(argv)


def setup_suite(place: Path, suite: str, options: argparse.Namespace) -> None:
    with (place / f"{suite}.lock").open("w") as guard:
        fcntl.flock(guard, fcntl.LOCK_EX)
        steps = Setup(place, suite, refresh=options.refresh)
        if options.rebuild:
            shutil.rmtree(steps.root, ignore_errors=True)
        if options.no_prebuild:
            steps.prebuild = lambda: None  # type: ignore[method-assign]
        with timed(f"{suite}: all"):
            steps.run()
            for version in options.uv:
                wheels.add_uv(
                    steps.root / "stand", version, log=steps.log, requirements=HERE / "requirements.txt"
                )


def main(argv: list[str]) -> int:
    options = parse(argv)
    try:
        unknown = [suite for suite in options.suites if suite not in SUITES]
        if unknown:
            raise StandError(f"unknown suite {unknown[0]!r}", f"one of: {', '.join(SUITES)}")
        if os.geteuid() != 0:
            raise StandError(
                "the stand needs root (debootstrap, mount, chroot)", "run it as root: sudo tests/stand/setup"
            )
        place = Path(os.environ.get("UVLOCK2NIX_STAND") or DEFAULT_PLACE)
        place.mkdir(parents=True, exist_ok=True)
        folder.host_packages()
        for suite in options.suites or ["forky"]:
            setup_suite(place, suite, options)
    except StandError as error:
        sys.stderr.write(f"error: {error.message}\nhint: {error.hint}\n")
        return 1
    except KeyboardInterrupt:
        sys.stderr.write("error: interrupted; nothing half-made is used, run it again\n")
        return 130
    return 0


sys.exit(main(sys.argv[1:]))
