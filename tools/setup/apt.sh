# A private apt: lists, cache and architecture are its own; the host's configuration and packages
# are only read. To be sourced, after lib.sh, with `arch` and `state` (a folder) set.
# shellcheck shell=sh

keyring=$(ls /usr/share/keyrings/debian-archive-keyring.* 2>/dev/null | head -n 1)

# Prints "URI SUITE" for the host's Debian sources. `apt-get update --print-uris` reads sources
# in any format, without the network; other vendors' suites have other names or no Release here.
debian_sources() {
    . /etc/os-release
    apt-get update --print-uris 2>/dev/null |
        sed -n "s,^'\(.*\)/dists/\(.*\)/InRelease' .*,\1 \2,p" |
        awk -v name="${VERSION_CODENAME:-stable}" '
            { suite = $2; sub(/[-\/](updates|security|backports)$/, "", suite) }
            suite == name || suite ~ /^(old)?stable$/'
}

write_sources() {
    [ -n "$keyring" ] || die "no Debian keyring; please run: apt-get install debian-archive-keyring"
    debian_sources | while read -r uri suite; do
        case $suite in
            *-backports) ;;
            *) echo "deb [signed-by=$keyring] $uri $suite main" ;;
        esac
    done >"$state/sources.list"
    [ -s "$state/sources.list" ] || die "this machine's apt has no Debian source to fetch from"
}

private() {
    program=$1
    shift
    "$program" \
        -o APT::Architecture="$arch" -o APT::Architectures="$arch" \
        -o Dir::State="$state" -o Dir::State::lists="$state/lists" \
        -o Dir::State::status="$state/status" -o Dir::Cache="$state" \
        -o Dir::Etc::sourcelist="$state/sources.list" -o Dir::Etc::sourceparts="$state/empty" \
        -o Dir::Etc::preferences="$state/empty/none" -o Dir::Etc::preferencesparts="$state/empty" \
        -o APT::Sandbox::User=root -o Acquire::Languages=none \
        -o Acquire::IndexTargets::deb::DEP-11::DefaultEnabled=false \
        "$@"
}

prepare() {
    have apt-get || die "fetching Debian's packages needs apt-get, which this machine does not have"
    mkdir -p "$state/lists/partial" "$state/archives/partial" "$state/empty"
    : >"$state/status"
    write_sources
}

update_once() {
    [ -z "${updated-}" ] || return 0
    prepare
    say "fetching Debian's package lists for $arch"
    # apt refuses a list that does not match the signed index (a mirror in the middle of an
    # update, say). The other suites may have all that is needed.
    private apt-get update >&2 || say "apt refused or could not fetch some lists; going on without"
    updated=1
}

# Makes sure that the folder $3 holds the package $2 of the suite $1, which the host may not have:
# with lists of its own beside the others, from the same mirror, under the same signatures.
fetch_from() {
    [ -z "$(ls "$3"/"$2"_*.deb 2>/dev/null)" ] || return 0
    prepare
    mkdir -p "$3/lists/partial" "$3/archives/partial"
    sed -n "s,^\\(deb .*\\) [^ ]* main\$,\\1 $1 main,p" "$state/sources.list" |
        grep -v -- '-security' | sort -u | head -n 1 >"$3/sources.list"
    say "fetching $2 of $1"
    other() {
        private "$@" -o Dir::State::lists="$folder/lists" -o Dir::Cache="$folder" \
            -o Dir::Etc::sourcelist="$folder/sources.list"
    }
    folder=$3
    other apt-get update >&2 || die "could not fetch the package lists of $1"
    (cd "$3" && other apt-get download "$2" >&2) || die "could not fetch $2 of $1"
}

# Unpacks the paths that follow from a .deb into a folder.
unpack() {
    deb=$1
    into=$2
    shift 2
    rm -rf "$into"
    mkdir -p "$into"
    dpkg-deb --fsys-tarfile "$deb" | tar -x -C "$into" --no-same-owner --wildcards "$@"
}
