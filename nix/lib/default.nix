/**
  The functions that the flake exports as `lib`: one file for each.
*/
{ overlay }:
{
  mkOutputs = import ./mkOutputs.nix { inherit overlay; };
  mkServiceModule = import ./mkServiceModule.nix;
}
