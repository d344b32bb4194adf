/**
  The functions that the flake exports as `lib`, one per file.

  # Type

  ```
  lib :: { mkApplication :: …; mkOutputs :: …; mkServiceModule :: … }
  ```
*/
{ overlay }:
let
  mkApplication = import ./mkApplication.nix { inherit overlay; };
in
{
  inherit mkApplication;
  mkOutputs = import ./mkOutputs.nix { inherit overlay mkApplication; };
  mkServiceModule = import ./mkServiceModule.nix;
}
