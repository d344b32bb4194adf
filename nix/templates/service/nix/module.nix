# Written by uvlock2nix 0.2.0 from uv.lock; `uvlock2nix generate` writes it again.
# web: a NixOS module that runs it as a service
# Digest: 6c912f6abeef5ce2
import ./service-module.nix {
  name = "web";
  package = pkgs: pkgs.callPackage ./package.nix { };
  processes = {
    web = [
      "gunicorn"
      "--bind"
      "{host}:{port}"
      "web:application"
    ];
  };
  address = {
    host = "127.0.0.1";
    port = 8000;
  };
}
