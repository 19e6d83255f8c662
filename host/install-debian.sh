#!/usr/bin/env bash
# Install Debian packages without starting their daemons: a DHCP server that starts by itself would serve this machine's network.
set -eu
export DEBIAN_FRONTEND=noninteractive
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' > "$policy"
    chmod +x "$policy"
    trap 'rm -f "$policy"' EXIT
fi
apt-get -qq update || true
apt-get -qq install --yes --no-install-recommends "$@"
