{ lib, fetchurl }:

/**
  The file or tree of one package of a uv.lock, from its entry in python-deps.json: fetched with the hash of the
  lock, or taken from the project.

  # Inputs

  `root`
  : The project's folder, as a path.

  `entry`
  : A member of `packages.${system}`, or of `build.files`: `url` and `hash`; or `path`, relative to `root`; or `git`
    and `rev`.

  # Type

  ```
  fetchArtifact :: Path -> { url? :: String; hash? :: String; path? :: String; git? :: String; rev? :: String; … } -> Path
  ```

  # Example

  ```nix
  fetchArtifact ./. {
    url = "https://example.org/idna-3.10-py3-none-any.whl";
    hash = "sha256-lGu7XZDbjmYxHZFGBMg7kNQ4h7jN8uh0p8wGAqNXjTE=";
  }
  => «derivation /nix/store/…-idna-3.10-py3-none-any.whl.drv»
  ```
*/
root: entry:
if entry ? git then
  builtins.fetchGit (
    {
      url = entry.git;
      inherit (entry) rev;
      allRefs = true;
      submodules = true;
    }
    // lib.optionalAttrs (entry.lfs or false) { lfs = true; }
  )
else if entry ? path then
  # A path of its own: nothing else of the project decides what is built from it.
  builtins.path {
    path = root + "/${entry.path}";
    name = lib.strings.sanitizeDerivationName (baseNameOf entry.path);
  }
else
  fetchurl (
    {
      inherit (entry) url hash;
    }
    // lib.optionalAttrs (entry ? store) { name = entry.store; }
  )
