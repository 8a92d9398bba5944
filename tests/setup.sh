# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright the imapsyncd authors
#
# Sourced by ./quickstart and ./check: brings in the Debian packages that they need.

# To build and to run it.
PACKAGES="gcc libc6-dev meson ninja-build pkg-config gettext
libglib2.0-dev libsystemd-dev libsecret-1-dev libjson-glib-dev libsqlite3-dev libgsasl-dev libgnutls28-dev zlib1g-dev
glib-networking dbus-bin dbus-daemon gnome-keyring dovecot-imapd openssl
python3 python3-dbus"

# To test it.
TEST_PACKAGES="clang-14 clang-format-14 libclang-rt-14-dev libsecret-tools mandoc python3-gi zsh
softhsm2 gnutls-bin"

missing_packages() {
    for package in "$@"; do
        case $(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) in
            installed) ;;
            *) printf '%s ' "$package" ;;
        esac
    done
}

# Installs as root (by $1, which is "" or "sudo -n") without starting a service: a Dovecot of the
# system's has no part in this. A policy that stands there already is left alone.
install_packages() {
    as_root=$1
    shift
    policy=/usr/sbin/policy-rc.d
    if [ -e "$policy" ]; then
        policy=
    else
        $as_root sh -c "printf '#!/bin/sh\nexit 101\n' > $policy && chmod 755 $policy"
    fi
    apt="$as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -o Dpkg::Use-Pty=0"
    log=$(mktemp)
    { $apt update && $apt install -y --no-install-recommends "$@"; } </dev/null >"$log" 2>&1
    status=$?
    [ -z "$policy" ] || $as_root rm -f "$policy"
    [ $status = 0 ] || tail -n 40 "$log" >&2
    rm -f "$log"
    return $status
}

# Sees to it that all of "$@" are installed; if it may not install them, says how, and exits 2.
need_packages() {
    missing=$(missing_packages "$@")
    [ -n "$missing" ] || return 0
    if [ "$(id -u)" = 0 ]; then
        as_root=
    elif sudo -n true 2>/dev/null ||
        { [ -t 0 ] && command -v sudo >/dev/null && sudo -v; }; then
        as_root="sudo -n"
    else
        echo "Some packages are missing. Please run this first:" >&2
        echo "    sudo apt-get install --no-install-recommends $missing" >&2
        exit 2
    fi
    echo "Installing: $missing" >&2
    # shellcheck disable=SC2086
    if ! install_packages "$as_root" $missing; then
        echo "apt-get could not install: $missing" >&2
        exit 2
    fi
}
