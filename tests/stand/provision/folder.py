"""Make the folders: the debootstrap system with Nix, and the base system that the sandbox shows to builds."""

from __future__ import annotations

import concurrent.futures
import hashlib
import inspect
import os
import re
import shutil
import time
import urllib.error
import urllib.request
import zlib
from collections.abc import Iterable
from pathlib import Path

from tests.stand.provision.packages import Deb
from tests.stand.provision.shell import StandError, digest, run

BUILD_USERS = 16
ATTEMPTS = 4
PRIVATE_LIBRARIES = "/usr/lib/stand-private"
# What every program may find in the default places: the C library and the compiler's own run time.
RUNTIME_SOURCES = re.compile(r"^(glibc|gcc-\d+|linux)$")
FOLDER_PACKAGES = (
    "nix-bin",
    "ca-certificates",
    "git",
    "patchelf",
    "binutils",
    "file",
    "xz-utils",
    "zstd",
    "python3-minimal",
)
BASE_PACKAGES = (
    *(
        "bash",
        "dash",
        "coreutils",
        "sed",
        "grep",
        "gawk",
        "findutils",
        "diffutils",
        "debianutils",
        "hostname",
        "dpkg",
    ),
    *(
        "tar",
        "gzip",
        "bzip2",
        "xz-utils",
        "zstd",
        "unzip",
        "patch",
        "file",
        "make",
        "gcc",
        "g++",
        "binutils",
        "patchelf",
    ),
    *("libc-bin", "libc6-dev"),
)
NIX_CONF = """\
# Written by tests/stand/setup.
build-users-group = nixbld
sandbox = true
sandbox-fallback = false
sandbox-paths = {paths}
substituters =
trusted-substituters =
max-jobs = {jobs}
cores = 0
"""
SANDBOX_PATHS = {
    "/bin": "usr/bin",
    "/usr": "usr",
    "/lib": "usr/lib",
    "/lib64": "usr/lib64",
    "/etc/ssl": "etc/ssl",
    "/etc/alternatives": "etc/alternatives",
}


def chrooted(root: Path, argv: list[str], *, log: Path) -> None:
    """Run a program in `root` with /proc and /dev, in a mount namespace of its own (nothing leaks)."""
    mounts = 'for d in /proc /dev /sys; do mount --rbind "$d" "$1$d"; done'
    script = f'{mounts}; root=$1; shift; exec chroot "$root" "$@"'
    env = {
        "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
        "DEBIAN_FRONTEND": "noninteractive",
        "LC_ALL": "C.UTF-8",
        "HOME": "/root",
    }
    run(
        ["unshare", "--mount", "--propagation", "private", "bash", "-euc", script, "-", root, *argv],
        log=log,
        env=env,
    )


def debootstrap(root: Path, suite: str, mirror: str, *, log: Path) -> None:
    """A minimal Debian of `suite` in `root`, with Nix in it."""
    scripts = Path("/usr/share/debootstrap/scripts")
    script = scripts / suite if (scripts / suite).exists() else scripts / "sid"
    run(["debootstrap", "--variant=minbase", suite, root, mirror, script], log=log)
    (root / "etc/apt/apt.conf.d/99stand").write_text('APT::Install-Recommends "false";\nDpkg::Use-Pty "0";\n')
    shutil.copy("/etc/resolv.conf", root / "etc/resolv.conf")
    chrooted(root, ["apt-get", "install", "-y", "-q", *FOLDER_PACKAGES], log=log)
    chrooted(root, ["apt-get", "clean"], log=log)


def index_files(root: Path) -> list[Path]:
    """The signed package lists that debootstrap (or a later apt-get update) left in the folder."""
    found = sorted((root / "var/lib/apt/lists").glob("*_main_binary-*_Packages"))
    if not found:
        raise StandError(f"no package list below {root}/var/lib/apt/lists", "run tests/stand/setup --rebuild")
    return found


def _download(url: str, target: Path) -> str:
    """Write what `url` serves into `target`; the sha256 of it in hex."""
    state = hashlib.sha256()
    with urllib.request.urlopen(url, timeout=120) as answer, target.open("wb") as file:
        while block := answer.read(1 << 20):
            state.update(block)
            file.write(block)
    return state.hexdigest()


