# Written by uvlock2nix 0.2.0 from uv.lock; `uvlock2nix generate` writes it again.
# web: the function that makes its module
# Digest: d9bacec5cae0cc79
/**
  Make a module that runs a packaged project as one or more services: of systemd in NixOS, of the user's systemd or
  launchd in home-manager, of launchd in nix-darwin.

  `nix/module.nix`, which `uvlock2nix generate --module` writes, calls this function. The module has the options
  `services.NAME.{enable,package,stateDir,settings,environment,secrets,extraArgs}`, `host` and `port` if the program takes
  an address, and `static`, the folder of static files, if the project has some; in NixOS also `user`, `group`,
  `environmentFile` and `openFirewall`.

  # Inputs

  `name`
  : The name of the service: `services.NAME`, its state directory and its user.

  `package`
  : A function from the package set to the package.

  `processes`
  : Process names with their commands; each is a unit.

  `description`, `preStart`, `manage`, `address`, `environment`, `settingsFile`, `secretsAs`, `writableMemory`, `network`
  : As the keys of the same name in `[tool.uvlock2nix.service]`.

  # Type

  ```
  mkServiceModule :: {
    name :: String, package :: AttrSet -> Derivation, processes :: { ${process} :: [String] },
    timers ? :: { ${timer} :: { command :: [String], calendar :: String } },
    static ? :: { pkgs, package } -> Derivation, description ? :: String, preStart ? :: [[String]], manage ? :: [String], address ? :: { host :: String, port :: Int },
    environment ? :: { ${variable} :: String }, settingsFile ? :: { format :: String, variable :: String },
    secretsAs ? :: "file" | "variable", secrets ? :: [String], writableMemory ? :: Bool, network ? :: Bool
  } -> Module
  ```

  # Examples

  :::{.example}
  ## `mkServiceModule` usage example

  ```nix
  mkServiceModule {
    name = "polls";
    package = pkgs: pkgs.callPackage ./package.nix { };
    processes.web = [ "gunicorn" "polls.wsgi" "--bind" "{host}:{port}" ];
    preStart = [ [ "polls" "migrate" ] ];
    manage = [ "polls" ];
    address = { host = "127.0.0.1"; port = 8000; };
  }
  => a module with the options services.polls.*
  ```
  :::
*/
{
  # The name of the service: `services.NAME`, its state directory and its user.
  name,
  # A function from the package set to the package.
  package,
  # Process name → its command: a program of the package (or of its environment) and its arguments.
  # `{host}`, `{port}`, `{state}`, `{runtime}` and `{static}` in an argument are replaced. Each process is a unit.
  processes,
  # Scheduled commands: `calendar` is systemd's OnCalendar.
  timers ? { },
  # The function that makes the folder of static files (`{static}`); see mkStaticFiles.nix.
  static ? null,
  description ? name,
  # Commands that run before each start, such as migrations; they belong to the first process.
  preStart ? [ ],
  # The management command, which `NAME-manage` runs with the service's own user, state and environment.
  manage ? null,
  # The address that the program listens on, if it does.
  address ? null,
  environment ? { },
  # If the program reads its settings from a file: the format (json, toml, yaml, ini) and the variable that
  # names the file. Otherwise settings are environment variables.
  settingsFile ? null,
  # How the program reads a secret: from the file that NAME_FILE names, or from the variable NAME.
  secretsAs ? "file",
  # The names of the secrets that the program requires.
  secrets ? [ ],
  # Programs that generate code at run time (a JIT, some ffi libraries) need writable and executable memory.
  writableMemory ? false,
  # Whether the program needs the network.
  network ? true,
}@about:
{
  config,
  lib,
  pkgs,
  # https://nixos.org/manual/nixpkgs/stable/#module-system-module-argument-_class
  _class,
  ...
}:

