/** The table of probes while they call: redrawn in place on a terminal, otherwise a plain line for each change. It reads, it changes nothing. */
import type { Clock } from '../lib/clock.ts'
import type { Terminal } from './command.ts'
import type { ShownProbe } from './commands/get.ts'
import { probeTable } from './commands/get.ts'
import { coloured } from './output.ts'

const REDRAW_EVERY = 500

export class LiveTable implements Disposable {
  readonly #terminal: Terminal
  readonly #clock: Clock
  readonly #probes: () => readonly ShownProbe[]
  readonly #footer: () => string
  /** Last plain line of each probe. */
  readonly #said = new Map<string, string>()
  #linesDrawn = 0
  #timer: Disposable | undefined

  /** @param footer lines below the table, shown on a terminal only */
  constructor(terminal: Terminal, clock: Clock, probes: () => readonly ShownProbe[], footer: () => string) {
    this.#terminal = terminal
    this.#clock = clock
    this.#probes = probes
    this.#footer = footer
  }

  start(): void {
    if (this.#terminal.interactive) this.#draw()
    else this.#say()
    this.#timer = this.#clock.timer(REDRAW_EVERY, () => this.start())
  }

  [Symbol.dispose](): void {
    this.#timer?.[Symbol.dispose]()
  }

  #draw(): void {
    const text = probeTable(this.#probes(), this.#terminal, this.#clock.now()) + this.#footer()
    // Up over what was drawn last, then every line to its end: no flicker, nothing of the old text stays. Without wrapping (DECAWM),
    // so that on a narrow terminal a line is cut and stays one line.
    const up = this.#linesDrawn > 0 ? `\u001b[${this.#linesDrawn}A` : ''
    this.#terminal.out(`\u001b[?7l${up}${text.replaceAll('\n', '\u001b[K\n')}\u001b[J\u001b[?7h`)
    this.#linesDrawn = text.split('\n').length - 1
  }

  #say(): void {
    for (const { metadata, status } of this.#probes()) {
      const health = status?.health ?? 'Unknown'
      const line = `${metadata.name} ${coloured(this.#terminal, health)} ${status?.reason ?? ''}`.trim()
      if (this.#said.get(metadata.name) === line) continue
      this.#said.set(metadata.name, line)
      this.#terminal.out(`${new Date(this.#clock.now()).toISOString()} ${line}\n`)
    }
  }
}
