"""The style sheet of the page: light and dark, for a telephone, a screen and A4 paper."""

# ruff: noqa: E501

STYLE = """
:root { --paper: #fbfaf7; --ink: #23262b; --soft: #5a6069; --line: #dcd8d0; --panel: #f2efe8;
  --sitting: #b8501a; --up: #2c7a4b; --standing: #24769a; --asleep: #5a67b0; --not-worn: #7d838c; --unknown: #a5abb3;
  --sat0: #f6e7d8; --sat1: #eebd92; --sat2: #d9814a; --sat3: #a94713; --text0: #3a2413; --text1: #3a2413; --text2: #1d1208; --text3: #ffffff; }
@media (prefers-color-scheme: dark) {
  :root { --paper: #17191d; --ink: #e9e6e0; --soft: #a7adb7; --line: #363a42; --panel: #202329;
    --sitting: #ea8d4e; --up: #5fbf87; --standing: #5fb6d8; --asleep: #929ee6; --not-worn: #8a919c; --unknown: #666d78;
    --sat0: #33271f; --sat1: #6b3d1f; --sat2: #96501f; --sat3: #f09a5c; --text0: #e9e6e0; --text1: #ffffff; --text2: #ffffff; --text3: #1d1208; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink);
  font: 1rem/1.55 system-ui, "Segoe UI", Roboto, "Helvetica Neue", sans-serif; }
main, footer { max-width: 66rem; margin: 0 auto; padding: 0 1.25rem; }
header { margin: 2.2rem 0 1.4rem; }
h1 { font-size: clamp(1.5rem, 4.5vw, 2.1rem); line-height: 1.2; margin: 0 0 .5rem; letter-spacing: -.01em; }
h2 { font-size: 1.25rem; margin: 0 0 .8rem; }
h3 { font-size: 1rem; margin: 1.2rem 0 .3rem; }
header p, footer, caption, .figures span { color: var(--soft); }
header p { margin: 0; max-width: 46rem; }
section { margin: 2.6rem 0; }
.figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(11.5rem, 1fr)); gap: .8rem; margin: 0; }
.figures div { background: var(--panel); border-radius: .6rem; padding: .8rem 1rem; }
.figures dt { font-size: .875rem; }
.figures dd { margin: 0; }
.figures strong { display: block; font-size: 1.45rem; line-height: 1.35; }
.figures span { font-size: .875rem; }
.advice { font-size: 1.1rem; border-left: .3rem solid var(--sitting); padding-left: .9rem; margin: 1.5rem 0; }
.chart { overflow-x: auto; }
.chart svg { display: block; width: 100%; min-width: 40rem; height: auto; }
text { fill: var(--ink); font-size: 13px; font-family: inherit; }
.axis { fill: var(--soft); font-size: 12px; }
.row { text-anchor: end; }
.middle, .cell { text-anchor: middle; }
.strong { fill: var(--ink); font-weight: 600; }
.grid { stroke: var(--line); stroke-width: 1; fill: none; }
.base { stroke: var(--line); stroke-width: 1; fill: none; }
.limit { stroke: var(--ink); stroke-width: 1.5; stroke-dasharray: 5 4; fill: none; }
.kind-sitting, .over { fill: var(--sitting); }
.kind-up { fill: var(--up); }
.kind-standing { fill: var(--standing); }
.kind-asleep { fill: var(--asleep); }
.kind-not-worn { fill: var(--not-worn); }
.kind-unknown { fill: var(--unknown); }
.under { fill: var(--up); }
rect.sat0 { fill: var(--sat0); } rect.sat1 { fill: var(--sat1); } rect.sat2 { fill: var(--sat2); }
rect.sat3 { fill: var(--sat3); }
rect.slept { fill: none; stroke: var(--line); }
rect.unseen { fill: url(#hatch); stroke: var(--line); }
.hatch-line { stroke: var(--unknown); stroke-width: 2; }
.cell { font-size: 12px; }
text.sat0 { fill: var(--text0); } text.sat1 { fill: var(--text1); } text.sat2 { fill: var(--text2); }
text.sat3 { fill: var(--text3); }
.inside { fill: #ffffff; font-weight: 600; }
.answer-done { fill: #256b41; } .answer-moved { fill: #1f6585; } .answer-snoozed { fill: #4d589c; }
.answer-skipped { fill: #6b5a1e; } .answer-ignored { fill: #5f656d; } .answer-hurt { fill: #9c2f2f; }
.answer-none { fill: #444a52; } .answer-standing { fill: #6d3f86; }
.legend { list-style: none; display: flex; flex-wrap: wrap; gap: .3rem 1.3rem; padding: 0; margin: .6rem 0 1.2rem;
  font-size: .9rem; }
.key { width: 1rem; height: 1rem; margin-right: .4rem; vertical-align: -.1rem; border-bottom: 1px solid var(--line); }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-size: .875rem; font-variant-numeric: tabular-nums; }
caption { text-align: left; padding-bottom: .3rem; }
th, td { padding: .3rem .8rem .3rem 0; text-align: right; white-space: nowrap; border-bottom: 1px solid var(--line);
  font-weight: 400; }
thead th { color: var(--soft); vertical-align: bottom; }
th:first-child, td:first-child { text-align: left; }
section > p { margin: 0 0 .8rem; max-width: 46rem; }
.plain th, .plain td { white-space: normal; }
.plain caption { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
details { margin-top: .9rem; }
summary { cursor: pointer; color: var(--soft); }
:focus-visible { outline: 2px solid var(--standing); outline-offset: 2px; }
.now { max-width: 66rem; margin: 0 auto; padding: .9rem 1.25rem 0; display: flex; flex-wrap: wrap; gap: .5rem 1.4rem;
  align-items: baseline; }
.now p { margin: 0; flex: 1 1 20rem; font-weight: 600; }
.now a { color: inherit; }
.now form { display: inline-flex; gap: .5rem; }
.now button { font: inherit; padding: .25rem .9rem; border: 1px solid var(--soft); border-radius: .4rem;
  background: var(--panel); color: var(--ink); cursor: pointer; }
footer { border-top: 1px solid var(--line); margin-top: 3rem; padding-top: 1rem; padding-bottom: 2rem; font-size: .875rem; }
@media print {
  @page { size: A4; margin: 14mm; }
  :root { --paper: #ffffff; --ink: #000000; --soft: #444444; --line: #cccccc; --panel: #f4f4f4;
    --sitting: #b8501a; --up: #2c7a4b; --standing: #24769a; --asleep: #5a67b0; --not-worn: #7d838c; --unknown: #a5abb3;
    --sat0: #f6e7d8; --sat1: #eebd92; --sat2: #d9814a; --sat3: #a94713; --text0: #3a2413; --text1: #3a2413; --text2: #1d1208; --text3: #ffffff; }
  * { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  body { font-size: 10pt; }
  main, footer { max-width: none; padding: 0; }
  header { margin-top: 0; }
  section { margin: 1.4rem 0; break-inside: avoid; }
  details, .now { display: none; }
  .chart, .scroll { overflow: visible; }
  .chart svg { min-width: 0; }
  table { font-size: 8pt; }
  th, td { padding-right: .45rem; }
}
"""
