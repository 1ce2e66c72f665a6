/** The style sheet of a status page: light and dark, phone to wall screen, calm. No font, no picture, nothing from elsewhere. */

/**
 * Colours: text at least 4.5:1 against what it stands on, signs and bars at least 3:1 (WCAG 2.2, 1.4.3 and 1.4.11).
 * A state is never told by colour alone: it has a word, a sign, and a bar of its own pattern.
 */
const LIGHT = `
  color-scheme: light;
  --ground: #f5f6f8; --card: #ffffff; --line: #e2e6ec; --text: #17202b; --soft: #566274; --accent: #1d5fbf;
  --ok: #17885a; --warn: #a86a08; --bad: #c5303a; --rest: #66758a; --empty: #d9dee6;
  --ok-tint: #e9f6f0; --warn-tint: #fdf3e1; --bad-tint: #fdecec; --rest-tint: #eef1f5;
  --ok-text: #0d6340; --warn-text: #7a4c00; --bad-text: #a01f2a; --rest-text: #4a5767;
  --bar: #2a9d6c; --shadow: 0 1px 2px rgb(20 30 45 / 6%);`

const DARK = `
  color-scheme: dark;
  --ground: #0e131a; --card: #161d27; --line: #27313f; --text: #e7ecf3; --soft: #9dabbd; --accent: #86b4ff;
  --ok: #41bd87; --warn: #e2a93f; --bad: #f2706f; --rest: #8d9cb0; --empty: #2c3746;
  --ok-tint: #11291f; --warn-tint: #2d2410; --bad-tint: #331a1d; --rest-tint: #1d2632;
  --ok-text: #7cdcae; --warn-text: #f0c269; --bad-text: #ff9c99; --rest-text: #b4c0cf;
  --bar: #35a576; --shadow: none;`

