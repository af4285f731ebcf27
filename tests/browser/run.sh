#!/usr/bin/env bash
# The page in a real browser. PRICE_LINKAGE names the program, target/debug/price-linkage if left out;
# screenshots and measurements are left in target/browser.
set -euo pipefail
cd "$(dirname "$0")"

install() {
  if [ "$(id -u)" = 0 ]; then apt-get update -q && apt-get install -y -q "$@"; else
    sudo apt-get update -q && sudo apt-get install -y -q "$@"
  fi
}
command -v npm >/dev/null || install npm
[ -x "${CHROMIUM:-/usr/bin/chromium}" ] || install chromium
fc-list :lang=zh-cn family 2>/dev/null | grep -q . || install fontconfig fonts-noto-cjk

npm ci --silent --no-audit --no-fund --ignore-scripts
rm -rf ../../target/browser/seed-*.store ../../target/browser/*.png
node --test --test-concurrency=1 --test-timeout=600000 "${@:-.}"
