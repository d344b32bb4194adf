# The machine's own CA bundle in nixpkgs' place.
{ runCommand, lib }:
runCommand "nss-cacert-stand"
  {
    bundle = builtins.path { path = /. + "etc/ssl/certs/ca-certificates.crt"; name = "ca-bundle.crt"; };
    meta.platforms = lib.platforms.all;
  } ''
  mkdir -p $out/etc/ssl/certs $out/nix-support
  cp $bundle $out/etc/ssl/certs/ca-bundle.crt
  # Like nixpkgs: the hook offers the bundle, and a value that is already set wins.
  cat > $out/nix-support/setup-hook <<HOOK
  cacertHook() {
    export NIX_SSL_CERT_FILE="\''${NIX_SSL_CERT_FILE:-$out/etc/ssl/certs/ca-bundle.crt}"
    export SSL_CERT_FILE="\''${SSL_CERT_FILE:-$out/etc/ssl/certs/ca-bundle.crt}"
  }
  addEnvHooks "\$targetOffset" cacertHook
  HOOK
''