const SHEET = `
:root {${LIGHT}
}
@media (prefers-color-scheme: dark) { :root {${DARK}
} }
*, *::before, *::after { box-sizing: border-box; }
html { font: 100%/1.5 system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', sans-serif; -webkit-text-size-adjust: 100%; }
body { margin: 0; background: var(--ground); color: var(--text); }
main, .top, .foot { width: min(100% - 2rem, 58rem); margin-inline: auto; }
h1, h2, h3, p, ol, ul, dl { margin: 0; padding: 0; }
h1, h2, h3 { line-height: 1.25; text-wrap: balance; }
p { overflow-wrap: anywhere; }
ol, ul { list-style: none; }
a { color: var(--accent); text-underline-offset: 0.2em; }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 3px; border-radius: 4px; }
.skip { position: absolute; left: -999rem; }
.skip:focus { left: 1rem; top: 0.5rem; background: var(--card); padding: 0.5rem 1rem; z-index: 1; }
.hidden { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }

.top { padding-block: clamp(1.75rem, 5vw, 3.5rem) clamp(1.25rem, 3vw, 2rem); }
.top h1 { font-size: clamp(1.5rem, 1.2rem + 1.4vw, 2.1rem); letter-spacing: -0.02em; font-weight: 680; }
.top p { color: var(--soft); margin-top: 0.35rem; max-width: 44rem; }
.logo { display: block; max-height: 3rem; max-width: 14rem; margin-bottom: 1rem; }

.ok { --tone: var(--ok); --tint: var(--ok-tint); --ink: var(--ok-text); }
.warn { --tone: var(--warn); --tint: var(--warn-tint); --ink: var(--warn-text); }
.bad { --tone: var(--bad); --tint: var(--bad-tint); --ink: var(--bad-text); }
.rest { --tone: var(--rest); --tint: var(--rest-tint); --ink: var(--rest-text); }

.sign { flex: none; fill: none; stroke: currentColor; stroke-width: 2; stroke-linecap: round; stroke-linejoin: round; }
.banner { display: flex; align-items: center; gap: 1rem; padding: clamp(1.1rem, 3vw, 1.6rem); border-radius: 14px;
  background: var(--tint); border: 1px solid color-mix(in srgb, var(--tone) 35%, transparent); }
.banner .sign { width: 2.5rem; height: 2.5rem; color: var(--tone); stroke-width: 1.75; }
.banner h2 { font-size: clamp(1.2rem, 1rem + 1vw, 1.6rem); font-weight: 660; letter-spacing: -0.01em; color: var(--ink); }
.banner p { color: var(--text); font-size: 0.95rem; margin-top: 0.15rem; }

section { margin-top: clamp(1.75rem, 4vw, 2.5rem); }
section > h2 { font-size: 1.05rem; font-weight: 640; margin-bottom: 0.75rem; }
.card { background: var(--card); border: 1px solid var(--line); border-radius: 14px; box-shadow: var(--shadow); }
.notice { padding: 1.1rem 1.35rem; border-left: 4px solid var(--tone); }
.notice + .notice { margin-top: 0.75rem; }
.notice h3 { font-size: 1.05rem; font-weight: 640; }
.notice .when { color: var(--soft); font-size: 0.875rem; margin-top: 0.2rem; }
.notice li { margin-top: 0.85rem; }
.notice li strong { color: var(--ink); font-weight: 640; }
.notice li time, .soft { color: var(--soft); font-size: 0.875rem; }
.text { white-space: pre-line; }

.component { padding: 1.15rem 1.35rem 1.05rem; }
.component + .component { border-top: 1px solid var(--line); }
.head { display: flex; flex-wrap: wrap; align-items: baseline; justify-content: space-between; gap: 0.1rem 1rem; }
.head h3 { font-size: 1rem; font-weight: 600; overflow-wrap: anywhere; }
.state { display: inline-flex; align-items: center; gap: 0.4rem; color: var(--ink); font-size: 0.925rem; font-weight: 560; }
.state .sign { width: 1.1rem; height: 1.1rem; color: var(--tone); }
.note { color: var(--soft); font-size: 0.9rem; }

.bars { display: flex; gap: clamp(1px, 0.28vw, 3px); height: 2.25rem; margin-top: 0.7rem; position: relative; }
.bars li { flex: 1 1 0; min-width: 0; border-radius: 2.5px; }
.bars li, .key i { --down: calc(var(--d, 0%) + var(--dg, 0px)); --slow: calc(var(--down) + var(--s, 0%));
  background: linear-gradient(to top, var(--bad) var(--d, 0%), var(--card) var(--d, 0%) var(--down),
    var(--warn) var(--down) var(--slow), var(--card) var(--slow) calc(var(--slow) + var(--sg, 0px)), var(--bar) 0); }
.bars .none, .key .none { background: var(--empty); opacity: 0.75; }
.bars .halt, .key .halt { background: repeating-linear-gradient(-45deg, var(--rest) 0 2px, var(--empty) 2px 4px); }
.d1, .d2, .d3, .d4 { --dg: 1.5px; } .s1, .s2, .s3, .s4 { --sg: 1.5px; }
.d1 { --d: 18%; } .d2 { --d: 32%; } .d3 { --d: 50%; } .d4 { --d: 75%; } .d5 { --d: 100%; }
.s1 { --s: 18%; } .s2 { --s: 32%; } .s3 { --s: 50%; } .s4 { --s: 75%; } .s5 { --s: 100%; }
.bars span { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
.scale { display: flex; justify-content: space-between; align-items: baseline; gap: 1rem; margin-top: 0.4rem; color: var(--soft); font-size: 0.8125rem; white-space: nowrap; }
time { white-space: nowrap; }
.scale .uptime { color: var(--text); font-variant-numeric: tabular-nums; }
.near { display: none; }
@media (hover: hover) {
  .component:has(.bars li:hover) .scale { visibility: hidden; }
  .bars li:hover { box-shadow: 0 0 0 1.5px var(--card), 0 0 0 3px var(--soft); }
  .bars li:hover span { width: 100%; height: auto; clip-path: none; left: 0; top: calc(100% + 0.4rem); text-align: center;
    font-size: 0.8125rem; line-height: 1.5; color: var(--text); overflow: hidden; text-overflow: ellipsis; }
}
details { margin-top: 0.5rem; font-size: 0.875rem; }
summary { cursor: pointer; color: var(--soft); width: fit-content; padding-block: 0.2rem; min-height: 1.5rem; }
details ul { margin-top: 0.35rem; display: grid; gap: 0.2rem; color: var(--text); font-variant-numeric: tabular-nums; }

.key { display: flex; flex-wrap: wrap; gap: 0.35rem 1.25rem; color: var(--soft); font-size: 0.8125rem; margin-top: 1rem; }
.key span { display: inline-flex; align-items: center; gap: 0.45rem; }
.key i { width: 0.7rem; height: 1.1rem; border-radius: 2.5px; }
.foot { width: min(100% - 2rem, 58rem); margin-inline: auto; }
h1, h2, h3, p, ol, ul, dl { margin: 0; padding: 0; }
h1, h2, h3 { line-height: 1.25; text-wrap: balance; }
p { overflow-wrap: anywhere; }
ol, ul { list-style: none; }
a { color: var(--accent); text-underline-offset: 0.2em; }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 3px; border-radius: 4px; }
.skip { position: absolute; left: -999rem; }
.skip:focus { left: 1rem; top: 0.5rem; background: var(--card); padding: 0.5rem 1rem; z-index: 1; }
.hidden { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }

.top { padding-block: clamp(1.75rem, 5vw, 3.5rem) clamp(1.25rem, 3vw, 2rem); }
.top h1 { font-size: clamp(1.5rem, 1.2rem + 1.4vw, 2.1rem); letter-spacing: -0.02em; font-weight: 680; }
.top p { color: var(--soft); margin-top: 0.35rem; max-width: 44rem; }
.logo { display: block; max-height: 3rem; max-width: 14rem; margin-bottom: 1rem; }

.ok { --tone: var(--ok); --tint: var(--ok-tint); --ink: var(--ok-text); }
.warn { --tone: var(--warn); --tint: var(--warn-tint); --ink: var(--warn-text); }
.bad { --tone: var(--bad); --tint: var(--bad-tint); --ink: var(--bad-text); }
.rest { --tone: var(--rest); --tint: var(--rest-tint); --ink: var(--rest-text); }

.sign { flex: none; fill: none; stroke: currentColor; stroke-width: 2; stroke-linecap: round; stroke-linejoin: round; }
.banner { display: flex; align-items: center; gap: 1rem; padding: clamp(1.1rem, 3vw, 1.6rem); border-radius: 14px;
  background: var(--tint); border: 1px solid color-mix(in srgb, var(--tone) 35%, transparent); }
.banner .sign { width: 2.5rem; height: 2.5rem; color: var(--tone); stroke-width: 1.75; }
.banner h2 { font-size: clamp(1.2rem, 1rem + 1vw, 1.6rem); font-weight: 660; letter-spacing: -0.01em; color: var(--ink); }
.banner p { color: var(--text); font-size: 0.95rem; margin-top: 0.15rem; }

section { margin-top: clamp(1.75rem, 4vw, 2.5rem); }
section > h2 { font-size: 1.05rem; font-weight: 640; margin-bottom: 0.75rem; }
.card { background: var(--card); border: 1px solid var(--line); border-radius: 14px; box-shadow: var(--shadow); }
.notice { padding: 1.1rem 1.35rem; border-left: 4px solid var(--tone); }
.notice + .notice { margin-top: 0.75rem; }
.notice h3 { font-size: 1.05rem; font-weight: 640; }
.notice .when { color: var(--soft); font-size: 0.875rem; margin-top: 0.2rem; }
.notice li { margin-top: 0.85rem; }
.notice li strong { color: var(--ink); font-weight: 640; }
.notice li time, .soft { color: var(--soft); font-size: 0.875rem; }
.text { white-space: pre-line; }

.component { padding: 1.15rem 1.35rem 1.05rem; }
.component + .component { border-top: 1px solid var(--line); }
.head { display: flex; flex-wrap: wrap; align-items: baseline; justify-content: space-between; gap: 0.1rem 1rem; }
.head h3 { font-size: 1rem; font-weight: 600; overflow-wrap: anywhere; }
.state { display: inline-flex; align-items: center; gap: 0.4rem; color: var(--ink); font-size: 0.925rem; font-weight: 560; }
.state .sign { width: 1.1rem; height: 1.1rem; color: var(--tone); }
.note { color: var(--soft); font-size: 0.9rem; }

.bars { display: flex; gap: clamp(1px, 0.28vw, 3px); height: 2.25rem; margin-top: 0.7rem; position: relative; }
.bars li { flex: 1 1 0; min-width: 0; border-radius: 2.5px; }
.bars li, .key i { --down: calc(var(--d, 0%) + var(--dg, 0px)); --slow: calc(var(--down) + var(--s, 0%));
  background: linear-gradient(to top, var(--bad) var(--d, 0%), var(--card) var(--d, 0%) var(--down),
    var(--warn) var(--down) var(--slow), var(--card) var(--slow) calc(var(--slow) + var(--sg, 0px)), var(--bar) 0); }
.bars .none, .key .none { background: var(--empty); opacity: 0.75; }
.bars .halt, .key .halt { background: repeating-linear-gradient(-45deg, var(--rest) 0 2px, var(--empty) 2px 4px); }
.d1, .d2, .d3, .d4 { --dg: 1.5px; } .s1, .s2, .s3, .s4 { --sg: 1.5px; }
.d1 { --d: 18%; } .d2 { --d: 32%; } .d3 { --d: 50%; } .d4 { --d: 75%; } .d5 { --d: 100%; }
.s1 { --s: 18%; } .s2 { --s: 32%; } .s3 { --s: 50%; } .s4 { --s: 75%; } .s5 { --s: 100%; }
.bars span { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
.scale { display: flex; justify-content: space-between; align-items: baseline; gap: 1rem; margin-top: 0.4rem; color: var(--soft); font-size: 0.8125rem; white-space: nowrap; }
time { white-space: nowrap; }
.scale .uptime { color: var(--text); font-variant-numeric: tabular-nums; }
.near { display: none; }
@media (hover: hover) {
  .component:has(.bars li:hover) .scale { visibility: hidden; }
  .bars li:hover { box-shadow: 0 0 0 1.5px var(--card), 0 0 0 3px var(--soft); }
  .bars li:hover span { width: 100%; height: auto; clip-path: none; left: 0; top: calc(100% + 0.4rem); text-align: center;
    font-size: 0.8125rem; line-height: 1.5; color: var(--text); overflow: hidden; text-overflow: ellipsis; }
}
details { margin-top: 0.5rem; font-size: 0.875rem; }
summary { cursor: pointer; color: var(--soft); width: fit-content; padding-block: 0.2rem; min-height: 1.5rem; }
details ul { margin-top: 0.35rem; display: grid; gap: 0.2rem; color: var(--text); font-variant-numeric: tabular-nums; }

.key { display: flex; flex-wrap: wrap; gap: 0.35rem 1.25rem; color: var(--soft); font-size: 0.8125rem; margin-top: 1rem; }
.key span { display: inline-flex; align-items: center; gap: 0.45rem; }
.key i { width: 0.7rem; height: 1rem; border-radius: 2.5px; background: linear-gradient(to top, var(--bad) var(--d, 0%), var(--warn) var(--d, 0%) calc(var(--d, 0%) + var(--s, 0%)), var(--bar) 0); }
.key .none { background: var(--empty); opacity: 0.75; }
.key .halt { background: repeating-linear-gradient(-45deg, var(--rest) 0 2px, var(--empty) 2px 4px); }
.foot { display: flex; flex-wrap: wrap; gap: 0.5rem 1.5rem; padding-block: 2.5rem 3rem; color: var(--soft); font-size: 0.875rem; }
.foot ul { display: flex; flex-wrap: wrap; gap: 0.5rem 1.25rem; }
.foot a, .notice a { display: inline-block; min-height: 1.5rem; }
.foot p { margin-right: auto; }

@media (max-width: 44rem) {
  .bars li:not(:nth-last-child(-n+30)) { display: none; }
  .bars.few li { display: block; }
  .bars:not(.few) ~ .scale .far { display: none; }
  .bars:not(.few) ~ .scale .near { display: inline; white-space: pre; }
  .bars:not(.few) ~ .scale { flex-wrap: wrap; row-gap: 0; }
  .bars:not(.few) ~ .scale .uptime { order: 1; flex-basis: 100%; }
  .bars { gap: 2px; }
  .component, .notice { padding-inline: 1.05rem; }
}
@media (min-width: 44.01rem) and (max-width: 75rem) { .bars li:not(:nth-last-child(-n+90)) { display: none; } }
@media (min-width: 110rem) { html { font-size: 125%; } main, .top, .foot { width: min(100% - 6rem, 76rem); } }
@media (forced-colors: active) { .bars li, .key i { forced-color-adjust: none; } .banner, .card { border: 1px solid CanvasText; } }
@media print { body { background: none; } .card { box-shadow: none; } details { display: none; } }
`

/** @param accent `#rrggbb`, checked by the schema; used for links on light ground where it can be read there. */
export function styleSheet(accent: string | undefined): string {
  const colour = accent !== undefined && /^#[0-9a-f]{6}$/i.test(accent) && contrast(accent, '#f5f6f8') >= 4.5
  return minified(colour ? `${SHEET}@media (prefers-color-scheme: light) { :root { --accent: ${accent}; } }` : SHEET)
}

const minified = (sheet: string): string => sheet.replaceAll(/\s*\n\s*/g, '\n').trim()

/** Contrast ratio of two colours, 1 to 21 (WCAG 2.2, 1.4.3). */
function contrast(one: string, other: string): number {
  const [dark = 0, light = 0] = [luminance(one), luminance(other)].toSorted((left, right) => left - right)
  return (light + 0.05) / (dark + 0.05)
}

/** Relative luminance of sRGB, 0 to 1 (WCAG 2.2, definitions). */
function luminance(colour: string): number {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((start) => {
    const part = Number.parseInt(colour.slice(start, start + 2), 16) / 255
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4
  })
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue
}
