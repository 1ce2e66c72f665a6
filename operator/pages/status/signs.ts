/** The signs of the states, drawn as SVG in the page itself, and the tone that each has in the style sheet. */
import type { ComponentState } from '../../statuspages/status.ts'
import { html } from './markup.ts'
import type { Markup } from './markup.ts'

const TONES: Readonly<Record<ComponentState, string>> = {
  Operational: 'ok',
  DegradedPerformance: 'warn',
  MajorOutage: 'bad',
  UnderMaintenance: 'rest',
}

export const tone = (state: ComponentState): string => TONES[state]

/** A tick, an exclamation mark, a cross, a pause sign: told apart by shape, not only by colour. On a field of 24 by 24. */
const SHAPES: Readonly<Record<ComponentState, string>> = {
  Operational: 'M7.5 12.3l3 3 6-6.5',
  DegradedPerformance: 'M12 7.2v6M12 16.6v.1',
  MajorOutage: 'M8.7 8.7l6.6 6.6M15.3 8.7l-6.6 6.6',
  UnderMaintenance: 'M9.7 8.5v7M14.3 8.5v7',
}

/** For eyes only: the word stands beside it. */
export function sign(state: ComponentState): Markup {
  return html`<svg class="sign" viewBox="0 0 24 24" aria-hidden="true" focusable="false">
    <circle cx="12" cy="12" r="10" />
    <path d=${SHAPES[state]} />
  </svg>`
}

const COLOURS: Readonly<Record<ComponentState, string>> = {
  Operational: '%2317885a',
  DegradedPerformance: '%23a86a08',
  MajorOutage: '%23c5303a',
  UnderMaintenance: '%2366758a',
}

/** The icon of the tab, as a data: URL. */
export function icon(state: ComponentState): string {
  return `data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 24 24'><circle cx='12' cy='12' r='12' fill='${COLOURS[state]}'/><path d='${SHAPES[state]}' fill='none' stroke='white' stroke-width='2.5' stroke-linecap='round' stroke-linejoin='round'/></svg>`
}
