#!/usr/bin/env bash
# peers.sh measures stagescope beside others that compare images, on the images
# that the benchmarks make. It installs what can be had, says what cannot, and
# prints the table of the README. Give it "full" for the large pair at full size
# (2.6 GB), and a bound in seconds for each run (default 600).
#
#   diff/peers.sh [full] [seconds]
set -euo pipefail
cd "$(dirname "$0")/.."
export CGO_ENABLED=0 LC_ALL=C
if [ "${1:-}" = full ]; then export STAGESCOPE_BENCH=full; shift; fi
bound=${1:-600}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/bin"
export PATH="$work/bin:$PATH"

go build -o "$work/bin/stagescope" ./cmd/stagescope
STAGESCOPE_WRITE_LOADS="$work" go test ./diff -count=1 -run '^TestWriteLoads$' >/dev/null

# diffoci loads archives of images that have a name: give them one, in a copy,
# for the digest of an index is the digest of its bytes.
for side in medium-a medium-b large-a large-b; do
  mkdir "$work/named"
  cp -al "$work/$side/." "$work/named/"
  sed "s|{\"digest\"|{\"annotations\":{\"io.containerd.image.name\":\"docker.io/library/$side:latest\"},\"digest\"|" "$work/$side/index.json" >"$work/index.json"
  mv -f "$work/index.json" "$work/named/index.json"
  tar -C "$work/named" -cf "$work/$side.tar" .
  rm -rf "$work/named"
done
# diffoscope takes the blobs that a person chose.
layer() { # the first layer of an image, under a name that says what it is
  local blob
  for blob in "$work/$1"/blobs/sha256/*; do
    if [ "$(head -c 2 "$blob" | od -An -tx1 | tr -d ' ')" = 1f8b ]; then
      mkdir -p "$work/blob-$1"
      ln -f "$blob" "$work/blob-$1/layer.tar.gz"
      return
    fi
  done
}
layer medium-a
layer medium-b

if ! command -v diffoscope >/dev/null && [ "$(id -u)" = 0 ]; then
  { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends diffoscope-minimal; } >"$work/apt" 2>&1 || true
fi
if ! command -v diffoci >/dev/null; then
  GOBIN="$work/bin" go install github.com/reproducible-containers/diffoci/cmd/diffoci@latest >"$work/diffoci" 2>&1 ||
    { git clone -q --depth 1 https://github.com/reproducible-containers/diffoci "$work/source" && (cd "$work/source" && go build -o "$work/bin/diffoci" ./cmd/diffoci); } >>"$work/diffoci" 2>&1 || true
fi

if ! type -P time >/dev/null; then
  { apt-get install -qq -y --no-install-recommends time >/dev/null 2>&1 && hash -r; } || { echo 'peers.sh: GNU time is needed to measure' >&2; exit 2; }
fi
printf '%s, %s processors, load %s\n\n' "$(date -u +%F)" "$(nproc)" "$(cut -d' ' -f1 /proc/loadavg)"
printf '| program | pair | wall s | processor s | peak MB | changes found |\n|---|---|---:|---:|---:|---|\n'

# run NAME PAIR FOUND COMMAND...: one row; FOUND counts the changes in the output.
run() {
  local name=$1 pair=$2 found=$3 code=0
  shift 3
  command time -f '%e %U %S %M' -o "$work/time" timeout "$bound" "$@" >"$work/out" 2>"$work/err" || code=$?
  if [ "$code" = 124 ]; then
    printf '| %s | %s | over %s | | | |\n' "$name" "$pair" "$bound"
    return
  fi
  tail -n 1 "$work/time" | awk -v n="$name" -v p="$pair" -v f="$(eval "$found" || true)" '{printf "| %s | %s | %.1f | %.1f | %.0f | %s |\n", n, p, $1, $2 + $3, $4 / 1024, f}'
}

planted='grep -cE "^  layer [0-9]+ / .*file[0-9]+: " "$work/out"'
for pair in medium large; do
  rm -rf "$work/store"
  run "stagescope" "$pair" "$planted" stagescope --store "$work/store" diff --stat --full "$work/$pair-a" "$work/$pair-b"
  run "stagescope, again" "$pair" "$planted" stagescope --store "$work/store" diff --stat --full "$work/$pair-a" "$work/$pair-b"
done
if command -v diffoscope >/dev/null; then
  version=$(diffoscope --version 2>/dev/null | awk '{print $NF}')
  run "diffoscope $version, the right blobs chosen by hand" medium 'grep -cE "^│ ├── .*file[0-9]+$" "$work/out"' diffoscope --text - "$work/blob-medium-a/layer.tar.gz" "$work/blob-medium-b/layer.tar.gz"
else
  printf '\ndiffoscope could not be had: %s\n' "$(tail -n 1 "$work/apt" 2>/dev/null || echo 'only root can install it')"
fi
if command -v diffoci >/dev/null; then
  loaded() { # both images into an empty cache, then the comparison
    local cache=$work/diffoci-$1 side
    rm -rf "$cache"
    for side in a b; do
      diffoci --backend local --local-cache "$cache" load --all-platforms <"$work/$1-$side.tar"
    done
    compared "$1"
  }
  compared() { diffoci --backend local --local-cache "$work/diffoci-$1" diff --semantic --all-platforms --pull never "$1-a" "$1-b"; }
  export -f loaded compared
  export work
  for pair in medium large; do
    run "diffoci, load and semantic comparison" "$pair" 'grep -cE "^File +usr/.*file[0-9]+ " "$work/out"' bash -c "loaded $pair"
    run "diffoci, semantic comparison alone" "$pair" 'grep -cE "^File +usr/.*file[0-9]+ " "$work/out"' bash -c "compared $pair"
  done
else
  printf '\ndiffoci could not be had: %s\n' "$(tail -n 1 "$work/diffoci" 2>/dev/null)"
fi