let
  cfg = config.services.${name};
  names = lib.attrNames processes;
  first = if processes ? web then "web" else lib.head names;
  unitOf = process: if process == first then name else "${name}-${process}";
  state = "/var/lib/${cfg.stateDir}";

  # In home-manager and nix-darwin the service runs as a user, with its state in the user's home.
  isUsers = _class == "homeManager" || _class == "darwin";

  places = {
    "{state}" = state;
    "{runtime}" = "/run/${cfg.stateDir}";
  };
  known =
    lib.optionalAttrs (address != null) {
      # An IPv6 address with a port needs brackets.
      "{host}:{port}" = "${
        if lib.hasInfix ":" cfg.host then "[${cfg.host}]" else cfg.host
      }:${toString cfg.port}";
      "{host}" = cfg.host;
      "{port}" = toString cfg.port;
    }
    // lib.optionalAttrs (static != null) { "{static}" = "${cfg.static}"; };
  fillWith =
    replacements:
    let
      # Longer ones first.
      marks = lib.sort (one: other: lib.stringLength one > lib.stringLength other) (
        lib.attrNames replacements
      );
    in
    lib.replaceStrings marks (map (mark: replacements.${mark}) marks);
  fill = fillWith (places // known);

  # A program of the package itself, or of its environment.
  program =
    word:
    if lib.hasPrefix "/" word then
      word
    else
      "${if cfg.package ? venv then cfg.package.venv else cfg.package}/bin/${word}";

  # https://www.freedesktop.org/software/systemd/man/latest/systemd.service.html#Command%20lines
  escape =
    word:
    "\"" + lib.replaceStrings [ "\\" "\"" "%" "$" "\n" ] [ "\\\\" "\\\"" "%%" "$$" "\\n" ] word + "\"";
  commandLine =
    words:
    let
      filled = map fill words;
    in
    lib.concatMapStringsSep " " escape ([ (program (lib.head filled)) ] ++ lib.tail filled);

  # A shell reads secrets into variables when the program starts, so they are in no unit and no log.
  withSecrets =
    words:
    if secretsAs == "variable" && cfg.secrets != { } then
      "${
        pkgs.writeShellScript "${name}-with-secrets" (
          lib.concatMapStrings (secret: ''
            ${secret}=$(<"$CREDENTIALS_DIRECTORY/${secret}") || exit 1
            export ${secret}
          '') (lib.attrNames cfg.secrets)
          + ''exec "$@"''
        )
      } ${commandLine words}"
    else
      commandLine words;

  textOf =
    value:
    if value == true then
      "true"
    else if value == false then
      "false"
    else if lib.isList value then
      lib.concatMapStringsSep "," textOf value
    else
      toString value;

  settingsEnvironment =
    if settingsFile == null then
      lib.mapAttrs (_: textOf) (lib.filterAttrs (_: value: value != null) cfg.settings)
    else
      lib.optionalAttrs (cfg.settings != { }) {
        ${settingsFile.variable} = "${(pkgs.formats.${settingsFile.format} { }).generate
          "${name}.${settingsFile.format}"
          cfg.settings
        }";
      };

  # The program's environment. Values are literal: systemd's specifiers are not expanded.
  variables = lib.mapAttrs (_: fill) environment // settingsEnvironment // cfg.environment;
  secretFiles =
    directory:
    lib.optionalAttrs (secretsAs == "file") (
      lib.mapAttrs' (secret: _: lib.nameValuePair "${secret}_FILE" "${directory}/${secret}") cfg.secrets
    );

  # The service may do only what it needs: see https://systemd.io and `systemd-analyze security`.
  confinement = {
    CapabilityBoundingSet = if needsLowPort then "CAP_NET_BIND_SERVICE" else "";
    AmbientCapabilities = if needsLowPort then "CAP_NET_BIND_SERVICE" else "";
    DevicePolicy = "closed";
    LockPersonality = true;
    MemoryDenyWriteExecute = !writableMemory;
    NoNewPrivileges = true;
    PrivateDevices = true;
    PrivateTmp = true;
    PrivateUsers = !needsLowPort;
    ProcSubset = "pid";
    ProtectClock = true;
    ProtectControlGroups = true;
    ProtectHome = true;
    ProtectHostname = true;
    ProtectKernelLogs = true;
    ProtectKernelModules = true;
    ProtectKernelTunables = true;
    ProtectProc = "invisible";
    ProtectSystem = "strict";
    RemoveIPC = true;
    RestrictAddressFamilies = [
      "AF_UNIX"
    ]
    ++ lib.optionals network [
      "AF_INET"
      "AF_INET6"
    ];
    RestrictNamespaces = true;
    RestrictRealtime = true;
    RestrictSUIDSGID = true;
    SystemCallArchitectures = "native";
    SystemCallFilter = [
      "@system-service"
      "~@privileged @resources"
    ];
    UMask = "0077";
  };
  needsLowPort = address != null && cfg.port < 1024;

  # https://systemd.io/USER_NAMES: at most 31 characters, and no leading digit.
  dynamicUser = lib.substring 0 31 (
    lib.optionalString (builtins.match "[0-9].*" name != null) "_"
    + lib.replaceStrings [ "." ] [ "-" ] name
  );
  identity =
    if cfg.user == null then
      {
        DynamicUser = true;
        User = dynamicUser;
      }
    else
      {
        User = cfg.user;
        Group = cfg.group;
      };

  shared =
    identity
    // confinement
    // {
      StateDirectory = cfg.stateDir;
      StateDirectoryMode = "0700";
      RuntimeDirectory = cfg.stateDir;
      RuntimeDirectoryMode = "0750";
      # Shared by several units.
      RuntimeDirectoryPreserve = true;
      WorkingDirectory = state;
    }
    // lib.optionalAttrs (cfg.environmentFile != [ ]) {
      EnvironmentFile = map toString cfg.environmentFile;
    }
    // lib.optionalAttrs (cfg.secrets != { }) {
      LoadCredential = lib.mapAttrsToList (secret: file: "${secret}:${toString file}") cfg.secrets;
    };

  # Shared by all units.
  common = {
    wants = lib.optional network "network-online.target";
    environment = secretFiles "%d" // lib.mapAttrs (_: lib.replaceStrings [ "%" ] [ "%%" ]) variables;
  };
  network-online = lib.optional network "network-online.target";

  unit =
    process:
    common
    // {
      description = if process == first then description else "${description} (${process})";
      wantedBy = [ "multi-user.target" ];
      # Migrations must run before the other processes start.
      after = network-online ++ lib.optional (process != first) "${name}.service";
      serviceConfig =
        shared
        // {
          Type = "exec";
          ExecStart = withSecrets (processes.${process} ++ lib.optionals (process == first) cfg.extraArgs);
          Restart = "on-failure";
          RestartSec = 2;
        }
        // lib.optionalAttrs (process == first && preStart != [ ]) {
          ExecStartPre = map withSecrets preStart;
        };
    };

  timedUnit =
    timer:
    common
    // {
      description = "${description} (${timer})";
      wantedBy = [ ];
      after = network-online ++ [ "${name}.service" ];
      serviceConfig = shared // {
        Type = "oneshot";
        ExecStart = withSecrets timers.${timer}.command;
      };
    };

  # systemd runs it with the user, state, secrets and environment of the service.
  property =
    key: value:
    if lib.isList value then
      lib.concatMap (property key) value
    else
      [ "--property=${key}=${textOf value}" ];
  # systemd-run expands no specifiers, so the directory of the secrets is written out.
  manageCommand = pkgs.writeShellScriptBin "${name}-manage" ''
    if [ "$(id -u)" != 0 ]; then
      echo "error: ${name}-manage runs as the user of the service, which only root can switch to" >&2
      echo "hint: run it with sudo" >&2
      exit 1
    fi
    if [ -t 0 ] && [ -t 1 ]; then mode=--pty; else mode=--pipe; fi
    exec ${pkgs.systemd}/bin/systemd-run "$mode" --quiet --wait --collect --service-type=exec \
      ${
        lib.escapeShellArgs (
          lib.concatLists (lib.mapAttrsToList property (removeAttrs shared [ "PrivateUsers" ]))
          ++ lib.mapAttrsToList (variable: value: "--setenv=${variable}=${value}") (
            secretFiles "/run/credentials/${name}-manage.service" // variables
          )
        )
      } \
      --unit=${lib.escapeShellArg "${name}-manage"} \
      -- ${lib.escapeShellArgs (manageWords)} "$@"
  '';
  manageWords =
    let
      filled = map fill manage;
    in
    [ (program (lib.head filled)) ] ++ lib.tail filled;

  users = import ./service-user.nix {
    inherit
      _class
      about
      config
      first
      lib
      name
      pkgs
      program
      unitOf
      ;
    description = about.description or name;
    fillKnown = fillWith known;
    settings = settingsEnvironment // cfg.environment;
  };

  # As a string, so that Nix does not copy it into the store, which everyone can read.
  secretFile =
    lib.types.addCheck lib.types.str (
      file: lib.hasPrefix "/" file && !(lib.hasPrefix builtins.storeDir file)
    )
    // {
      description = "absolute path outside the store, as a string";
    };

  optionsOfAddress = lib.optionalAttrs (address != null) {
    host = lib.mkOption {
      type = lib.types.str;
      default = address.host;
      description = "The address to listen on.";
    };
    port = lib.mkOption {
      type = lib.types.port;
      default = address.port;
      description = "The port to listen on.";
    };
  };

  optionsOfSystem = {
    user = lib.mkOption {
      type = lib.types.nullOr lib.types.str;
      default = null;
      description = "The user to run as; null for a user that systemd allocates while the service runs.";
    };
    group = lib.mkOption {
      type = lib.types.nullOr lib.types.str;
      default = cfg.user;
      defaultText = lib.literalExpression "config.services.${name}.user";
      description = "The group to run as, if a user is set.";
    };
    stateDir = lib.mkOption {
      type = lib.types.strMatching "[A-Za-z0-9_][A-Za-z0-9_.-]*(/[A-Za-z0-9_][A-Za-z0-9_.-]*)*";
      default = name;
      description = "The state directory, below /var/lib.";
    };
    environmentFile = lib.mkOption {
      type = lib.types.coercedTo lib.types.path (file: [ file ]) (lib.types.listOf lib.types.path);
      default = [ ];
      example = "/run/keys/${name}.env";
      description = "A file with environment variables, or several, read by systemd when the service starts.";
    };
  }
  // lib.optionalAttrs (address != null) {
    openFirewall = lib.mkOption {
      type = lib.types.bool;
      default = false;
      description = "Whether to open the port in the firewall.";
    };
  };

  # NixOS, home-manager and nix-darwin refuse a configuration in which one of them fails.
  assertions = map (secret: {
    assertion =
      cfg.secrets ? ${secret} || (secretsAs == "variable" && (cfg.environmentFile or [ ]) != [ ]);
    message = "services.${name}.secrets.${secret} is not set. Set it to the path of a file with the secret, such as \"/run/keys/${secret}\".";
  }) secrets;
