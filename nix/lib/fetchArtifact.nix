{ lib, fetchurl }:

/**
  The file or tree of a package of a uv.lock, from its entry in python-deps.json: fetched with the hash of the lock, or
  taken from the project.

  # Inputs

  `root`
  : The project's folder, as a path.

  `logins`
  : Hosts that may require credentials, as in `logins` of python-deps.json: host → the prefix of the variables with
    the credentials (`UV_INDEX_LOCAL` for `UV_INDEX_LOCAL_USERNAME` and `_PASSWORD`), or `""`. The variables are the
    builder's, and `NETRC` names a netrc file: the derivation contains no credentials.

  `entry`
  : A member of `packages.${system}`, or of `build.files`: `url` and `hash`; or `path`, relative to `root`; or `git`
    and `rev`.

  # Type

  ```
  fetchArtifact :: { root :: Path; logins? :: AttrSet; } ->
    { url? :: String; hash? :: String; path? :: String; git? :: String; rev? :: String; … } -> Path
  ```

  # Examples

  :::{.example}
  ## `fetchArtifact` usage example

  ```nix
  fetchArtifact { root = ./.; } {
    url = "https://example.org/idna-3.10-py3-none-any.whl";
    hash = "sha256-lGu7XZDbjmYxHZFGBMg7kNQ4h7jN8uh0p8wGAqNXjTE=";
  }
  => «derivation /nix/store/…-idna-3.10-py3-none-any.whl.drv»
  ```
  :::
*/
{
  root,
  logins ? { },
}:

let
  # The host of a URL, with its port.
  hostOf = url: lib.toLower (lib.head (builtins.match "[a-z]+://([^/?#]*).*" url));

  withLogin =
    url: variables:
    let
      host = hostOf url;
      # netrc files have no ports.
      machine = lib.head (builtins.match "(\\[[^]]*]|[^:]*).*" host);
    in
    if variables != "" && builtins.match "UV_INDEX_[A-Z0-9_]+" variables == null then
      throw "python-deps.json: logins.\"${host}\": ${variables} is not the prefix of an index's variables"
    else
      {
        netrcImpureEnvVars = [
          "NETRC"
        ]
        ++ lib.optionals (variables != "") [
          "${variables}_USERNAME"
          "${variables}_PASSWORD"
        ];
        # curl uses the first that matches.
        netrcPhase = ''
          (umask 077 && : > netrc)
          quoted() {
            local text="''${1//\\/\\\\}"
            printf '"%s"' "''${text//\"/\\\"}"
          }
          user=${lib.optionalString (variables != "") "\${${variables}_USERNAME-}"}
          password=${lib.optionalString (variables != "") "\${${variables}_PASSWORD-}"}
          if [[ -n "$user$password" ]]; then
            printf 'machine %s login %s password %s\n' \
              ${lib.escapeShellArg machine} "$(quoted "$user")" "$(quoted "$password")" >> netrc
          fi
          if [[ -r "''${NETRC-}" ]]; then cat "$NETRC" >> netrc; fi
          unset user password
        '';
      };
in
entry:
if entry ? git then
  builtins.fetchGit (
    {
      url = entry.git;
      inherit (entry) rev;
      allRefs = true;
      # As in uv: always.
      submodules = true;
    }
    // lib.optionalAttrs (entry.lfs or false) (
      if lib.versionAtLeast builtins.nixVersion "2.27" then
        { lfs = true; }
      else
        throw "${entry.git}: its files in Git LFS require Nix 2.27 or newer; this is ${builtins.nixVersion}"
    )
  )
else if entry ? path then
  # A store path of its own, so that nothing else in the project affects what is built from it.
  builtins.path (
    {
      path = root + "/${entry.path}";
      name = lib.strings.sanitizeDerivationName (baseNameOf entry.path);
    }
    // lib.optionalAttrs (lib.hasPrefix "sha256-" (entry.hash or "")) {
      recursive = false;
      sha256 = entry.hash;
    }
  )
else
  fetchurl (
    {
      inherit (entry) url hash;
    }
    // lib.optionalAttrs (entry ? store) { name = entry.store; }
    // lib.optionalAttrs (logins ? ${hostOf entry.url}) (withLogin entry.url logins.${hostOf entry.url})
  )
