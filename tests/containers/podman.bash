# What `run` needs where there is no Docker daemon: podman from Debian's packages, and a base image made of others.

readonly PACKAGES=(podman crun debootstrap netavark aardvark-dns iptables iproute2 python3-venv ca-certificates curl)

install_packages() {
  local missing=() package
  for package in "${PACKAGES[@]}"; do
    [[ $(dpkg-query --show --showformat '${db:Status-Abbrev}' "$package" 2>/dev/null) == ii* ]] || missing+=("$package")
  done
  ((${#missing[@]} == 0)) && return
  say "apt-get install ${missing[*]}"
  export DEBIAN_FRONTEND=noninteractive
  { apt-get update && apt-get install --yes --no-install-recommends "${missing[@]}"; } &>"$work/log" ||
    fail "apt-get: $(tail -20 "$work/log")"
}

build_with_podman() {
  trap 'exit 130' INT TERM # process 1 of a namespace hears only what it traps
  prepare_podman
  copy_project
  say "base image"
  debootstrap --variant=minbase --include=python3,python3-venv,ca-certificates bookworm "$work/base" >"$work/log" ||
    fail "debootstrap: $(tail -20 "$work/log")"
  tar -C "$work/base" -c . | podman import --quiet - localhost/base >/dev/null
  rm -r "$work/base"
  say "image"
  local certificates=()
  if [[ -n ${PIP_CERT:-} ]]; then # a machine behind certificates of its own
    certificates=(--volume "$PIP_CERT:$PIP_CERT:ro" --env "PIP_CERT=$PIP_CERT")
  fi
  podman build --quiet --format docker --isolation chroot --network host "${certificates[@]}" \
    --build-arg BASE=localhost/base --tag "$IMAGE" "$work/project" >/dev/null
  python3 -m venv "$work/venv"
  "$work/venv/bin/pip" install --quiet --disable-pip-version-check 'podman-compose==1.6.*' 2>"$work/log" ||
    fail "pip: $(<"$work/log")"
  exec unshare --net "$root/tests/containers/run" --in-network "$work"
}

# Everything podman writes goes into memory of these namespaces.
prepare_podman() {
  local names_file names
  names_file=$(readlink -f /etc/resolv.conf) names=$(</etc/resolv.conf)
  mkdir -p /var/lib/containers
  mount -t tmpfs tmpfs "$work"
  mount -t tmpfs tmpfs /run
  mount -t tmpfs tmpfs /var/lib/containers
  if [[ ! -e $names_file ]]; then
    mkdir -p "${names_file%/*}" && echo "$names" >"$names_file"
  fi
  if mountpoint --quiet /sys/fs/cgroup/unified; then # crun wants one kind of cgroups, not both
    umount /sys/fs/cgroup/unified
  fi
  mkdir "$work/tmp"
  export TMPDIR=$work/tmp CONTAINERS_STORAGE_CONF=$work/storage.conf CONTAINERS_CONF=$work/containers.conf
  cat >"$CONTAINERS_STORAGE_CONF" <<END
[storage]
driver = "overlay"
runroot = "/run/storage"
graphroot = "$work/storage"
END
  cat >"$CONTAINERS_CONF" <<END
[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
runtime = "crun"
[network]
network_backend = "netavark"
network_config_dir = "$work/networks"
[containers]
default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]
END
}
