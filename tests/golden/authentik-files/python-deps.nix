# Written by uvlock2nix @version@ from uv.lock; `uvlock2nix generate` writes it again.
# authentik-like: its packages, each fetched with the hash of the lock and installed into a store path of its own
{
  importUvLock,
  krb5,
  libpq,
  libtool,
  libxml2,
  libxslt,
  openssl,
  pkg-config,
  python313,
  xmlsec,
  zlib,
  # Changes to individual packages, as an overlay: final: prev: { … }.
  overrides ? _final: _prev: { },
}:

importUvLock {
  pins = ./python-deps.json;
  lock = ../uv.lock;
  root = ../.;
  python = python313;
  inherit overrides;

  # What this file was generated for.
  keys = {
    x86_64-linux = "6a2ff82c105941c05fbd2d1cee17ff95";
  };
  libc = "glibc 2.40";

  # The inputs of each build from source, which no other build gets.
  native = {
    gssapi = {
      buildInputs = [ krb5 ];
      nativeBuildInputs = [ krb5 ];
      cflags = [ "-include gssapi/gssapi_ext.h" ];
    };
    lxml = {
      buildInputs = [
        libxml2
        libxslt
        zlib
      ];
      nativeBuildInputs = [ pkg-config ];
    };
    psycopg-c = {
      buildInputs = [ libpq ];
      nativeBuildInputs = [ libpq.pg_config ];
    };
    xmlsec = {
      buildInputs = [
        xmlsec
        libxml2
        libxslt
        libtool
        openssl
      ];
      nativeBuildInputs = [ pkg-config ];
    };
  };
}