in
{
  options.services.${name} = {
    enable = lib.mkEnableOption description;
    package = lib.mkOption {
      type = lib.types.package;
      default = package pkgs;
      defaultText = lib.literalExpression "the package of this project";
      description = "The package to run.";
    };
    settings = lib.mkOption {
      type =
        if settingsFile == null then
          lib.types.attrsOf (
            lib.types.nullOr (
              lib.types.oneOf [
                lib.types.bool
                lib.types.int
                lib.types.str
                (lib.types.listOf lib.types.str)
              ]
            )
          )
        else
          (pkgs.formats.${settingsFile.format} { }).type;
      default = { };
      description =
        if settingsFile == null then
          "Settings of the program, as environment variables. They are readable by everyone: see secrets."
        else
          "Settings of the program, written to a file. They are readable by everyone: see secrets.";
    };
    environment = lib.mkOption {
      type = lib.types.attrsOf lib.types.str;
      default = { };
      description = "Environment variables of the service. They are readable by everyone: see secrets.";
    };
    secrets = lib.mkOption {
      type = lib.types.attrsOf secretFile;
      default = { };
      example = {
        SECRET_KEY = "/run/keys/${name}";
      };
      description =
        "Names with the absolute path of a file with the secret, as a string so that it is not copied to the store. "
        + (
          if secretsAs == "file" then
            "The program gets the path of the file in the variable NAME_FILE."
          else
            "The program gets its content in the variable NAME."
        );
    };
    extraArgs = lib.mkOption {
      type = lib.types.listOf lib.types.str;
      default = [ ];
      description = "Additional arguments for the first process.";
    };
  }
  // optionsOfAddress
  // (if isUsers then users.options else optionsOfSystem)
  // lib.optionalAttrs (static != null) {
    static = lib.mkOption {
      type = lib.types.package;
      default = static {
        inherit pkgs;
        inherit (cfg) package;
      };
      defaultText = lib.literalExpression "the static files of the package";
      description = "The folder of static files, for a web server.";
    };
  };

  config = lib.mkIf cfg.enable (
    if isUsers then
      lib.mkMerge [
        { inherit assertions; }
        users.config
      ]
    else
      {
        inherit assertions;
        systemd.services = lib.listToAttrs (
          map (process: lib.nameValuePair (unitOf process) (unit process)) names
          ++ map (timer: lib.nameValuePair "${name}-${timer}" (timedUnit timer)) (lib.attrNames timers)
        );
        systemd.timers = lib.mapAttrs' (
          timer: about:
          lib.nameValuePair "${name}-${timer}" {
            description = "${description} (${timer})";
            wantedBy = [ "timers.target" ];
            timerConfig = {
              OnCalendar = about.calendar;
              # Runs that were missed while the machine was off are made up for.
              Persistent = true;
            };
          }
        ) timers;
        environment.systemPackages = lib.optional (manage != null) manageCommand;
        users = lib.mkIf (cfg.user != null && cfg.user == name) {
          users.${name} = {
            isSystemUser = true;
            group = if cfg.group == null then name else cfg.group;
          };
          groups.${if cfg.group == null then name else cfg.group} = { };
        };
      }
      // lib.optionalAttrs (address != null) {
        networking.firewall.allowedTCPPorts = lib.mkIf cfg.openFirewall [ cfg.port ];
      }
  );
}
