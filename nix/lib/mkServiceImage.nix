/**
  Make a container image that runs a packaged project, in layers, as a user without rights.

  `nix/image.nix`, which `uvlock2nix generate --image` writes, calls this function. What is started is named as in
  `[tool.uvlock2nix.service]`: `podman run IMAGE` starts the first process (after the commands of `preStart`),
  `podman run IMAGE PROCESS` one of the others or a timer's command, `podman run IMAGE manage ARGUMENT…` the
  management command, and every other word is a program of the environment. State is in `/var/lib/NAME`, a volume.

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
  => a derivation that `podman load` reads
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
  # The user that the container runs as; a number, because its name means nothing to the machine outside.
  user ? "1000:1000",
  # More store paths whose `bin`, `share` … are to be found in the image.
  contents ? [ ],
  # How many layers at most. The largest packages have one each, the smallest are in one together.
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
    # A container is reached from outside: it listens on all of its own addresses.
    "{host}" = "0.0.0.0";
    "{port}" = toString port;
  }
  // lib.optionalAttrs (static != null) { "{static}" = "${static { inherit pkgs package; }}"; };
  fill = lib.replaceStrings (lib.attrNames replacements) (lib.attrValues replacements);

  # A program of the environment is found by PATH.
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

    # Folders that any user may write to, because people run containers as users of their choice.
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
