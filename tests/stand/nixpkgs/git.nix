# git, which must be told where it lives now.
{ runCommand, node, bash }:
runCommand "git-${node.version}" { meta.mainProgram = "git"; passthru = { inherit (node) version; pname = "git"; }; } ''
  mkdir -p $out/bin
  for program in git git-upload-pack git-receive-pack git-upload-archive; do
    cat > $out/bin/$program <<WRAPPER
  #!${bash}/bin/bash
  export GIT_EXEC_PATH=\''${GIT_EXEC_PATH:-${node.out}/lib/git-core} GIT_TEMPLATE_DIR=\''${GIT_TEMPLATE_DIR-${node.out}/share/git-core/templates}
  exec ${node.out}/bin/$program "\$@"
  WRAPPER
    chmod +x $out/bin/$program
  done
''
