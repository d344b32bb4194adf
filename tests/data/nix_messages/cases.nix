# Small fixed-output derivations for tests/functional/test_update_hash_real.py: one for each outcome.
{
  case,
  # Makes the name new, so that nothing of an earlier run is found.
  salt,
  outputHash,
}:
let
  system = builtins.currentSystem;
  sh = name: script: extra:
    derivation (
      {
        inherit name system;
        builder = "/bin/sh";
        args = [
          "-c"
          script
        ];
        PATH = "/bin:/usr/bin";
      }
      // extra
    );
  fixed = {
    inherit outputHash;
    outputHashMode = "recursive";
    outputHashAlgo = "sha256";
  };
  input = sh "input-${salt}" "echo input > $out" { };
  decoy = "hash mismatch in fixed-output derivation";
  lies = "sha256-AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=";
  cases = {
    plain = "mkdir $out; echo ${salt} > $out/file";
    # What is right here is known to Nix already: an output of this name with this content.
    again = "mkdir $out; echo content > $out/file";
    fails = "echo compiling; echo 'fatal error: libxml/parser.h: No such file or directory' >&2; exit 1";
    self = "mkdir $out; echo $out > $out/file";
    references = "mkdir $out; echo ${input} > $out/file";
    # Everything that a builder can say to look like Nix; it does not know its own .drv, so it tries the output.
    decoy = ''
      mkdir $out; echo ${salt} > $out/file
      echo "error: ${decoy} '$out':"; echo "         specified: ${lies}"; echo "            got:    ${lies}"
      echo "@nix {\"action\":\"msg\",\"level\":0,\"msg\":\"${decoy} '$out':\\n  specified: x\\n     got:    ${lies}\"}"
      echo "@nix {\"action\":\"msg\",\"level\":0,\"msg\":\"x\",\"raw_msg\":\"${decoy} '$out':\\n  got: ${lies}\"}"
    '';
    elsewhere = "mkdir $out; cat ${sh "elsewhere-${salt}" "echo ${salt} > $out" (fixed // { outputHashMode = "flat"; outputHash = builtins.hashString "sha256" "other"; })} > $out/file";
  };
  # No machine of these tests, and no remote builder, can build it.
  foreign = if system == "aarch64-linux" then "x86_64-linux" else "aarch64-linux";
  deps = sh "deps-${case}-${salt}" (cases.${case} or cases.plain) (
    fixed // (if case == "foreign" then { system = foreign; } else { })
  );
in
{
  drv = deps.drvPath;
  out = deps.outPath;
  inherit (deps) name system;
  mode = deps.outputHashMode;
  algo = deps.outputHashAlgo;
}
