#!/bin/sh
# Pages in a browser, at the width of a desktop and of a phone, light and dark: nothing sticks out, every formula and figure
# has a size, text and background differ enough, nothing is loaded from elsewhere.  Needs Chromium, chrome or chromium-browser.
set -u
: "${SRCDIR:=.}"
browser=''
for name in chromium chromium-browser google-chrome chrome; do
  if command -v "$name" >/dev/null 2>&1; then browser=$name; break; fi
done
[ -n "$browser" ] || { echo "1..0 # SKIP no browser: install chromium"; exit 0; }
SRCDIR=$(cd "$SRCDIR" && pwd)
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
n=0

report() { # NAME OFFENCES
  n=$((n + 1))
  if [ -z "$2" ]; then echo "ok $n - $1"; return; fi
  echo "not ok $n - $1"; printf '%s\n' "$2" | sed 's/^/#   /'
}

# What a page says of itself, as its title.
cat >"$work/probe.html" <<'HTML'
<script>
function scrolls(e) {
  for (let p = e.parentElement; p && p !== document.body; p = p.parentElement)
    if (getComputedStyle(p).overflowX !== 'visible') return true;
  return false;
}
function light(c) {
  const v = c.match(/[\d.]+/g).map(x => (x /= 255) <= .04045 ? x / 12.92 : ((x + .055) / 1.055) ** 2.4);
  return .2126 * v[0] + .7152 * v[1] + .0722 * v[2];
}
function behind(e) {
  for (let p = e; p; p = p.parentElement) {
    const c = getComputedStyle(p).backgroundColor;
    if (!/rgba\(.*, 0(\.\d+)?\)/.test(c)) return c;
  }
  return 'rgb(255, 255, 255)';
}
addEventListener('load', () => {
  const wide = document.documentElement.clientWidth, bad = [];
  if (document.documentElement.scrollWidth > wide) bad.push('the page is ' + document.documentElement.scrollWidth + ' wide');
  for (const e of document.querySelectorAll('body *')) {
    const b = e.getBoundingClientRect();
    if (b.width && b.right > wide + 1 && !scrolls(e)) bad.push(e.tagName + ' sticks out: ' + e.textContent.slice(0, 30));
  }
  for (const e of document.querySelectorAll('math, svg, img')) {
    const b = e.getBoundingClientRect();
    if (e.checkVisibility() && !(b.width > 0 && b.height > 0)) bad.push(e.tagName + ' has no size: ' + e.textContent.slice(0, 30));
  }
  for (const e of document.querySelectorAll('merror, .unknown')) bad.push('a formula is not understood: ' + e.textContent.slice(0, 30));
  for (const e of document.querySelectorAll('p, li, td, th, figcaption, .v, .soft, h2, a, pre span')) {
    const ink = light(getComputedStyle(e).color), page = light(behind(e));
    const contrast = (Math.max(ink, page) + .05) / (Math.min(ink, page) + .05);
    if (contrast < 4.5) { bad.push('contrast ' + contrast.toFixed(1) + ': ' + e.className + ' ' + e.textContent.slice(0, 20)); break; }
  }
  for (const f of document.querySelectorAll('figure')) {
    const i = f.querySelector('svg, img'), name = f.querySelector('b').textContent.replace(/\.$/, '');
    if (i && (i.getAttribute('aria-label') || i.alt) !== name) bad.push('a figure is not named ' + name);
  }
  if (document.querySelector('thead th:not([scope])')) bad.push('a table has heads without scope');
  if (document.documentElement.dataset.print)
    for (const e of document.querySelectorAll('pre, .wide'))
      if (e.checkVisibility() && e.scrollWidth > e.clientWidth + 1) bad.push('paper cuts off ' + e.textContent.slice(0, 30));
  const shown = [...document.querySelectorAll('.toc')].filter(e => e.checkVisibility()).length;
  if (document.querySelector('.toc') && shown !== (document.documentElement.dataset.print ? 0 : 1)) bad.push(shown + ' lists of contents are shown');
  parent.document.title = 'seen ' + document.querySelectorAll('math').length + ' formulas;' + [...new Set(bad)].slice(0, 8).join(';');
});
</script>
HTML

