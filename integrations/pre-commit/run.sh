#!/usr/bin/env bash
# Runs modelward from pre-commit's own clone of this repository, one per pinned
# commit, and builds it there the first time. pre-commit's `language: rust`
# cannot: it installs the package at the root, and the root is a workspace.
#
# It builds in the clone's folder, not in the user's, so that no cargo
# configuration of the repository under check takes part.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
binary=$root/target/release/modelward
if [ ! -x "$binary" ]; then
  command -v cargo >/dev/null || {
    echo "modelward: cargo is not installed; install Rust, or use the hook that ends in -system" >&2
    exit 64
  }
  echo "modelward: building it once, this takes some minutes" >&2
  (cd "$root" && CARGO_TARGET_DIR=$root/target cargo build --release --locked --quiet -p modelward >&2)
fi
exec "$binary" "$@"
