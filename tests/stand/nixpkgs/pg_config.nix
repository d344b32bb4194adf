# `libpq.pg_config`: the one program, with answers about libpq's store paths.
{ runCommand, libpq, lib, bash }:
runCommand "pg_config-${libpq.version}" { passthru = { pname = "pg_config"; inherit (libpq) version; }; meta.mainProgram = "pg_config"; } ''
  mkdir -p $out/bin
  cat > $out/bin/pg_config <<'PROGRAM'
  #!${bash}/bin/bash
  answer() {
    case $1 in
      --bindir) echo @out@/bin ;;
      --includedir | --pkgincludedir) echo ${lib.getDev libpq}/include/postgresql ;;
      --includedir-server) echo ${lib.getDev libpq}/include/postgresql/server ;;
      --libdir | --pkglibdir) echo ${lib.getLib libpq}/lib ;;
      --sharedir) echo ${lib.getLib libpq}/share ;;
      --sysconfdir) echo /etc/postgresql-common ;;
      --cflags | --cppflags | --ldflags | --libs | --configure | --cc | --ldflags_ex | --ldflags_sl | --cflags_sl) echo ;;
      --version) echo "PostgreSQL ${libpq.version}" ;;
      *) echo "pg_config: invalid argument: $1" >&2; exit 1 ;;
    esac
  }
  for argument in "$@"; do answer "$argument"; done
  PROGRAM
  sed -i "s,@out@,$out,g" $out/bin/pg_config
  chmod +x $out/bin/pg_config
''
