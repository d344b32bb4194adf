/**
  Make a container image that runs a packaged project, in layers, as an unprivileged user.

  `nix/image.nix`, which `uvlock2nix generate --image` writes, calls this function. Commands are named as in
  `[tool.uvlock2nix.service]`: `podman run IMAGE` starts the first process (after the commands of `preStart`),
  `podman run IMAGE PROCESS` another process or a timer's command, `podman run IMAGE manage ARGUMENT…` the management
  command, and any other word is a program of the environment. State is in `/var/lib/NAME`, a volume.

  # Type

  ```
  mkServiceImage :: {
    name :: String, package :: Path, processes :: { ${process} :: [String] }, tag ? :: String, timers ? :: AttrSet,
    preStart ? :: [[String]], manage ? :: [String], port ? :: Int, environment ? :: { ${variable} :: String },
    static ? :: { pkgs, package } -> Derivation
  } -> { package ? :: Derivation, user ? :: String, contents ? :: [Derivation], maxLayers ? :: Int } -> Derivation
  ```

  # Example

  ```nix
  pkgs.callPackage (mkServiceImage {
    name = "polls";
    package = ./package.nix;
    processes.web = [ "gunicorn" "polls.wsgi" "--bind" "{host}:{port}" ];
    port = 8000;
  }) { }
  => a derivation for `podman load`
  ```
*/
{
  name,
  # The file of the package, for callPackage.
  package,
  tag ? "latest",
  # The same as in mkServiceModule.nix.
  processes,
  timers ? { },
  preStart ? [ ],
  manage ? null,
  port ? null,
  environment ? { },
  static ? null,
}@about:
{
  lib,
  pkgs,
  bash,
  cacert,
  callPackage,
  dockerTools,
  tzdata,
  writeTextFile,
  package ? callPackage about.package { },
  # The user that the container runs as; a number, because the host does not know its name.
  user ? "1000:1000",
  # Additional store paths whose `bin`, `share` … are linked into the image.
  contents ? [ ],
  # The maximum number of layers. The largest packages get one each, the smallest share one.
  maxLayers ? 100,
}:

let
  venv = package.venv or package;
  state = "/var/lib/${name}";
  first = if processes ? web then "web" else lib.head (lib.attrNames processes);

  replacements = {
    "{state}" = state;
    "{runtime}" = "/run/${name}";
  }
  // lib.optionalAttrs (port != null) {
    # A container is reached from outside, so it listens on all its addresses.
    "{host}" = "0.0.0.0";
    "{port}" = toString port;
  }
  // lib.optionalAttrs (static != null) { "{static}" = "${static { inherit pkgs package; }}"; };
  fill = lib.replaceStrings (lib.attrNames replacements) (lib.attrValues replacements);

  # Programs of the environment are found in PATH.
  commandLine = words: lib.escapeShellArgs (map fill words);
  branch = word: before: words: ''
    ${lib.escapeShellArg word})
      shift
      ${before}exec ${commandLine words} "$@"
      ;;
  '';
  commands = processes // lib.mapAttrs (_: timer: timer.command) timers;
  migrations = lib.concatMapStrings (words: "${commandLine words}\n") preStart;

  start = writeTextFile {
    name = "${name}-start";
    executable = true;
    destination = "/bin/${name}-start";
    text = ''
      #!${bash}/bin/bash
      set -e
      case ''${1-} in
      ${lib.concatStrings (
        lib.mapAttrsToList (
          process: branch process (lib.optionalString (process == first) migrations)
        ) commands
      )}
      ${lib.optionalString (manage != null && !(commands ? manage)) (branch "manage" "" manage)}
      esac
      exec "$@"
    '';
  };

  # From the largest layer to the smallest; the project's own code, and what depends on it, is the last: a change of it
  # leaves all others as they are. https://nixos.org/manual/nixpkgs/stable/#ssec-pkgs-dockerTools-buildLayeredImage
  layeringPipeline = [
    [
      "subcomponent_in"
      [ "${venv}" ]
    ]
    [
      "over"
      "rest"
      [
        "pipe"
        [
          # The paths come sorted by size, the smallest first.
          [
            "split_every"
            1
          ]
          [ "reverse" ]
          [
            "limit_layers"
            # One is the project's own, one has the folders of the image.
            (maxLayers - 2)
          ]
          [ "reverse" ]
        ]
      ]
    ]
    [ "flatten" ]
    [ "reverse" ]
  ];
  # Layers are no more than a matter of speed: a nixpkgs without pipelines makes its own.
  layers = lib.optionalAttrs (lib.functionArgs dockerTools.streamLayeredImage ? layeringPipeline) {
    inherit layeringPipeline;
  };
in
dockerTools.buildLayeredImage (
  layers
  // {
    inherit name tag maxLayers;
    contents = [
      cacert
      tzdata
    ]
    ++ contents;

    # Folders that are writable for any user, because containers can be run as any user.
    extraCommands = ''
      mkdir -p tmp run/${name} var/lib/${name} etc
      chmod 1777 tmp run/${name} var/lib/${name}
      echo ${lib.escapeShellArg "root:x:0:0::/root:/sbin/nologin"} > etc/passwd
      echo ${lib.escapeShellArg "${name}:x:${lib.head (lib.splitString ":" user)}:${lib.last (lib.splitString ":" user)}::${state}:/sbin/nologin"} >> etc/passwd
    '';

    config = {
      Entrypoint = [ "${start}/bin/${name}-start" ];
      Cmd = [ first ];
      User = user;
      WorkingDir = state;
      Volumes.${state} = { };
      Env = [
        "HOME=${state}"
        "PATH=${venv}/bin"
        "SSL_CERT_FILE=${cacert}/etc/ssl/certs/ca-bundle.crt"
        "PYTHONTZPATH=${tzdata}/share/zoneinfo"
        "TZDIR=${tzdata}/share/zoneinfo"
      ]
      ++ lib.mapAttrsToList (variable: text: "${variable}=${fill text}") environment;
      Labels = {
        "org.opencontainers.image.title" = name;
        "org.opencontainers.image.version" = tag;
      };
    }
    // lib.optionalAttrs (port != null) { ExposedPorts."${toString port}/tcp" = { }; };
  }
)
