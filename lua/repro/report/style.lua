--- The style sheet of report.html: one column of text as in a printed paper, light and dark, phone and desktop.
return [[
:root {
  color-scheme: light dark;
  --paper: #fdfcf9; --rp-paper: var(--paper); --ink: #22201c; --soft: #6d675d; --line: #e3ded3; --panel: #f6f3ec; --accent: #2a5580;
  --pass: #2f7a4d; --fail: #b3261e; --miss: #8f6000; --grey: #6f695f;
  --k: #8b3a62; --c: #726b5e; --s: #3f7446; --n: #9c5a12; --b: #2a5a8c; --f: #3a4a9c;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #16171a; --ink: #dcd8cf; --soft: #98938a; --line: #303236; --panel: #1e2024; --accent: #8db9e6;
    --pass: #6fc28d; --fail: #f28b82; --miss: #e0b050; --grey: #96928a;
    --k: #d79abb; --c: #8f8b7e; --s: #94c99a; --n: #dfae72; --b: #8fbcea; --f: #a9b5f2;
  }
}
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; text-size-adjust: 100%; scroll-behavior: smooth; }
body {
  margin: 0; background: var(--paper); color: var(--ink); line-height: 1.6; font-size: 1.075rem;
  font-family: "Charter", "Bitstream Charter", "Iowan Old Style", "Source Serif 4", "Palatino Linotype", Palatino,
    Georgia, "Liberation Serif", serif;
  text-rendering: optimizeLegibility; overflow-wrap: break-word;
}
main { max-width: 46rem; margin: 0 auto; padding: 3.5rem 1.25rem 5rem; }
a { color: var(--accent); text-decoration-thickness: .06em; text-underline-offset: .16em; }
h1, h2, h3, h4 { line-height: 1.25; font-weight: 600; text-wrap: balance; scroll-margin-top: 1rem; }
h1 { font-size: 2.05rem; margin: 0 0 .5rem; letter-spacing: -.01em; }
h2 { font-size: 1.4rem; margin: 3rem 0 .8rem; }
h3 { font-size: 1.13rem; margin: 2rem 0 .5rem; }
h4 { font-size: 1rem; margin: 1.5rem 0 .4rem; }
p, ul, ol, blockquote { margin: 0 0 1rem; }
li { margin: .2rem 0; }
blockquote { border-left: .2rem solid var(--line); padding-left: 1rem; color: var(--soft); }
.by { color: var(--soft); margin: 0 0 .4rem; }
math { font-family: "STIX Two Math", "Latin Modern Math", "Libertinus Math", "Cambria Math", "DejaVu Math TeX Gyre", math;
  font-size-adjust: .47; }
.display { display: flex; flex-wrap: wrap; justify-content: safe center; align-items: center; gap: .7rem 2.2rem; overflow-x: auto;
  overflow-y: hidden; margin: 1.1rem 0; padding: .15rem 0; }
details.fold { margin-bottom: 1.2rem; }
.unknown { color: var(--fail); font-family: ui-monospace, monospace; font-size: .85em; }

/* code */
code, pre { font-family: ui-monospace, "SF Mono", "Cascadia Mono", "JetBrains Mono", Menlo, Consolas,
  "DejaVu Sans Mono", monospace; font-variant-ligatures: none; }
:not(pre) > code { font-size: .86em; background: var(--panel); border-radius: .25em; padding: .08em .3em; }
pre { background: var(--panel); border-radius: .45rem; padding: .85rem 0; margin: 1rem 0; overflow-x: auto;
  font-size: .81rem; line-height: 1.55; tab-size: 2; }
pre > code { display: block; width: max-content; min-width: 100%; padding-right: 1rem; }
pre:not(.lines) > code { padding-left: 1rem; }
.lines .l { display: block; padding-left: 3.6rem; position: relative; min-height: 1.55em; }
.lines .l::before { content: attr(data-n); position: absolute; left: 0; width: 2.6rem; text-align: right;
  color: var(--grey); user-select: none; -webkit-user-select: none; }
.lines .l:target { background: color-mix(in srgb, var(--accent) 16%, transparent); }
.k { color: var(--k); } .c { color: var(--c); font-style: italic; } .s { color: var(--s); }
.n { color: var(--n); } .b { color: var(--b); } .f { color: var(--f); }

/* verdicts */
.v { font: 600 .8rem/1 system-ui, sans-serif; white-space: nowrap; color: var(--grey); }
.v.pass { color: var(--pass); } .v.fail { color: var(--fail); } .v.miss { color: var(--miss); }
.ui { font-family: system-ui, -apple-system, "Segoe UI", "Liberation Sans", sans-serif; font-size: .86rem; line-height: 1.45; }
.num { font-family: ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace; font-size: .79rem; }
.soft { color: var(--soft); }
.checks { list-style: none; margin: -.35rem 0 1.4rem; padding: 0; border-left: .18rem solid var(--line); }
.checks li { display: flex; flex-wrap: wrap; gap: .1rem .8rem; align-items: baseline; margin: 0; padding: .28rem 0 .28rem .9rem; }
.checks .what { flex: 1 1 14rem; min-width: 0; }
.checks .num { margin-left: auto; text-align: right; }
.checks a { color: inherit; text-decoration: none; border-bottom: 1px dotted var(--grey); }

