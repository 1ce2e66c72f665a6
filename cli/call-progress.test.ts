import { expect, test } from 'vitest'
import type { RunEvent } from '../agent/index.ts'
import { CallProgress } from './call-progress.ts'

const metrics = { mos: 4.381, jitter: 0.24, packetLoss: 0, packetRateReceived: 50.2, packetRateSent: 49.9 }
const events: RunEvent[] = [
  { seq: 1, at: 0, type: 'Phase', phase: 'InCall' },
  { seq: 2, at: 0, type: 'Sample', second: 0, metrics: { packetRateReceived: 0, packetRateSent: 50 } },
  { seq: 3, at: 0, type: 'Sample', second: 1, metrics },
  { seq: 4, at: 0, type: 'Phase', phase: 'Ending', detail: 'soon' },
]
const first = '   1 s  MOS -  jitter -  loss -  rtt -  in 0  out 50 packets/s'
const second = '   2 s  MOS 4.38  jitter 0.2 ms  loss 0.0 %  rtt -  in 50  out 50 packets/s'

function said(interactive: boolean): string {
  let text = ''
  const progress = new CallProgress({
    ...{ out: () => expect.unreachable(), err: (more) => void (text += more), interactive, colours: false },
    ...{ signal: new AbortController().signal, environment: {} },
  })
  for (const event of events) progress.tell(event)
  return text
}

test('in a file or a pipe each second is a line', () => {
  expect(said(false)).toBe(`InCall\n${first}\n${second}\nEnding soon\n`)
})

test('on a terminal a second is drawn over the one before, and the line ends with the call', () => {
  const drawn = (line: string) => `\r\u001b[?7l${line}\u001b[K\u001b[?7h`
  expect(said(true)).toBe(`InCall\n${drawn(first)}${drawn(second)}\nEnding soon\n`)
})