def fetch(deb: Deb, mirror: str, cache: Path) -> Path:
    """The package file from `cache`, downloaded and checked against the signed list's sha256 first."""
    target = cache / f"{deb.sha256}.deb"
    if target.exists():
        return target
    url = f"{mirror}/{deb.filename}"
    temporary = target.with_suffix(f".{os.getpid()}.part")
    checksum = ""
    for attempt in range(1, ATTEMPTS + 1):
        try:
            checksum = _download(url, temporary)
        except (urllib.error.URLError, OSError) as error:
            temporary.unlink(missing_ok=True)
            gone = isinstance(error, urllib.error.HTTPError) and error.code == 404
            if gone or attempt == ATTEMPTS:
                hint = "the mirror moved on: run setup --refresh" if gone else "check the network"
                raise StandError(f"cannot download {url}: {error}", hint) from error
            time.sleep(2**attempt)
        else:
            break
    if checksum != deb.sha256:
        temporary.unlink()
        raise StandError(f"{url} has another sha256 than the signed package list says", "run setup --refresh")
    temporary.replace(target)
    return target


def fetch_all(debs: Iterable[Deb], mirror: str, cache: Path) -> list[Path]:
    cache.mkdir(parents=True, exist_ok=True)
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        return list(pool.map(lambda deb: fetch(deb, mirror, cache), debs))


def make_base(base: Path, debs: Iterable[Deb], mirror: str, cache: Path, *, log: Path) -> None:
    """Unpack the toolchain's packages into `base`, a sandboxed build's /usr. No maintainer script runs.

    Libraries that only the tools need (zlib, openssl, …) go to a folder of their own: a build must not find
    them by luck.
    """
    for name in ("bin", "sbin", "lib", "lib64"):
        (base / "usr" / name).mkdir(parents=True)
        (base / name).symlink_to(f"usr/{name}")
    private = base / PRIVATE_LIBRARIES.lstrip("/")
    private.mkdir()
    ordered = list(debs)
    for deb, archive in zip(ordered, fetch_all(ordered, mirror, cache), strict=True):
        hidden = deb.section == "libs" and not RUNTIME_SOURCES.match(deb.source)
        target = base / "hidden" if hidden else base
        target.mkdir(exist_ok=True)
        unpack = f'dpkg-deb --fsys-tarfile "{archive}" | tar -C "{target}" -xp --keep-directory-symlink'
        run(["bash", "-euo", "pipefail", "-c", unpack], log=log)
        if hidden:
            for library in sorted(target.rglob("*.so*")):
                if re.fullmatch(
                    r"lib/[^/]+-linux-gnu|lib", str(library.parent.relative_to(target)).removeprefix("usr/")
                ):
                    library.rename(private / library.name)
            for magic in target.glob("usr/lib/file"):
                magic.rename(base / "usr/lib/file")
            shutil.rmtree(target)
    for name in ("share/doc", "share/man", "share/info", "share/locale"):
        shutil.rmtree(base / "usr" / name, ignore_errors=True)
    for name, program in {"awk": "gawk", "cc": "gcc", "c++": "g++"}.items():
        link = base / "usr/bin" / name
        link.unlink(missing_ok=True)
        link.symlink_to(program)
    (base / "etc/alternatives").mkdir(parents=True, exist_ok=True)
    if not (base / "usr/bin/sh").exists():
        (base / "usr/bin/sh").symlink_to("dash")


def base_digest() -> str:
    """What the base system is made by: its packages and the code above and below."""
    return digest(*BASE_PACKAGES, inspect.getsource(make_base), inspect.getsource(link_private))


