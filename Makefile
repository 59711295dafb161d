# SPDX-License-Identifier: MIT
# A thin front over CMake (presets in CMakePresets.json, builds in build/).
#
#   make demo      the main example on files of this machine
#   make test      all checks (spec/run); TEST_STEPS="debug asan" selects some
#
# Both install what is missing where there is apt, and elsewhere say what to
# install. The other targets expect it there.

.POSIX:
.SUFFIXES:

LUA = lua5.4
TEST_STEPS =

# What building needs, and what the checks need besides.
BUILD_PACKAGES = gcc libc6-dev cmake ninja-build pkg-config lua5.4 \
	liblua5.4-dev libuv1-dev
TEST_PACKAGES = git g++ clang clang-format lua-busted lua-check luarocks valgrind \
	lua-luv lua-socket lua-redis redis-server libclang-rt-dev

.PHONY: help build demo test bench soak coverage format lint rockspec \
	install uninstall clean build-packages test-packages

help:
	@echo "make demo      build, then the main example on files of this machine"
	@echo "make test      all checks; TEST_STEPS=\"debug asan\" selects some"
	@echo "make build     the release build, in build/release"
	@echo "make bench     the benchmarks (about ten minutes)"
	@echo "make soak      the long forms of the checks; SOAK_STEPS=\"fuzz cycles\" selects"
	@echo "make coverage  what of csrc/ and lua/ the checks reach"
	@echo "make format    formats the C files"
	@echo "make lint      format and luacheck"
	@echo "make rockspec  writes the rockspec's lists of files anew"
	@echo "make install   as root, or with PREFIX=..., DESTDIR=..."
	@echo "make clean     removes build/"

build-packages:
	@sh cmake/packages.sh $(BUILD_PACKAGES)

test-packages:
	@sh cmake/packages.sh $(BUILD_PACKAGES) $(TEST_PACKAGES)

build:
	@cmake --preset release
	@cmake --build --preset release

# A directory with thousands of files that every machine has; DEMO_DIR=...
# names another.
DEMO_DIR =

demo: build-packages build
	@dir="$(DEMO_DIR)"; \
	for d in /usr/share/doc /usr/include /usr/share /usr/lib; do \
	  if [ -z "$$dir" ] && [ -d "$$d" ] && \
	    [ "`find $$d -type f 2>/dev/null | head -n 2000 | wc -l`" -ge 2000 ]; \
	  then dir=$$d; fi; \
	done; \
	echo "== build/release/ebb --plain examples/pipeline.lua $${dir:-/usr}"; \
	build/release/ebb --plain examples/pipeline.lua "$${dir:-/usr}"

test: test-packages
	@EBB_TEST_STEPS="$(TEST_STEPS)" spec/run

bench: build
	@$(LUA) bench/run.lua

# The long forms of the checks: about a day. SOAK_STEPS selects some,
# SOAK_MINUTES is for the specs under the sanitizers.
SOAK_MINUTES = 60
SOAK_STEPS = soak

soak: test-packages
	@EBB_LONG=1 SOAK_MINUTES="$(SOAK_MINUTES)" spec/run $(SOAK_STEPS)

coverage: test-packages
	@spec/coverage/run

format:
	@find csrc spec/c bench examples -name '*.[ch]' | xargs clang-format -i

lint:
	@spec/run lint

rockspec:
	@$(LUA) rockspec/update.lua

PREFIX = /usr/local
DESTDIR =

install: build
	@cmake -S . -B build/release -DCMAKE_INSTALL_PREFIX="$(PREFIX)" >/dev/null
	@cmake --build build/release
	@DESTDIR="$(DESTDIR)" cmake --install build/release

uninstall:
	@xargs -r rm -v < build/release/install_manifest.txt

clean:
	rm -rf build
