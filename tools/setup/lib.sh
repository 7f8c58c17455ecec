# Shared by the set-up scripts: where things are, how they talk, who is root. To be sourced.
# shellcheck shell=sh

root=$(CDPATH='' cd -- "$(dirname -- "$0")/../.." && pwd)
build=$root/build
target=thumbv7a-none-eabi

# Tools of administrators (fsck.vfat) are not on every user's path.
PATH=$PATH:/usr/sbin:/sbin
export PATH

say() {
    printf '==> %s\n' "$*" >&2
}

die() {
    printf 'error: %s\n' "$*" >&2
    exit 1
}

have() {
    command -v "$1" >/dev/null 2>&1
}

# Runs a command as root, if we can without asking anyone.
as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    else
        sudo -n "$@"
    fi
}

can_be_root() {
    [ "$(id -u)" -eq 0 ] || { have sudo && sudo -n true 2>/dev/null; }
}

# Installs packages on the host, or says in one line how the user can. Removes nothing.
install_packages() {
    have apt-get || die "please install what Debian calls: $*"
    command="apt-get install --no-install-recommends $*"
    can_be_root || die "missing packages; please run: sudo $command"
    say "installing on this machine: $*"
    # A source that is broken or not ours must not stop us: what matters is what apt then finds.
    as_root apt-get -q update >&2 || say "some package lists could not be fetched; going on"
    # shellcheck disable=SC2086  # one word a package
    as_root env DEBIAN_FRONTEND=noninteractive apt-get -qy --no-remove \
        install --no-install-recommends "$@" >&2 </dev/null ||
        die "could not install; please run: sudo $command"
}

# Packs the folder $1 into the initramfs $2 and removes the folder. The same files give the same
# bytes.
pack_initrd() {
    find "$1" -type d -exec chmod 755 {} +
    chmod 755 "$1/init" "$1/bin/busybox"
    find "$1" -exec touch -h -d @0 {} +
    (cd "$1" && find . | LC_ALL=C sort | cpio -o -H newc --reproducible -R 0:0 --quiet) |
        gzip -9n >"$2.new"
    mv "$2.new" "$2"
    rm -rf "$1"
}