def link_private(root: Path, base: str, *, log: Path) -> None:
    """Let the tools of `base` (a path inside the folder) find their private libraries by RPATH."""
    script = r"""
        cd "$1/usr"
        find bin sbin lib libexec -type f \( -perm -0100 -o -name '*.so*' \) -print0 |
          while IFS= read -r -d '' file; do
          [ "$(head -c 4 "$file" | tr -d '\0')" = $'\177ELF' ] || continue
          for name in $(patchelf --print-needed "$file" 2>/dev/null); do
            if [ -e "$1$2/$name" ]; then
              patchelf --force-rpath --set-rpath "$2" "$file"
              break
            fi
          done
        done
    """
    chrooted(root, ["bash", "-euc", script, "-", base, PRIVATE_LIBRARIES], log=log)


def ca_bundle() -> Path:
    """The machine's own CA bundle: TLS here may go through an authority of its own."""
    names = ("NIX_SSL_CERT_FILE", "SSL_CERT_FILE")
    places = [os.environ.get(name, "") for name in names] + ["/etc/ssl/certs/ca-certificates.crt"]
    for place in places:
        if place and Path(place).is_file():
            return Path(place)
    raise StandError("no CA bundle on this machine", "install ca-certificates, or set SSL_CERT_FILE")


def first_build_user(root: Path) -> int:
    """The first user id for builds in `root`.

    Nix ends every process of a build user, on the whole machine, before it uses it: two folders must not
    share ids, nor may a folder share them with the machine's own Nix.
    """
    return 400_000 + zlib.crc32(os.fsencode(root.resolve())) % 50_000 * BUILD_USERS


def configure(root: Path) -> None:
    """Everything small and idempotent: CA bundle, resolver, build users, nix.conf."""
    bundle = ca_bundle().read_bytes()
    for below in ("etc/ssl/certs", "stand/base/etc/ssl/certs"):
        (root / below).mkdir(parents=True, exist_ok=True)
        target = root / below / "ca-certificates.crt"
        if target.is_symlink() or not target.exists() or target.read_bytes() != bundle:
            target.unlink(missing_ok=True)
            target.write_bytes(bundle)
    shutil.copy("/etc/resolv.conf", root / "etc/resolv.conf")
    passwd = (root / "etc/passwd").read_text()
    first = first_build_user(root)
    if f"nixbld1:x:{first}:" not in passwd:
        passwd = "".join(line for line in passwd.splitlines(True) if not line.startswith("nixbld"))
        users = [f"nixbld{n}" for n in range(1, BUILD_USERS + 1)]
        lines = [
            f"{name}:x:{first + n - 1}:30000::/var/empty:/usr/sbin/nologin\n"
            for n, name in enumerate(users, 1)
        ]
        (root / "etc/passwd").write_text(passwd + "".join(lines))
        group = [
            line for line in (root / "etc/group").read_text().splitlines() if not line.startswith("nixbld:")
        ]
        (root / "etc/group").write_text("\n".join([*group, f"nixbld:x:30000:{','.join(users)}", ""]))
    paths = " ".join(f"{inside}=/stand/base/{outside}" for inside, outside in SANDBOX_PATHS.items())
    (root / "etc/nix").mkdir(exist_ok=True)
    (root / "etc/nix/nix.conf").write_text(NIX_CONF.format(paths=paths, jobs=os.cpu_count() or 1))
    for name in ("nix/store", "nix/var/nix", "var/empty", "root"):
        (root / name).mkdir(parents=True, exist_ok=True)
    os.chown(root / "nix/store", 0, 30000)
    (root / "nix/store").chmod(0o1775)


def host_packages() -> None:
    """Install what the provisioner itself needs, with the machine's own apt."""
    wanted = {"debootstrap": "debootstrap", "unshare": "util-linux", "dpkg-deb": "dpkg", "xz": "xz-utils"}
    missing = [package for program, package in wanted.items() if shutil.which(program) is None]
    if not Path("/usr/share/keyrings/debian-archive-keyring.gpg").exists():
        missing.append("debian-archive-keyring")
    if not missing:
        return
    if shutil.which("apt-get") is None:
        raise StandError(
            f"missing: {', '.join(missing)}", "the stand needs a Debian-like machine with apt-get"
        )
    run(["apt-get", "update", "-q"])
    env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    run(["apt-get", "install", "-y", "-q", "--no-install-recommends", *missing], env=env)
