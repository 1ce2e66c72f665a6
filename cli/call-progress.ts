/** What a call is doing, while it does it: phases and the figures of each second. On a terminal the second is redrawn in place. It keeps nothing. */
import type { RunEvent } from '../agent/index.ts'
import type { Metrics } from '../crds/index.ts'
import type { Terminal } from './command.ts'
import { measured } from './output.ts'

export class CallProgress {
  readonly #terminal: Terminal
  /** The line of a second stands without its end. */
  #drawn = false

  constructor(terminal: Terminal) {
    this.#terminal = terminal
  }

  tell(event: RunEvent): void {
    if (event.type === 'Sample') this.#second(secondLine(event.second, event.metrics))
    else if (event.type === 'Phase') this.#line(`${event.phase}${event.detail === undefined ? '' : ` ${event.detail}`}`)
  }

  #second(line: string): void {
    if (!this.#terminal.interactive) return this.#line(line)
    // Without wrapping (DECAWM), so that on a narrow terminal the line is cut and stays one line.
    this.#terminal.err(`\r\u001b[?7l${line}\u001b[K\u001b[?7h`)
    this.#drawn = true
  }

  #line(line: string): void {
    this.#terminal.err(`${this.#drawn ? '\n' : ''}${line}\n`)
    this.#drawn = false
  }
}

/** `   3 s  MOS 4.38  jitter 0.2 ms  loss 0.0 %  rtt 0.4 ms  in 50  out 50 packets/s` */
function secondLine(second: number, metrics: Metrics): string {
  const { mos, jitter, packetLoss, rtt, packetRateReceived, packetRateSent, frameRate } = metrics
  const cells = [
    `MOS ${measured(mos, '', 2)}`,
    `jitter ${measured(jitter, 'ms')}`,
    `loss ${measured(packetLoss, '%')}`,
    `rtt ${measured(rtt, 'ms')}`,
    `in ${measured(packetRateReceived, '', 0)}`,
    `out ${measured(packetRateSent, '', 0)} packets/s`,
    ...(frameRate === undefined ? [] : [`video ${measured(frameRate, '', 0)} frames/s`]),
  ]
  return `${String(second + 1).padStart(4)} s  ${cells.join('  ')}`
}
