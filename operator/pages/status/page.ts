/** The HTML of a status page from its model. Server-rendered, no script; whatever is in the model is escaped. */
import type { ComponentModel, DayModel, GroupModel, PageModel } from '../../statuspages/model.ts'
import type { ComponentState, Incident, Maintenance } from '../../statuspages/status.ts'
import { html } from './markup.ts'
import type { Markup } from './markup.ts'
import { sign, tone } from './signs.ts'
import { daySentence, headline, percentWord, stateWord, timesIn } from './words.ts'
import type { Times } from './words.ts'

/** The contents of `<body>`. */
export function pageBody(model: PageModel): Markup {
  const times = timesIn(model.timeZone)
  const { incidents, running, upcoming, resolved } = model
  return html`
    <a class="skip" href="#status">Skip to the status</a>
    <header class="top">
      ${model.branding.logoUrl && html`<img class="logo" src=${model.branding.logoUrl} alt="" />`}
      <h1>${model.title}</h1>
      ${model.description && html`<p>${model.description}</p>`}
    </header>
    <main id="status">
      ${banner(model, times)}
      ${
        incidents.length > 0 &&
        section(
          'Incidents',
          incidents.map((each) => incident(each, times)),
        )
      }
      ${
        running.length > 0 &&
        section(
          'Maintenance now',
          running.map((each) => maintenance(each, times)),
        )
      }
      ${
        upcoming.length > 0 &&
        section(
          'Announced maintenance',
          upcoming.map((each) => maintenance(each, times)),
        )
      }
      ${model.groups.map((each) => group(each, model.groups.length > 1 ? 'Other components' : 'Components'))}
      ${model.groups.length > 0 && legend}
      ${
        resolved.length > 0 &&
        section(
          'Resolved incidents',
          resolved.map((each) => incident(each, times)),
        )
      }
    </main>
    <footer class="foot">
      <p>Days and times are those of ${model.timeZone}.</p>
      ${
        model.links.length > 0 &&
        html`<ul>
          ${model.links.map(({ title, url }) => html`<li><a href=${url} rel="noopener noreferrer">${title}</a></li>`)}
        </ul>`
      }
    </footer>
  `
}

function banner({ overall, updatedAt, groups, incidents }: PageModel, times: Times): Markup {
  const all = groups.flatMap(({ components }) => components)
  const worst = all.filter(({ state }) => state === overall).map(({ name }) => name)
  const concerned = overall !== undefined && overall !== 'Operational' && `${part(worst, all.length)}.`
  const told = overall === 'Operational' && incidents.length > 0 && 'An incident is open, see below.'
  return html`
    <div class=${`banner ${tone(overall ?? 'UnderMaintenance')}`}>
      ${sign(overall ?? 'UnderMaintenance')}
      <div>
        <h2>${headline(overall)}</h2>
        ${(concerned || told) && html`<p>${concerned || told}</p>`}
        <p>Last updated ${moment(new Date(updatedAt).toISOString(), times)}.</p>
      </div>
    </div>
  `
}

/** `All components`, `1 of 5 components: A`, `3 of 5 components: A, B and 1 more` */
function part(names: readonly string[], of: number): string {
  if (names.length === of && of > 1) return 'All components'
  const [first = '', second, ...others] = names
  const rest = others.length > 0 ? ` and ${others.length} more` : ''
  const list = second === undefined ? first : rest === '' ? `${first} and ${second}` : `${first}, ${second}${rest}`
  return of === 1 ? first : `${names.length} of ${of} components: ${list}`
}

function section(title: string, content: unknown): Markup {
  return html`<section>
    <h2>${title}</h2>
    ${content}
  </section>`
}

function incident({ title, impact, components, updates }: Incident, times: Times): Markup {
  const isResolved = updates[0]?.status === 'Resolved'
  return html`
    <article class=${`card notice ${isResolved ? 'rest' : IMPACT_TONES[impact]}`}>
      <h3>${title}</h3>
      ${components.length > 0 && html`<p class="when">${components.join(', ')}</p>`}
      <ol>
        ${updates.map(
          ({ at, status, message }) =>
            html`<li>
              <p><strong>${status}</strong> · ${moment(at, times)}</p>
              <p class="text">${message}</p>
            </li>`,
        )}
      </ol>
    </article>
  `
}

