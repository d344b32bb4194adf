# What `stdenv.hostPlatform` answers, from a system double.
arg:
let
  system = if builtins.isString arg then arg else arg.system;
  parts = builtins.match "([^-]+)-(.*)" system;
  cpu = builtins.elemAt parts 0;
  kernel = builtins.elemAt parts 1;
in
rec {
  inherit system;
  isLinux = kernel == "linux";
  isDarwin = kernel == "darwin";
  isUnix = isLinux || isDarwin;
  isWindows = false;
  isCygwin = false;
  isMusl = false;
  isGnu = isLinux;
  isStatic = false;
  isx86_64 = cpu == "x86_64";
  isx86_32 = cpu == "i686";
  isx86 = isx86_64 || isx86_32;
  isAarch64 = cpu == "aarch64";
  isAarch32 = false;
  isAarch = isAarch64;
  isRiscV = cpu == "riscv64";
  is64bit = !isx86_32;
  is32bit = isx86_32;
  isLittleEndian = true;
  isBigEndian = false;
  config = if isLinux then "${cpu}-unknown-linux-gnu" else "${cpu}-apple-darwin";
  libc = if isLinux then "glibc" else "libSystem";
  parsed = { cpu.name = cpu; kernel.name = kernel; };
  linuxArch = if isAarch64 then "arm64" else cpu;
  uname = { system = if isLinux then "Linux" else "Darwin"; processor = cpu; };
  extensions = { sharedLibrary = if isDarwin then ".dylib" else ".so"; executable = ""; staticLibrary = ".a"; };
  canExecute = other: other.system == system;
  emulatorAvailable = _: false;
  gcc = { };
  darwinMinVersion = "14.0";
  darwinSdkVersion = "14.4";
}
