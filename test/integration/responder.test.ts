/** The responder against user agents that are not ours: SIPp and baresip call it, register with it and are called by it. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { startResponder } from '../../agent/respond/index.ts'
import type { RecordLine, Responder, ResponderOptions } from '../../agent/respond/index.ts'
import { systemClock } from '../../lib/clock.ts'
import { createLog } from '../../lib/log.ts'
import { systemRandom } from '../../lib/random.ts'
import { baresip } from '../lab/baresip.ts'
import { shows } from '../lab/features.ts'
import { freePort } from '../lab/ports.ts'
import { start as startChild, temporaryFolder, until } from '../lab/process.ts'
import { commandPath } from '../lab/requirements.ts'
import { sippCaller } from '../lab/sipp.ts'

let stack: AsyncDisposableStack
let folder: string
let responder: Responder

beforeEach(() => {
  stack = new AsyncDisposableStack()
  folder = stack.use(temporaryFolder('responder')).path
})
afterEach(() => stack.disposeAsync())

async function start(options: Partial<ResponderOptions> = {}): Promise<string> {
  responder = await startResponder({
    listen: { host: '127.0.0.1', port: await freePort() },
    accounts: [{ username: 'alice', password: 'pw-alice' }],
    record: join(folder, 'record'),
    clock: systemClock,
    random: systemRandom,
    log: createLog({ name: 'test', level: 'silent' }),
    ...options,
  })
  stack.use(responder)
  return `127.0.0.1:${responder.port}`
}

function record(): RecordLine[] {
  const lines = readFileSync(join(folder, 'record'), 'utf8').split('\n')
  return lines.filter((line) => line !== '').map((line) => JSON.parse(line) as RecordLine)
}

const ended = () => record().flatMap((line) => ('event' in line && line.event === 'CallEnded' ? [line] : []))

/** What tshark sees of RTP with 160 octets of payload on the loopback interface. */
async function captureRtp() {
  const capture = await startChild({
    command: 'tshark',
    // Length in the UDP header: 8 of its own, 12 of the RTP header, 160.
    arguments: ['-i', 'lo', '-f', 'udp[4:2] = 180', '-l', '-T', 'fields', ...FIELDS.flatMap((field) => ['-e', field])],
    folder,
    ready: (log) => log.includes('Capture started'),
  })
  const packets = () =>
    [...capture.log().matchAll(/^(\d+)\t(\d+)\t([0-9a-f]{344})$/gm)].map(([, from = '', to = '', payload = '']) => ({
      ...{ from, to, sequenceNumber: Number.parseInt(payload.slice(4, 8), 16) },
      ssrc: Number.parseInt(payload.slice(16, 24), 16),
    }))
  return {
    /** Sequence numbers of what went the way back of the stream with this SSRC, in order. */
    answersTo(ssrc: number): number[] {
      const all = packets()
      const stream = all.find((packet) => packet.ssrc === ssrc)
      const back = all.filter(({ from, to }) => from === stream?.to && to === stream.from)
      return back.map(({ sequenceNumber }) => sequenceNumber)
    },
    [Symbol.asyncDispose]: () => capture[Symbol.asyncDispose](),
  }
}
const FIELDS = ['udp.srcport', 'udp.dstport', 'udp.payload']

