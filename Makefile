# Baton's one front door. `make` alone says what there is.

BOARD ?= virt

TARGET_DIR := build/target/thumbv7a-none-eabi/release
MKZIMAGE := target/debug/mkzimage
MKCARD := target/debug/mkcard
PAYLOADS := relay report squatter
# `make soak`: hops, chains and numbers of processors; tools/soak has the defaults.
N :=
CHAIN :=
CPUS :=
# How long `make fuzz` runs each target, and which: all by default.
SECONDS := 60
FUZZ :=

# PROGRAM:PACKAGE, what Debian calls it. tools/setup/packages installs what is missing.
BUILD_PROGRAMS := cc:gcc,libc6-dev cpio:cpio update-ca-certificates:ca-certificates
RUN_PROGRAMS := qemu-system-arm:qemu-system-arm
TEST_PROGRAMS := dtc:device-tree-compiler fsck.vfat:dosfstools mcopy:mtools mkimage:u-boot-tools \
	fw_printenv:libubootenv-tool expect:expect picocom:picocom tio:tio mke2fs:e2fsprogs sfdisk:fdisk

BOARDS := $(patsubst tools/mkcard/boards/%.card,%,$(wildcard tools/mkcard/boards/*.card))
RECIPE := tools/mkcard/boards/$(BOARD).card
ifeq ($(wildcard $(RECIPE)),)
$(error no board $(BOARD); there is: $(BOARDS))
endif
# What the board's recipe puts on the card, and the script beside it.
CARD_FILES := $(addprefix build/,$(shell awk '$$1 == "file" { print $$2 } $$1 == "raw" { print $$3 }' $(RECIPE) 2>/dev/null))
CARD_SCRIPT := $(addprefix tools/mkcard/boards/,\
	$(shell awk '$$1 == "boot-script" || $$1 == "text" { print $$2 }' $(RECIPE) 2>/dev/null))
CARD := build/$(BOARD)/sd.img

QEMU_virt := -M virt,virtualization=on -cpu cortex-a15 -smp 2 -m 1G \
	-bios build/firmware/u-boot.bin \
	-drive if=none,format=raw,id=sd,file=$(CARD) -device virtio-blk-device,drive=sd
QEMU_orangepi-pc := -M orangepi-pc -m 1G -drive if=sd,format=raw,file=$(CARD)
QEMU_vexpress-a15 := -M vexpress-a15,virtualization=on,secure=off -smp 2 -m 1G \
	-kernel build/baton.zimg -dtb build/kernel/dtbs/vexpress-v2p-ca15-tc1.dtb \
	-append console=ttyAMA0 -audiodev none,id=silence -drive if=sd,format=raw,file=$(CARD)
# raspi2b's first stage is the firmware's stub; ours stands for it (docs/boards.md).
QEMU_raspi2b := -M raspi2b -m 1G \
	-kernel build/baton.zimg -dtb build/kernel/dtbs/bcm2836-rpi-2-b.dtb \
	-append console=ttyAMA0,115200 -device loader,file=build/payloads/armstub.elf,cpu-num=0 \
	$(foreach cpu,1 2 3,-device loader,addr=0x800,cpu-num=$(cpu)) \
	-drive if=sd,format=raw,file=$(CARD)
QEMU_imx7d-sdb := -M mcimx7d-sabre -smp 2 -m 1G \
	-kernel build/baton.zimg -dtb build/kernel/dtbs/imx7d-sdb.dtb \
	-append console=ttymxc0,115200 -drive if=sd,format=raw,file=$(CARD)
QEMU := qemu-system-arm $(QEMU_$(BOARD)) -nographic -nic none
FIRST_STAGE_raspi2b := build/payloads/armstub.elf

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: FORCE help run test check fuzz soak loader size payloads image doc clean distclean \
	toolchain build-programs run-programs test-programs

help: ## say what there is
	@echo "Baton: a second-stage loader for 32-bit Arm in HYP mode. From nothing to there:"
	@sed -n 's/^\([a-z]*\):.* ## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | \
		$(if $(wildcard tools/bench),,grep -v '^  make bench' |) expand -t 18
	@echo "BOARD is one of: $(BOARDS). All files go to build/ and target/."

run: image run-programs $(FIRST_STAGE_$(BOARD)) ## start QEMU: U-Boot, Baton, Debian's kernel, a shell; BOARD=... for another board
	@echo "==> starting QEMU; to leave it at any time: Ctrl-A, then X" >&2
	@echo "==> a key in Baton's countdown, which comes after U-Boot's if there is one, gives its prompt" >&2
	@$(QEMU)

test: everything test-programs run-programs labgrid ## run every test, host and emulated
	@tools/test

check: toolchain test-programs ## what a commit must pass: format, lints, docs, layers, unit tests
	@tools/check

fuzz: ## fuzz the parsers, nightly only: make fuzz SECONDS=60 FUZZ="elf disk"
	@tools/fuzz $(SECONDS) $(FUZZ)

soak: everything run-programs test-programs ## handoffs in a row: make soak N=1000 CHAIN=relay CPUS="1 8"
	@tools/soak "N=$(N)" "CHAIN=$(CHAIN)" "CPUS=$(CPUS)"

loader: build/baton.zimg ## build/baton.zimg

size: build/baton.zimg ## what the bytes of build/baton.zimg go to
	@tools/host-cargo run -q -p mkzimage --bin imagesize -- $(TARGET_DIR)/baton

payloads: $(PAYLOADS:%=build/payloads/%.zimg) build/payloads/armstub.elf ## build/payloads/*.zimg

image: $(CARD) ## build/BOARD/sd.img: make image BOARD=virt

doc: toolchain ## the crates' documentation: target/doc
	@tools/host-cargo doc --no-deps

# `make bench` exists as soon as tools/bench does.
ifneq ($(wildcard tools/bench),)
.PHONY: bench
bench: everything run-programs test-programs ## the figures; BOARD=orangepi-pc: those of its card
	@tools/bench $(BOARD)
endif

clean: ## remove what was built; downloads stay
	rm -rf target $(filter-out build/cache build/cargo-tools,$(wildcard build/*)) build/cache/busybox

distclean: ## remove what was built and downloaded
	rm -rf target build

# Everything that tests and figures work on.
.PHONY: everything labgrid
everything: loader payloads images build/kernel/zImage build/firmware/u-boot-go.bin \
	build/cachecheck.so build/qemu10/qemu-system-arm build/baton-broken.zimg

# A card for every board.
.PHONY: images
images:
	@for board in $(BOARDS); do $(MAKE) --no-print-directory image BOARD=$$board || exit; done

build-programs:
	@tools/setup/packages $(BUILD_PROGRAMS)

run-programs:
	@tools/setup/packages $(RUN_PROGRAMS)

test-programs:
	@tools/setup/packages $(TEST_PROGRAMS)

# The Python environment in which labgrid and pexpect are tested.
labgrid:
	@tools/setup/labgrid

toolchain: build-programs
	@tools/setup/toolchain

# A rule that is forced runs every time, but what depends on its file is only made again when the
# file did change: cargo and the scripts know themselves what is up to date.
FORCE:

$(MKZIMAGE): FORCE | toolchain
	@tools/host-cargo build -q -p mkzimage

$(MKCARD): FORCE | toolchain
	@tools/host-cargo build -q -p mkcard

# Images are made every time and kept if they changed: the time of a program that cargo takes from
# its cache (another toolchain, an older commit) says nothing.
define make-image
@echo "==> building $(1) for the target" >&2
@tools/target-cargo build --release -p $(1)
@mkdir -p $(@D)
@$(MKZIMAGE) $(TARGET_DIR)/$(1) $@.new
@if cmp -s $@.new $@; then rm $@.new; else mv $@.new $@; fi
endef

build/baton.zimg: FORCE $(MKZIMAGE) | toolchain
	$(call make-image,baton)

# Handoffs that are wrong on purpose (docs/cachecheck.md): the same crates with a feature, never on
# a card. Afterwards the ELF file in cargo's folder is the right one's again.
build/baton-broken.zimg: FORCE $(MKZIMAGE) build/baton.zimg | toolchain
	@echo "==> building baton with broken handoffs, for the cache checker's controls" >&2
	@tools/target-cargo build -q --release -p baton --features broken-handoff
	@cp $(TARGET_DIR)/baton build/baton-broken.elf
	@tools/target-cargo build -q --release -p baton
	@$(MKZIMAGE) build/baton-broken.elf $@

build/payloads/%.zimg: FORCE $(MKZIMAGE) | toolchain
	$(call make-image,$*)

# QEMU loads it as an ELF file, at the address it is linked at.
build/payloads/armstub.elf: FORCE | toolchain
	@tools/target-cargo build -q --release -p armstub
	@mkdir -p $(@D)
	@cmp -s $(TARGET_DIR)/armstub $@ || cp $(TARGET_DIR)/armstub $@

build/kernel/zImage build/firmware/u-boot.bin build/firmware/u-boot-go.bin build/cache/busybox \
build/firmware/u-boot-sunxi-orangepi_plus.bin build/kernel/dtbs/sun8i-h3-orangepi-pc.dtb build/kernel/dtbs/vexpress-v2p-ca15-tc1.dtb \
build/kernel/dtbs/bcm2836-rpi-2-b.dtb build/kernel/dtbs/imx7d-sdb.dtb \
build/cache/lab/modules/order &: FORCE
	@tools/setup/debian

# The cache checker (docs/cachecheck.md): a workspace of its own, and the QEMU that it plugs into.
build/cachecheck.so: FORCE | toolchain
	@tools/host-cargo build -q --release --manifest-path tools/cachecheck/Cargo.toml \
		--target-dir target/cachecheck
	@cmp -s target/cachecheck/release/libcachecheck.so $@ || \
		{ cp target/cachecheck/release/libcachecheck.so $@.new && mv $@.new $@; }

build/qemu10/qemu-system-arm: | run-programs
	@tools/setup/qemu10

build/initrd.img: build/cache/busybox tools/initrd/init tools/setup/initrd | build-programs
	@tools/setup/initrd

build/lab.img: build/cache/busybox build/cache/lab/modules/order tools/initrd/init tools/initrd/soak \
tools/linux/baton-kexec tools/setup/lab | build-programs
	@tools/setup/lab

$(CARD): $(CARD_FILES) $(CARD_SCRIPT) $(RECIPE) $(MKCARD) build/firmware/u-boot.bin
	@mkdir -p $(@D)
	@$(MKCARD) --recipe $(RECIPE) --from build --output $@
