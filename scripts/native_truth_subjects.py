"""What scripts/native_truth.py tries: packages of the table, the most used first."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Subject:
    """A package to prove: the modules that must import (in one interpreter, in this order).

    ``also`` is installed from wheels. ``first`` is compiled from source before, with its own inputs by the
    table. With ``requires`` the build is not isolated and has those Python packages: the index's wheels of
    cmake, ninja and swig, which the package asks for, cannot stand in for the input. ``ldflags``: Debian's
    compiler drops a library that no symbol is taken from, nixpkgs' does not. ``why`` is for people: why it
    cannot be proven here. ``not_linked``: libraries that are needed and that no file names in the end
    (headers alone, or opened by name), each with the reason. ``search``: what is installed has no search path
    (CMake's install takes it out), so that it imports only where env looks.
    """

    name: str
    version: str
    module: str
    also: tuple[str, ...] = ()
    first: tuple[tuple[str, str], ...] = ()
    requires: tuple[str, ...] = ()
    ldflags: str = ""
    suite: str = "forky"
    python: str = "python313"
    why: str = ""
    search: bool = False
    not_linked: tuple[tuple[str, str], ...] = ()


CRATES = "its crates come from a crate registry, which is not reachable here; Debian has other versions"

SUBJECTS = (
    Subject("psycopg2", "2.9.10", "psycopg2"),
    Subject("mysqlclient", "2.2.7", "MySQLdb"),
    Subject("lxml", "6.0.2", "lxml.etree", not_linked=(("zlib", "-lz, of which no symbol is used"),)),
    Subject(
        "xmlsec",
        "1.3.17",
        "xmlsec",
        first=(("lxml", "6.0.2"),),
        requires=("setuptools", "setuptools-scm", "wheel", "pkgconfig"),
        ldflags="-Wl,--no-as-needed",
    ),
    Subject("python-ldap", "3.4.5", "ldap", not_linked=(("cyrus_sasl", "its headers alone"),)),
    Subject("psycopg-c", "3.2.13", "psycopg psycopg_c", also=("psycopg==3.2.13",)),
    Subject("gssapi", "1.10.1", "gssapi"),
    Subject("pycurl", "7.45.7", "pycurl"),
    Subject("pygraphviz", "1.14", "pygraphviz", requires=("setuptools", "wheel"), suite="trixie"),
    Subject("pycairo", "1.29.0", "cairo", requires=("meson-python",)),
    Subject(
        "pygobject", "3.54.5", "gi._gi_cairo", first=(("pycairo", "1.29.0"),), requires=("meson-python",)
    ),
    Subject("dbus-python", "1.4.0", "dbus", requires=("meson-python",)),
    Subject("systemd-python", "235", "systemd.journal"),
    Subject("krb5", "0.8.0", "krb5"),
    Subject("pykerberos", "1.2.4", "kerberos"),
    Subject("kerberos", "1.3.1", "kerberos"),
    Subject("pyodbc", "5.3.0", "pyodbc"),
    Subject("m2crypto", "0.46.2", "M2Crypto", requires=("setuptools", "wheel", "packaging"), suite="trixie"),
    Subject(
        "evdev",
        "1.9.2",
        "evdev",
        why="the stand's sandbox has the kernel's headers in /usr/include; nixpkgs' has no /usr/include",
    ),
    Subject("pyicu", "2.16", "icu"),
    Subject("h5py", "3.15.1", "h5py", also=("numpy",)),
    Subject("pyyaml", "6.0.3", "yaml._yaml"),
    Subject("cffi", "2.0.0", "_cffi_backend"),
    Subject(
        "secp256k1",
        "0.14.0",
        "secp256k1",
        why="takes its bundled library though LIB_DIR is given, whose build asks for aclocal 1.16: open",
    ),
    Subject(
        "coincurve",
        "21.0.0",
        "coincurve",
        requires=("hatchling", "scikit-build-core", "cffi<2"),
        search=True,
    ),
    Subject("argon2-cffi-bindings", "25.1.0", "_argon2_cffi_bindings"),
    Subject("pynacl", "1.6.0", "nacl.bindings"),
    Subject("pylibmc", "1.6.3", "pylibmc"),
    Subject(
        "pymssql",
        "2.3.8",
        "pymssql",
        why="its Cython code does not compile with the newest Cython, which its pyproject.toml admits",
    ),
    Subject("confluent-kafka", "2.11.0", "confluent_kafka"),
    Subject("pylibacl", "0.7.3", "posix1e"),
    Subject("python-prctl", "1.8.1", "prctl"),
    Subject("python-lzo", "1.15", "lzo"),
    Subject("pcapy-ng", "1.0.9", "pcapy"),
    Subject("pyalsaaudio", "0.11.0", "alsaaudio"),
    Subject("pyaudio", "0.2.14", "pyaudio"),
    Subject("simpleaudio", "1.0.4", "simpleaudio"),
    Subject("gmpy2", "2.2.1", "gmpy2"),
    Subject("fastecdsa", "3.0.1", "fastecdsa.curve"),
    Subject("scrypt", "0.9.4", "scrypt"),
    Subject(
        "sasl",
        "0.3.1",
        "sasl.saslwrapper",
        suite="bookworm",
        python="python311",
        why="its C++ code is for Python < 3.11 (longintrepr.h), which no suite has",
    ),
    Subject("bjoern", "3.2.2", "bjoern"),
    Subject("pycups", "2.0.4", "cups"),
    Subject("pysmbc", "1.0.25.1", "smbc"),
    Subject("pdftotext", "3.0.0", "pdftotext"),
    Subject("plyvel", "1.5.1", "plyvel"),
    Subject("hunspell", "0.5.5", "hunspell"),
    Subject("pygit2", "1.18.2", "pygit2"),
    Subject(
        "pyscard",
        "2.3.0",
        "smartcard.scard",
        requires=("setuptools", "wheel"),
        suite="trixie",
        not_linked=(("pcsclite", "its headers, and dlopen at run time"),),
    ),
    Subject("shapely", "2.1.2", "shapely"),
    Subject("pyproj", "3.7.2", "pyproj"),
    Subject("pysqlite3", "0.5.4", "pysqlite3"),
    # As nixpkgs builds it: with conan, which its pyproject.toml asks for, it fetches OpenSSL.
    Subject("sqlcipher3", "0.6.2", "sqlcipher3", requires=("setuptools", "wheel")),
    Subject(
        "apsw",
        "3.50.4.0",
        "apsw",
        why="its sdist fetches SQLite (setup.apsw: fetch); nixpkgs takes the repository instead",
    ),
    Subject("pystemd", "0.13.4", "pystemd"),
    Subject("cysystemd", "2.0.1", "cysystemd.reader"),
    Subject("xkbcommon", "1.5.1", "xkbcommon.xkb"),
    Subject(
        "keyutils",
        "0.6",
        "keyutils",
        suite="bookworm",
        python="python311",
        why="its C code is for Python < 3.11 (longintrepr.h), which no suite has",
    ),
    Subject("pyfuse3", "3.4.0", "pyfuse3"),
    Subject("pymilter", "1.0.5", "milter"),
    Subject("cracklib", "2.9.6", "cracklib"),
    Subject("gnureadline", "8.2.13", "gnureadline"),
    Subject("hidapi", "0.14.0.post4", "hid"),
    Subject("libsass", "0.23.0", "sass"),
    Subject("libvirt-python", "11.8.0", "libvirt"),
    Subject("pystemmer", "3.0.0", "Stemmer"),
    # Its setup.py takes pkg_resources from setuptools, which has none since 81.
    Subject("ssdeep", "3.4", "ssdeep", requires=("setuptools<81", "wheel", "cffi", "six")),
    Subject(
        "yara-python",
        "4.5.4",
        "yara",
        why="compiles a yara of its own unless setup.py build has --dynamic-linking, which no row can say",
    ),
    Subject("pytaglib", "3.0.1", "taglib"),
    Subject("pikepdf", "9.11.0", "pikepdf"),
    Subject(
        "primesieve",
        "2.3.2",
        "primesieve",
        why="the C++ code in its sdist was made by an older Cython, for Python < 3.13",
    ),
    Subject("python-snappy", "0.6.1", "snappy"),
    Subject("jsonslicer", "0.1.8", "jsonslicer"),
    Subject("tpm2-pytss", "2.3.0", "tpm2_pytss"),
    Subject("pyeclib", "1.6.4", "pyeclib.ec_iface"),
    Subject("samplerate", "0.2.1", "samplerate"),
    Subject(
        "cassandra-driver",
        "3.29.2",
        "cassandra.io.libevwrapper",
        why="its setup.py takes pkg_resources from setuptools, which has none since 81",
    ),
    Subject("cryptography", "46.0.3", "cryptography.hazmat.bindings._rust", why=CRATES),
    Subject("bcrypt", "5.0.0", "bcrypt", why=CRATES),
    Subject("zeroc-ice", "3.7.10.1", "IcePy"),
)