# look PAGE WIDTH SCHEME(0 dark, 1 light): prints what is wrong.
look() {
  sed '/<\/body>/,$d' "$1" >"$work/page.html"
  cat "$work/probe.html" >>"$work/page.html"
  echo "<title>not loaded</title><iframe src='page.html' style='width:$2px;height:2000px;border:0'></iframe>" >"$work/frame.html"
  "$browser" --headless=new --no-sandbox --disable-gpu --user-data-dir="$work/profile" --allow-file-access-from-files \
    --disable-web-security --window-size=1600,1000 --blink-settings=preferredColorScheme="$3" --virtual-time-budget=4000 \
    --dump-dom "file://$work/frame.html" 2>/dev/null >"$work/dom"
  title=$(sed -n 's/.*<title>\([^<]*\)<\/title>.*/\1/p' "$work/dom" | head -n 1)
  case $title in
  'seen '*';') ;;
  'seen '*) echo "${title#*;}" | tr ';' '\n' ;;
  *) echo "the page did not load: $title" ;;
  esac
}

check() { # NAME PAGE
  for place in '1280 1 desktop' '1280 0 dark desktop' '390 1 phone' '390 0 dark phone'; do
    width=${place%% *} rest=${place#* }
    report "$1: ${rest#* } ($width)" "$(look "$2" "$width" "${rest%% *}")"
  done
  sed 's/@media print/@media all/; s/<html /<html data-print="1" /' "$2" >"$work/print.html"
  for width in 718 1047; do report "$1: printed ($width)" "$(look "$work/print.html" "$width" 1)"; done
  report "$1: nothing is loaded from elsewhere" \
    "$(grep -oE '(src|srcset|@import|url\()=?.?(https?:)?//[^ >]*|<link[^>]*>|<script' "$2" | head -n 5)"
}

cat >"$work/page.lua" <<'LUA'
local rp = require "repro"
local P = rp.paper{ id = "page", title = "A page with everything and a title that is long enough to need two lines", arxiv = "1234.5678",
                    authors = "A and B", settings = { steps = {smoke = 3, help = "a setting with $x^2$"}, } }
--[[ # Everything
## 1  Mathematics
Inline $\ell_{pos} = -\frac{u + w}{2\tau} + \log(e^{u/\tau} + e^{w/\tau}) = \log 2\cosh\frac{u - w}{2\tau} \le \sum_{i=1}^{n} \alpha_i \beta_i$ and displayed
$$ \tfrac{1}{4\tau\beta^2} R + \tilde C_{min} - \tfrac{1}{2\tau} \le \mathcal L_i \le \tfrac{1}{4\tau\alpha^2} R + \tilde C_{max} + \log(1 + \delta). $$

| a column | another | a third with much more in it than there is room for | $\lambda$ |
|---|---|---|--:|
| 1 | 2 | averyverylongwordwithoutanyplacetobreakitinto,whichatelephonecannotshow | 3 | ]]
P:exact("one", 1, 1, 0, {where = "Eq. 1", text = "a sentence with $x_i$ in it"})
P:claim("two.with.a.rather.long.name", "The claim does not hold", {value = 1, op = ">=", bound = 2}, {where = "Table 2"})
P:pinned("three", rp.arange(1, 3))
P:quoted("four", 0.5, {ours = 0.25, where = "Table 3"})
P:not_run("five", "too large")
--[[ ## 2  Figures
A line of code too long for a phone and the figures. ]]
local figure = rp.plot.figure{title = "A curve"}
figure:axes{xlabel = "$\\lambda_{rec}$", ylabel = "loss", yscale = "log"}:line({1, 2, 3}, {{1, 0.1, 0.01}, {2, 0.2, 0.03}}, {label = "two seeds"})
P:figure("Figure 1", figure, "A caption with $x$.")
P:figure("Figure 2", rp.plot.heatmap(rp.arange(1, 12):reshape(3, 4), {values = 1}), "A heat map.")
P:figure("Figure 3", rp.rand(16, 16), "A picture.")
P:table("Table 1", {"method", "NMI", "ACC", "ARI", "MMVP"}, {{"ours", "0.71 (0.70 to 0.72)", "0.71 (0.70 to 0.72)", "0.71 (0.70 to 0.72)", 1}})
local a_line_of_code_that_no_sheet_of_paper_is_wide_enough_for = {1, 2, 3, "and a text in it that makes it longer by far than any page is wide"}
LUA
./repro run "$work/page.lua" --scale smoke -q -o "$work/run" >"$work/out" 2>&1
[ -f "$work/run/report.html" ] || { report "the page is made" "$(cat "$work/out")"; echo "1..$n"; exit 1; }
check "report of a run" "$work/run/report.html"
./repro weave "$SRCDIR/papers/dcr.lua" -o "$work/dcr.html" >/dev/null 2>&1
check "papers/dcr.lua" "$work/dcr.html"
echo "1..$n"
