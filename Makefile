# SPDX-License-Identifier: MIT
# Makefile - names for what meson and the scripts do; each target makes its own set-up.
#   make                 build into $(BUILD)
#   make demo            packets through Pollux between two namespaces, about 10 s
#   make check [FAST=1]  every test suite; the last line counts passed, failed, skipped
#   make check-long      the tests that take long, for MINUTES=20 [TEST=kills,wakeups,silence,links], and mutate
#   make fuzz            new inputs for the parsers, MINUTES=10 for each [TARGET=headers]; make fuzz-merge keeps what they found
#   make check-vm        zero-copy and older kernels, in virtual machines
#   make bench           measurements, next to DPDK's of the same run
#   make install [PREFIX=/usr/local] [DESTDIR=]

BUILD   ?= build
PREFIX  ?= /usr/local

# meson speaks only if it fails; what an interrupted one left is begun anew
configure = tests/here $(BUILD); [ -f $(BUILD)/build.ninja ] || { rm -rf $(BUILD)/meson-private; mkdir -p $(BUILD); \
	meson setup $(BUILD) --prefix=$(PREFIX) >$(BUILD)/setup.log 2>&1 || { tail -n 20 $(BUILD)/setup.log; exit 1; }; }

# a prefix that was asked for holds for a tree configured with another, too
ifneq ($(origin PREFIX),file)
set_prefix = meson configure $(BUILD) -Dprefix=$(PREFIX) && ninja --quiet -C $(BUILD)
endif

all: build

build:
	@tests/deps build
	@$(configure)
	@ninja -C $(BUILD)

demo:
	@tests/deps demo
	@$(configure)
	@ninja --quiet -C $(BUILD)
	@tests/demo $(BUILD)

check:
	@tests/deps check
	@tests/run $(if $(FAST),--fast) $(SUITE)

check-long: MINUTES ?= 20
check-long:
	@tests/deps check
	@rc=0; [ "$(TEST)" = mutate ] || tests/run --long=$(MINUTES) $(patsubst %,long:%,$(TEST)) || rc=1; \
		[ -n "$(TEST:mutate=)" ] || tests/mutate || rc=1; exit $$rc

fuzz: MINUTES ?= 10
fuzz:
	@tests/deps check
	@tests/fuzz/run --minutes=$(MINUTES) $(TARGET)

fuzz-merge:
	@tests/fuzz/run --merge $(TARGET)

check-vm:
	@tests/deps vm
	@tests/vm/run

bench:
	@tests/deps bench
	@tests/bench/run $(BENCH)

install: build
	@$(set_prefix)
	@meson install -C $(BUILD) --no-rebuild
	@[ -n "$(DESTDIR)" ] || [ "$$(id -u)" != 0 ] || PATH=$$PATH:/sbin:/usr/sbin ldconfig
	@case $(PREFIX) in /usr|/usr/local) ;; *) echo "to build with it: export PKG_CONFIG_PATH=$(PREFIX)/lib/pkgconfig," \
		"and link with -Wl,-rpath,$(PREFIX)/lib" ;; esac

clean:
	rm -rf build build-asan build-tsan build-clang build-bench build-fuzz build-mutate build-logs

.PHONY: all build demo check check-long fuzz fuzz-merge check-vm bench install clean
