/**
  Make what a module of mkServiceModule has where its service belongs to a user.

  `mkServiceModule` calls this function in home-manager (the user's own systemd, or launchd on macOS) and in nix-darwin
  (launchd). A script starts everything: it finds the state when it runs, and takes secrets and environment along, so that
  no unit and no property list has them.

  # Type

  ```
  service-user :: {
    _class :: "homeManager" | "darwin", about :: AttrSet, config :: AttrSet, description :: String, first :: String,
    fillKnown :: String -> String, lib :: AttrSet, name :: String, pkgs :: AttrSet, program :: String -> String,
    settings :: { ${variable} :: String }, unitOf :: String -> String
  } -> { options :: AttrSet, config :: AttrSet }
  ```
*/
{
  # "homeManager" or "darwin".
  _class,
  # The arguments of mkServiceModule.
  about,
  config,
  description,
  # The process that migrations belong to.
  first,
  # Replaces what is known when the configuration is evaluated: `{host}`, `{port}`, `{static}`.
  fillKnown,
  lib,
  name,
  pkgs,
  # From a word to the path of a program.
  program,
  # The environment variables that settings make.
  settings,
  # From a process to the name of its unit.
  unitOf,
}:

let
  cfg = config.services.${name};
  inherit (about) processes;
  timers = about.timers or { };
  manage = about.manage or null;
  secretsAs = about.secretsAs or "file";
  inherit (pkgs.stdenv.hostPlatform) isDarwin;

  # `{state}` and `{runtime}` are variables of the script.
  quoted =
    word:
    lib.replaceStrings [ "{state}" "{runtime}" ] [ "'\"$state\"'" "'\"$state\"/run'" ] (
      lib.escapeShellArg (fillKnown word)
    );
  commandLine =
    words: lib.concatMapStringsSep " " quoted ([ (program (lib.head words)) ] ++ lib.tail words);
  exports =
    variables:
    lib.concatStrings (
      lib.mapAttrsToList (key: text: "export ${lib.escapeShellArg key}=${text}\n") variables
    );
  secret =
    key: file:
    if secretsAs == "file" then
      "export ${lib.escapeShellArg "${key}_FILE"}=${lib.escapeShellArg file}\n"
    else
      "secret=$(<${lib.escapeShellArg file})\nexport ${lib.escapeShellArg key}=\"$secret\"\n";

  branch = word: body: ''
    ${lib.escapeShellArg word})
      shift
      ${body}
      ;;
  '';
  migrations = lib.concatMapStringsSep "\n  " commandLine (about.preStart or [ ]);
  start =
    process: words:
    "exec ${commandLine words}${
      lib.optionalString (
        process == first && cfg.extraArgs != [ ]
      ) " ${lib.escapeShellArgs cfg.extraArgs}"
    } \"$@\"";
  run = pkgs.writeShellScript "${name}-run" ''
    set -eu
    umask 077
    state=${
      if cfg.stateDir == null then
        "\${XDG_STATE_HOME:-$HOME/.local/state}/${name}"
      else
        lib.escapeShellArg cfg.stateDir
    }
    mkdir -p "$state/run"
    cd "$state"
    ${exports (lib.mapAttrs (_: quoted) (about.environment or { }))}
    ${exports (lib.mapAttrs (_: lib.escapeShellArg) settings)}
    ${lib.concatStrings (lib.mapAttrsToList secret cfg.secrets)}
    case "$1 $2" in
    ${lib.concatStrings (
      [ (branch "pre-start now" "shift\n  ${migrations}") ]
      ++ lib.mapAttrsToList (
        process: words: branch "process ${process}" "shift\n  ${start process words}"
      ) processes
      ++ lib.mapAttrsToList (
        timer: one: branch "timer ${timer}" "shift\n  exec ${commandLine one.command}"
      ) timers
      ++ lib.optional (manage != null) (branch "manage now" "shift\n  exec ${commandLine manage} \"$@\"")
    )}
    esac
  '';
  manageCommand = pkgs.writeShellScriptBin "${name}-manage" ''
    exec ${run} manage now "$@"
  '';

  # What needs no rights of root. https://www.freedesktop.org/software/systemd/man/latest/systemd.exec.html
  confinement = {
    LockPersonality = true;
    MemoryDenyWriteExecute = !(about.writableMemory or false);
    NoNewPrivileges = true;
    RestrictAddressFamilies =
      "AF_UNIX" + lib.optionalString (about.network or true) " AF_INET AF_INET6";
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

  systemdUnits = {
    services =
      lib.mapAttrs' (
        process: _:
        lib.nameValuePair (unitOf process) {
          Unit = {
            Description = if process == first then description else "${description} (${process})";
            # Migrations have run before the other processes of the project start.
            After = lib.optional (process != first) "${name}.service";
          };
          Service =
            confinement
            // {
              Type = "exec";
              ExecStart = "${run} process ${process}";
              Restart = "on-failure";
              RestartSec = 2;
            }
            // lib.optionalAttrs (process == first && migrations != "") {
              ExecStartPre = "${run} pre-start now";
            };
          Install.WantedBy = [ "default.target" ];
        }
      ) processes
      // lib.mapAttrs' (
        timer: _:
        lib.nameValuePair "${name}-${timer}" {
          Unit = {
            Description = "${description} (${timer})";
            After = [ "${name}.service" ];
          };
          Service = confinement // {
            Type = "oneshot";
            ExecStart = "${run} timer ${timer}";
          };
        }
      ) timers;
    timers = lib.mapAttrs' (
      timer: one:
      lib.nameValuePair "${name}-${timer}" {
        Unit.Description = "${description} (${timer})";
        Timer = {
          OnCalendar = one.calendar;
          Persistent = true;
        };
        Install.WantedBy = [ "timers.target" ];
      }
    ) timers;
  };

  # launchd.plist(5) has no calendar expressions: those that both have are translated.
  calendars = {
    hourly = [ { Minute = 0; } ];
    daily = [
      {
        Hour = 0;
        Minute = 0;
      }
    ];
    weekly = [
      {
        Weekday = 1;
        Hour = 0;
        Minute = 0;
      }
    ];
    monthly = [
      {
        Day = 1;
        Hour = 0;
        Minute = 0;
      }
    ];
  };
  jobs =
    lib.mapAttrs' (
      process: _:
      lib.nameValuePair (unitOf process) {
        # launchd knows no order: whoever needs the migrations waits, or fails and is started again.
        words =
          lib.optionals (process == first && migrations != "") [
            "/bin/sh"
            "-c"
            "${run} pre-start now && exec ${run} process ${process}"
          ]
          ++ lib.optionals (process != first || migrations == "") [
            "${run}"
            "process"
            process
          ];
        keys = {
          KeepAlive.SuccessfulExit = false;
          RunAtLoad = true;
        };
      }
    ) processes
    // lib.mapAttrs' (
      timer: one:
      lib.nameValuePair "${name}-${timer}" {
        words = [
          "${run}"
          "timer"
          timer
        ];
        keys = lib.optionalAttrs (calendars ? ${one.calendar}) {
          StartCalendarInterval = calendars.${one.calendar};
        };
      }
    ) timers;

  # The key of home-manager's agents is called otherwise than that of nix-darwin's.
  agents = if _class == "darwin" then config.launchd.user.agents else config.launchd.agents;
  keysOf = agent: if _class == "darwin" then agent.serviceConfig else agent.config;
  where = if _class == "darwin" then "launchd.user.agents" else "launchd.agents";
  part = if _class == "darwin" then "serviceConfig" else "config";
  timed = lib.mapAttrsToList (timer: one: {
    assertion = (keysOf agents."${name}-${timer}").StartCalendarInterval or null != null;
    message = "launchd has no calendar expressions such as \"${one.calendar}\". Set ${where}.${name}-${timer}.${part}.StartCalendarInterval.";
  }) timers;
in
{
  options = {
    stateDir = lib.mkOption {
      type = lib.types.nullOr (lib.types.strMatching "/.+");
      default = null;
      description = "The directory for the state; null for ${name} in XDG_STATE_HOME.";
    };
  };

  config =
    if _class == "darwin" then
      {
        assertions = timed;
        launchd.user.agents = lib.mapAttrs (_: job: {
          command = lib.escapeShellArgs job.words;
          serviceConfig = job.keys;
        }) jobs;
        environment.systemPackages = lib.optional (manage != null) manageCommand;
      }
    else
      {
        home.packages = lib.optional (manage != null) manageCommand;
      }
      // (
        if isDarwin then
          {
            assertions = timed;
            launchd.agents = lib.mapAttrs (_: job: {
              enable = true;
              config = job.keys // {
                ProgramArguments = job.words;
              };
            }) jobs;
          }
        else
          { systemd.user = systemdUnits; }
      );
}