describe('SIPp', () => {
  test.each(['udp', 'tcp'] as const)('calls echo over %s and gets its packets back', async (transport) => {
    const target = await start()
    await using caller = await sippCaller({
      target,
      scenario: 'call',
      service: 'echo',
      transport,
      rtp: true,
      hold: 2_000,
    })
    expect(await caller.finished).toMatchObject({ code: 0, successful: 1 })
    await until(() => ended().length === 1, { what: 'the end of the call is recorded' })
    const [end] = ended()
    expect(end).toMatchObject({ by: 'Remote', user: 'echo' })
    expect(end?.packets?.received).toBeGreaterThan(80)
    expect(end?.packets?.echoed).toBe(end?.packets?.received)
  })

  const echoed = shows({ SIPp: ['rtp-received'], tshark: ['rtp-sent'] })

  test('gets back on the wire what the record says was echoed, and not what was dropped', echoed, async () => {
    const target = await start()
    await using capture = await captureRtp()
    await using caller = await sippCaller({ target, scenario: 'call', service: 'loss-20', rtp: true, hold: 2_000 })
    expect(await caller.finished).toMatchObject({ code: 0 })
    await until(() => ended().length === 1, { what: 'the end of the call is recorded' })
    const packets = record().flatMap((line) => ('action' in line ? [line] : []))
    const numbers = (action: string) =>
      packets.filter((line) => line.action === action).map(({ sequenceNumber }) => sequenceNumber)
    expect(numbers('Dropped').length).toBeGreaterThan(10)
    const { ssrc } = packets[0] ?? { ssrc: NaN }
    await until(() => capture.answersTo(ssrc).length >= numbers('Echoed').length, { what: 'all of it was captured' })
    expect(capture.answersTo(ssrc)).toEqual(numbers('Echoed'))
  })

  test('thirty calls at once to a line that loses 5 %: the record tells them apart', async () => {
    const target = await start()
    const calls = { calls: 30, rate: 30, rtp: true, hold: 2_000 }
    await using caller = await sippCaller({ target, scenario: 'call', service: 'loss-5', ...calls })
    expect(await caller.finished).toMatchObject({ code: 0, successful: 30 })
    await until(() => ended().length === 30, { what: 'the end of each call is recorded' })
    for (const { callId, packets } of ended()) {
      const lines = record().flatMap((line) => ('action' in line && line.callId === callId ? [line] : []))
      expect(lines).toHaveLength(packets?.received ?? 0)
      expect(lines[0]?.action).toBe('Echoed')
      expect(lines.toSorted((left, right) => left.receivedAt - right.receivedAt).at(-1)?.action).toBe('Echoed')
    }
  })

  test.each([
    ['busy', '486'],
    ['reject-503', '503'],
    ['nobody', '404'],
  ])('%s is %s to it', async (service, code) => {
    const target = await start()
    await using caller = await sippCaller({ target, scenario: 'call', service, hold: 0 })
    expect(await caller.finished).toMatchObject({ code: 1, failed: 1 })
    expect(caller.log()).toContain(`SIP/2.0 ${code}`)
  })

  test('waits through ring-2s', async () => {
    const target = await start()
    const started = performance.now()
    await using caller = await sippCaller({ target, scenario: 'call', service: 'ring-2s', hold: 0 })
    expect(await caller.finished).toMatchObject({ code: 0, successful: 1 })
    expect(performance.now() - started).toBeGreaterThan(2_000)
  })
})

/** Both give up on a challenge with SHA-256 instead of looking at the next one. */
const OLD = { algorithms: ['MD5'] } as const

describe('baresip', () => {
  const heard = shows({ baresip: ['rtp-sent'] })

  test.each(['udp', 'tcp'] as const)(
    'registers over %s, is called, answers and hears the tone',
    heard,
    async (transport) => {
      const registrar = await start({ ...OLD, calls: [{ user: 'alice', every: 3_000 }] })
      await using phone = await baresip({ user: 'alice', registrar, transport })
      await until(() => phone.log().includes('stream: incoming rtp for'), { what: `baresip hears us\n${phone.log()}` })
      await phone.stop()
      await until(() => ended().length === 1, { what: 'baresip hung up' })
      expect(record()[0]).toMatchObject({ event: 'CallStarted', user: 'alice', direction: 'Outgoing' })
      expect(ended()[0]).toMatchObject({ by: 'Remote' })
    },
  )
})

describe('sipsak', () => {
  const sipsak = async (target: string, password: string) => {
    // Its own name is told to it: with a port of five digits it takes `alice@`.
    const account = ['-u', 'alice', '-a', password]
    const options = ['-U', '-C', 'sip:alice@127.0.0.1:5999', '-x', '60', ...account, '-s', `sip:alice@${target}`]
    const child = spawn(commandPath('sipsak'), [...options, '-v'], { stdio: ['ignore', 'pipe', 'pipe'] })
    const [output, [code]] = await Promise.all([text(child.stdout), once(child, 'exit')])
    return { code: Number(code), output }
  }

  test('registers with its password and not with another', async () => {
    const target = await start(OLD)
    expect(await sipsak(target, 'pw-alice')).toMatchObject({ code: 0 })
    expect((await sipsak(target, 'guessed')).code).not.toBe(0)
  })
})