/* the card at the top */
.card { background: var(--panel); border-radius: .6rem; padding: 1rem 1.15rem; margin: 1.6rem 0 1.2rem; }
.card .sum { font-weight: 600; font-size: 1rem; display: block; margin-bottom: .55rem; }
.bar { display: flex; gap: 2px; height: .45rem; border-radius: .3rem; overflow: hidden; margin-bottom: .8rem; }
.bar i { display: block; background: var(--grey); opacity: .55; }
.bar .pass { background: var(--pass); opacity: 1; } .bar .fail { background: var(--fail); opacity: 1; }
.bar .miss { background: var(--miss); opacity: 1; }
dl.facts { display: flex; flex-wrap: wrap; gap: .35rem 1.8rem; margin: 0; }
dl.facts div { min-width: 5rem; }
dl.facts dt { color: var(--soft); font-size: .75rem; } dl.facts dd { margin: 0; }
.warn { border-left: .2rem solid var(--miss); padding: .1rem 0 .1rem .9rem; margin: .9rem 0 0; }
.warn ul { margin: .3rem 0 0; padding-left: 1.1rem; }

/* contents: a column of their own where there is room, else folded below the head */
.toc summary, details.fold > summary { cursor: pointer; color: var(--soft); }
.toc ol { list-style: none; margin: .5rem 0 0; padding: 0; }
.toc li { margin: .28rem 0; } .toc li.h3 { padding-left: 1.1rem; }
.toc a { color: inherit; text-decoration: none; } .toc a:hover { color: var(--accent); }
nav.toc { display: none; }
details.toc { margin: 0 0 1.2rem; }
@media (min-width: 74rem) {
  body { display: grid; grid-template-columns: minmax(14rem, 1fr) minmax(0, 46rem) minmax(12rem, 1fr); }
  main { margin: 0; grid-column: 2; }
  main > pre.code, main > details[open] pre.code, main > .wide { margin-right: -10.5rem; }
  details.toc { display: none; }
  nav.toc { display: block; grid-column: 1; grid-row: 1; position: sticky; top: 0; align-self: start; max-height: 100vh;
    overflow-y: auto; padding: 4rem 1rem 2rem 1.25rem; max-width: 18rem; justify-self: end; }
  nav.toc b { font-weight: 600; color: var(--soft); }
}
@media (max-width: 73.99rem) { main { padding-top: 1.8rem; } }
@media (min-width: 48rem) and (max-width: 73.99rem) { /* code and wide tables take the margins */
  main > pre.code, main > details[open] pre.code, main > .wide { margin-inline: calc((46rem - 100vw) / 2); }
}

/* figures and tables */
figure { margin: 1.6rem 0; text-align: center; }
figure img { max-width: 100%; height: auto; border-radius: .3rem; }
figure img.pixels { image-rendering: pixelated; width: min(100%, 30rem); }
figcaption, .caption { font-size: .92rem; color: var(--soft); margin: .5rem auto 0; max-width: 40rem; text-align: left; }
figcaption b, .caption b { color: var(--ink); }
caption.caption { margin: 0; padding: 0 0 .5rem; max-width: none; }
td .range { white-space: nowrap; color: var(--soft); font-size: .92em; }
.wide { overflow-x: auto; margin: 1rem 0 1.3rem; }
table { border-collapse: collapse; font-family: system-ui, -apple-system, "Segoe UI", "Liberation Sans", sans-serif;
  font-size: .86rem; line-height: 1.4; min-width: 60%; font-variant-numeric: tabular-nums; }
th { text-align: left; font-weight: 600; color: var(--soft); border-bottom: 1px solid var(--soft); }
th, td { padding: .35rem .9rem .35rem 0; vertical-align: top; }
td { border-bottom: 1px solid var(--line); }
td.r, th.r { text-align: right; }
.all { width: 100%; } .all .num { white-space: nowrap; } .all td:last-child, .all th:last-child { padding-right: 0; }
.all td.what { min-width: 13rem; }
.all .num.long { white-space: normal; overflow-wrap: anywhere; min-width: 7rem; }
footer { margin-top: 4rem; padding-top: 1rem; border-top: 1px solid var(--line); color: var(--soft); }

@media (max-width: 40rem) {
  body { font-size: 1rem; }
  h1 { font-size: 1.55rem; } h2 { font-size: 1.22rem; margin-top: 2.3rem; }
  pre { margin-left: -1.25rem; margin-right: -1.25rem; border-radius: 0; font-size: .74rem; }
  .lines .l { padding-left: 2.7rem; } .lines .l::before { width: 2rem; }
  .checks .num { margin-left: 0; text-align: left; flex-basis: 100%; }
  table.all, .all tbody, .all tr, .all td { display: block; width: 100%; }
  .all thead { display: none; }
  .all tr { border-bottom: 1px solid var(--line); padding: .55rem 0; }
  .all td { border: 0; padding: .08rem 0; }
  .all td[data-name]:not(:empty)::before { content: attr(data-name) "  "; color: var(--soft); white-space: pre; }
  .all td:empty { display: none; } .all td.brief { display: inline-block; width: auto; padding-right: 1.5rem; }
}
@media print {
  .toc { display: none; } body { display: block; font-size: 10pt; } main { max-width: none; padding: 0; }
  main > pre.code, main > details[open] pre.code, main > .wide, pre { margin-inline: 0; }
  pre > code { width: auto; white-space: pre-wrap; overflow-wrap: anywhere; } /* paper has no scroll bar */
  pre, .wide, .display { overflow: visible; } .wide table { width: 100%; } .wide td { overflow-wrap: anywhere; }
  figure, .checks li, tr { break-inside: avoid; } h1, h2, h3, h4 { break-after: avoid; }
}
]]
