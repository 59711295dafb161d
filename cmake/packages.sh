#!/bin/sh
# SPDX-License-Identifier: MIT
# Installs the Debian packages given as arguments that are missing; where
# there is no apt, looks for the programs they bring and says what to install.
set -eu

# What a package is needed for: a command, or a library known to pkg-config.
provided() {
  case $1 in
  ninja-build) command -v ninja ;;
  lua5.4) command -v lua5.4 || command -v lua54 || lua -v 2>&1 | grep '5\.4' ;;
  lua-busted) command -v busted ;;
  lua-check) command -v luacheck ;;
  libuv1-dev) pkg-config --exists libuv ;;
  liblua5.4-dev)
    pkg-config --exists lua5.4 || pkg-config --exists lua-5.4 ||
      pkg-config --exists lua54 || pkg-config --exists 'lua >= 5.4'
    ;;
  libc6-dev) true ;;
  libclang-rt-dev) ls /usr/lib*/llvm-*/lib/clang/*/lib/linux/libclang_rt.fuzzer-*.a ;;
  *) command -v "$1" ;;
  esac >/dev/null 2>&1
}

missing=
if command -v dpkg-query >/dev/null 2>&1 &&
  command -v apt-get >/dev/null 2>&1; then
  for package in "$@"; do
    status=$(dpkg-query -W -f='${Status}' "$package" 2>/dev/null || true)
    case $status in
    *" installed") ;;
    *) provided "$package" && [ "$package" != libc6-dev ] ||
      missing="$missing $package" ;;
    esac
  done
  [ -n "$missing" ] || exit 0
  echo "== installing:$missing"
  sudo=
  if [ "$(id -u)" -ne 0 ]; then
    sudo=sudo
    if ! command -v sudo >/dev/null 2>&1; then
      echo "run as root: apt-get install$missing" >&2
      exit 1
    fi
  fi
  # DEBIAN_FRONTEND must reach apt-get through sudo. A mirror that fails is asked
  # again, and a system that is just updating itself is waited for.
  apt() {
    $sudo env DEBIAN_FRONTEND=noninteractive apt-get -qq -y \
      -o Acquire::Retries=5 -o DPkg::Lock::Timeout=300 "$@"
  }
  # One update before the first install. With the lists that are there already an
  # installation may succeed all the same.
  apt update || true
  # older releases have it with clang itself
  case $missing in
  *" libclang-rt-dev"*)
    apt-cache show libclang-rt-dev >/dev/null 2>&1 ||
      missing=$(echo "$missing" | sed 's/ libclang-rt-dev//')
    ;;
  esac
  # shellcheck disable=SC2086
  apt --no-install-recommends install $missing >/dev/null ||
    apt --no-install-recommends install $missing >/dev/null
  exit 0
fi

for package in "$@"; do
  case $package in
  # what some specs are tried with; those say that they are skipped
  lua-luv | lua-socket | lua-redis | redis-server | libclang-rt-dev) continue ;;
  esac
  provided "$package" || missing="$missing $package"
done
[ -n "$missing" ] || exit 0
cat >&2 <<EOF
Missing (by their names on Debian):$missing
Install them with the package manager of this system, for example
  Fedora:  dnf install gcc cmake ninja-build pkgconf lua-devel libuv-devel \\
             luarocks clang clang-tools-extra valgrind
  Arch:    pacman -S gcc cmake ninja pkgconf lua54 libuv luarocks clang valgrind
  macOS:   brew install cmake ninja pkg-config lua@5.4 luarocks libuv
and the Lua programs with
  luarocks --lua-version 5.4 install busted
  luarocks --lua-version 5.4 install luacheck
EOF
exit 1