const IMPACT_TONES: Readonly<Record<Incident['impact'], string>> = {
  None: 'rest',
  Minor: 'warn',
  Major: 'bad',
  Critical: 'bad',
}

function maintenance({ title, start, end, components, message }: Maintenance, times: Times): Markup {
  return html`
    <article class="card notice rest">
      <h3>${title}</h3>
      <p class="when">${times.span(start, end)}${components.length > 0 && ` · ${components.join(', ')}`}</p>
      ${message !== undefined && html`<p class="text">${message}</p>`}
    </article>
  `
}

const moment = (at: string, times: Times): Markup => html`<time datetime=${at}>${times.moment(at)}</time>`

/** @param otherwise heading of the components that have no group */
function group({ name, components }: GroupModel, otherwise: string): Markup {
  return html`<section>
    <h2>${name ?? otherwise}</h2>
    <ul class="card">
      ${components.map(component)}
    </ul>
  </section>`
}

function component({ name, description, state, days, percent, setupTime }: ComponentModel): Markup {
  const troubled = days.filter(({ down, degraded }) => down > 0 || degraded > 0)
  const few = days.length <= FEW
  return html`
    <li class="component">
      <div class="head">
        <h3>${name}</h3>
        <p class=${`state ${tone(state)}`}>${sign(state)}${stateWord(state)}</p>
      </div>
      ${description !== undefined && html`<p class="note">${description}</p>`}
      ${setupTime !== undefined && html`<p class="note">Setup time of the last call: ${Math.round(setupTime)} ms</p>`}
      <ol class=${few ? 'bars few' : 'bars'} aria-label=${`${name}: the last ${days.length} days`}>
        ${days.map((day) => html`<li class=${barClass(day)}><span>${daySentence(day)}</span></li>`)}
      </ol>
      <p class="scale">
        <span><span class="far">${ago(days.length)}</span><span class="near">${ago(FEW)}</span></span>
        ${percent !== undefined && html`<span class="uptime">${percentWord(percent)} uptime<span class="near">${` in ${days.length} days`}</span></span>`}
        <span>Today</span>
      </p>
      ${
        troubled.length > 0 &&
        html`<details>
          <summary>${`${troubled.length} ${troubled.length === 1 ? 'day' : 'days'} with trouble`}</summary>
          <ul>
            ${troubled.toReversed().map((day) => html`<li>${daySentence(day)}</li>`)}
          </ul>
        </details>`
      }
    </li>
  `
}

/** Bars that a phone has room for; the style sheet hides the older ones there. */
const FEW = 30

const ago = (days: number): string => (days === 1 ? 'Today' : `${days} days ago`)

/** How high the part that was down, or degraded, stands in the bar. The first step is one that can be seen. */
function barClass({ state, up, down, degraded }: DayModel): string {
  if (state === 'None') return 'none'
  if (state === 'UnderMaintenance') return 'halt'
  const step = (part: number) => (part === 0 ? 0 : 1 + STEPS.filter((share) => part / (up + down) >= share).length)
  return [step(down) > 0 && `d${step(down)}`, step(degraded) > 0 && `s${step(degraded)}`].filter(Boolean).join(' ')
}

/** Shares of the day from which the second to the fifth step begins. */
const STEPS = [0.05, 0.2, 0.5, 0.9]

const KEY: ReadonlyArray<readonly [bar: string, state: ComponentState | 'None']> = [
  ['', 'Operational'],
  ['s2', 'DegradedPerformance'],
  ['d2', 'MajorOutage'],
  ['halt', 'UnderMaintenance'],
  ['none', 'None'],
]

const legend = html`<p class="key">
  ${KEY.map(([bar, state]) => html`<span><i class=${bar}></i>${stateWord(state)}</span>`)}
</p>`
