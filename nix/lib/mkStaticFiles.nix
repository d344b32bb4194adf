/**
  Make a function that collects the static files of a web application at build time, with a command such as Django's
  `collectstatic`. The command runs with the service's variables, in which `{static}` is the folder for the files.

  # Type

  ```
  mkStaticFiles :: { command :: [String], environment ? :: { ${variable} :: String } } -> {
    pkgs :: AttrSet, package :: Derivation
  } -> Derivation
  ```

  # Example

  ```nix
  mkStaticFiles {
    command = [ "polls" "collectstatic" "--noinput" ];
    environment.POLLS_STATIC = "{static}";
  } { inherit pkgs; package = pkgs.polls; }
  => a derivation of the files
  ```
*/
{
  # A program of the package (or of its environment) and its arguments.
  command,
  environment ? { },
}:
{ pkgs, package }:

let
  inherit (pkgs) lib;
  # A shell word in which two placeholders stand for folders of the build.
  word =
    text:
    let
      state = lib.concatStringsSep ''"$PWD"/state'' (
        map lib.escapeShellArg (lib.splitString "{state}" text)
      );
    in
    lib.replaceStrings [ "{static}" "{runtime}" ] [ (placeholder "out") "/run" ] state;
in
pkgs.runCommand "${package.pname or "package"}-static" { } ''
  mkdir "$out" state
  ${lib.concatStringsSep "\n" (
    lib.mapAttrsToList (variable: text: "export ${variable}=${word text}") environment
  )}
  PATH=${package.venv or package}/bin:$PATH
  ${lib.concatMapStringsSep " " word command}
''
