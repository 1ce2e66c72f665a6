/** The command as people and scripts run it, against the built-in responder. */
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { connect } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { wave } from '../../agent/media/source/wave.fixture.ts'
import type { Responder } from '../../agent/respond/index.ts'
import { startResponder } from '../../agent/respond/index.ts'
import { systemClock } from '../../lib/clock.ts'
import { listen } from '../../lib/http.ts'
import { createLog } from '../../lib/log.ts'
import { systemRandom } from '../../lib/random.ts'
import { coturn } from '../lab/coturn.ts'
import { freePort } from '../lab/ports.ts'
import { temporaryFolder } from '../lab/process.ts'
import { ringcheck } from '../lab/ringcheck.ts'
import { readPcap } from '../lab/tshark.ts'

const MAIN = join(import.meta.dirname, '../../cli/main.ts')

interface Ran {
  code: number
  out: string
  err: string
}

function run(words: readonly string[], environment: Record<string, string> = {}): Promise<Ran> {
  return new Promise((resolve) => {
    const options = { env: { ...process.env, ...environment }, timeout: 60_000 }
    const child = execFile(process.execPath, [MAIN, ...words], options, (_error, out, err) =>
      resolve({ code: child.exitCode ?? -1, out, err }),
    )
  })
}

const probe = (name: string, target: string, more = '') => `
---
apiVersion: ringcheck.dev/v1alpha1
kind: SipProbe
metadata: { name: ${name} }
spec:
  registrarRef: { name: responder }
  account: ${name}
  target: sip:${target}@127.0.0.1
  schedule: { interval: 10s }
  callDuration: 1s
${more}`

const base = (port: number) => `
apiVersion: ringcheck.dev/v1alpha1
kind: SipRegistrar
metadata: { name: responder }
spec:
  domain: 127.0.0.1
  port: ${port}
  accounts:
    - { username: good, passwordRef: { name: passwords, key: all } }
    - { username: bad, passwordRef: { name: passwords, key: all } }
---
apiVersion: v1
kind: Secret
metadata: { name: passwords }
stringData: { all: the-password }`

let responder: Responder
beforeAll(async () => {
  responder = await startResponder({
    listen: { host: '127.0.0.1', port: await freePort() },
    accounts: ['good', 'bad'].map((username) => ({ username, password: 'the-password' })),
    clock: systemClock,
    random: systemRandom,
    log: createLog({ name: 'responder', level: 'error' }),
  })
})
afterAll(() => responder[Symbol.asyncDispose]())

/** A verdict and its exit code: one of these, or that this machine was too busy to measure honestly. */
const honest =
  (...verdicts: Array<[text: string, code: number]>) =>
  ([text, code]: unknown[]) =>
    [...verdicts, ['Unknown', 2], ['Unknown: AgentSaturated', 2]].some(([each, its]) => each === text && its === code)

/** The requests in a pcap file; a busy machine may make retransmissions: they count once. */
async function methods(pcap: string): Promise<string[]> {
  const rows = await readPcap(pcap, ['sip.Method'])
  return [...new Set(rows.map((row) => row['sip.Method'] ?? ''))].filter((method) => method !== '')
}

describe('ringcheck call', () => {
  const target = (user: string) => `sip:${user}@127.0.0.1:${responder.port}`

  test.each([
    ['UDP', 'good'],
    ['TCP', 'good'],
  ])('over %s is Healthy, with ladder and figures, and exits 0', async (transport) => {
    const { code, out, err } = await run(['call', target('echo'), '--duration', '2s', '--transport', transport])
    expect(out).toContain('INVITE sip:echo@127.0.0.1')
    expect(out).toMatch(/^MOS +4\.\d+$/m)
    expect(out).toMatch(/^Packet loss +0 %$/m)
    expect(err).toContain('InCall')
    expect([out.trim().split('\n').at(-1)?.split('.')[0], code]).toSatisfy(honest(['Healthy: WithinThresholds', 0]))
  })

  test('shows its seconds while it runs, then codec, encryption and what was noticed', async () => {
    const words = ['call', target('tone'), '--duration', '3s', '--codec', 'G722', '--encryption', 'SDES', '--rtcp-mux']
    const { out, err } = await run(words)
    const second =
      /^ +2 s {2}MOS \d\.\d\d {2}jitter \d+\.\d ms {2}loss \d+\.\d % {2}rtt (-|\d+\.\d ms) {2}in \d+ {2}out \d+ packets\/s$/m
    expect(err).toMatch(second)
    for (const line of [
      /^Codec +G722$/m,
      /^Encryption +SRTP, AES_CM_128_HMAC_SHA1_80$/m,
      /^RTCP +on the port of RTP$/m,
      /^MOS model +G\.107\.1, /m,
      /^StuckTone +The same tone was heard during the whole call\./m,
      /^Audio level +-\d+/m,
    ])
      expect(out).toMatch(line)
    expect(out).not.toMatch(/inline:[^x]/)
  })

  test('with video says how many frames came of what size', async () => {
    const { out, err } = await run(['call', target('echo'), '--duration', '3s', '--video', 'H264'])
    expect(err).toMatch(/^ +2 s .* video \d+ frames\/s$/m)
    for (const line of [/^Video +H264, encryption none$/m, /^Frame width +640 pixels/m, /^Key frames +\d/m]) {
      expect(out).toMatch(line)
    }
    const refused = await run(['call', target('echo'), '--video', 'VP8', '--encryption', 'DTLS'])
    expect(refused).toMatchObject({ code: 3, err: expect.stringContaining('--video: not with --encryption DTLS') })
  })

  test('plays a WAV file, and names what is none', async () => {
    using folder = temporaryFolder('play')
    const [sound, text] = [join(folder.path, 'sound.wav'), join(folder.path, 'text.wav')]
    const samples = Int16Array.from({ length: 8000 }, (_, index) => 8000 * Math.sin((2 * Math.PI * 700 * index) / 8000))
    writeFileSync(sound, wave(Buffer.from(samples.buffer)))
    writeFileSync(text, 'no sound')
    const { out } = await run(['call', target('echo'), '--duration', '2s', '--play', sound])
    // It comes back as loud as it is in the file: -15.25 dBov.
    expect(Number(/^Audio level +(-[\d.]+) dBov/m.exec(out)?.[1])).toBeCloseTo(-15.3, 0)
    const bad = await run(['call', target('echo'), '--play', text])
    const message = '--play: ' + text + ' is no WAV file; allowed is a RIFF file of the form WAVE'
    expect(bad).toMatchObject({ code: 3, err: expect.stringContaining(message) })
  })

  test('shows the handshake, and the candidates that media goes between', async () => {
    const words = ['call', target('echo'), '--duration', '3s', '--encryption', 'DTLS', '--ice', 'Full']
    const { out } = await run(words)
    expect(out).toMatch(/^Encryption +SRTP, AEAD_AES_128_GCM, by DTLS in \d+ ms$/m)
    expect(out).toMatch(/^ICE +host to host, gathered in \d+ ms, connected in \d+ ms$/m)
    expect(out).toMatch(/^RTCP +on the port of RTP$/m)
    expect(out).toMatch(/^Packet loss +0 %$/m)
  })

  test('asks STUN and TURN servers, and says what one of them refuses', async () => {
    await using server = await coturn()
    const where = `${server.host}:${server.port}`
    const call = ['call', target('echo'), '--duration', '1s']
    const words = [...call, '--ice', 'Full', '--stun', where, '--turn', `turn:${where}`, '--turn-username', 'lab']
    const allowed = await run(words, { RINGCHECK_TURN_PASSWORD: server.password })
    expect(allowed.out).toMatch(/^ICE +host to host, gathered in \d+ ms, connected in \d+ ms$/m)
    const refused = await run(words, { RINGCHECK_TURN_PASSWORD: 'another-one' })
    expect(refused.out).toContain(`; turn:${where}: refused with 401 Unauthorized`)
    expect(refused.out + refused.err).not.toContain('another-one')
    for (const [more, message] of [
      [['--ice', 'Lite', '--stun', where], '--stun: goes with --ice Full'],
      [['--ice', 'Full', '--stun', 'stun.example'], '--stun stun.example: must be host:port'],
      [['--ice', 'Full', '--turn', 'turns:a.example'], '--turn turns:a.example: must be turn:host[:port]'],
      [['--ice', 'Full', '--turn', 'turn:a.example'], '--turn: needs --turn-username'],
    ] as const)
      expect(await run([...call, ...more])).toMatchObject({ code: 3, err: expect.stringContaining(message) })
  })

  test('keeps its SIP messages in a file for tshark', async () => {
    using folder = temporaryFolder('pcap')
    const pcap = join(folder.path, 'call.pcap')
    const { out } = await run(['call', target('echo'), '--duration', '1s', '--pcap', pcap])
    expect(out).toContain('INVITE sip:echo@127.0.0.1')
    expect(await methods(pcap)).toEqual(['INVITE', 'ACK', 'BYE'])
    const unwritable = await run(['call', target('reject-603'), '--pcap', join(folder.path, 'nowhere', 'call.pcap')])
    expect(unwritable.err).toContain('call.pcap cannot be written')
    expect(unwritable.code).toBe(3)
  })

  test('does not dial an emergency number', async () => {
    const { code, err } = await run(['call', 'sip:11-2@127.0.0.1'])
    expect(err).toContain('emergency number')
    expect(code).toBe(3)
  })

  test('that is rejected exits 1 and says by what', async () => {
    const { code, out } = await run(['call', target('reject-603')])
    expect(out).toContain('Unhealthy: Rejected6xx')
    expect(code).toBe(1)
  })

  test('prints every figure as JSON', async () => {
    const { code, out, err } = await run(['call', target('loss-10'), '--duration', '2s', '--output', 'json'])
    const result = JSON.parse(out) as {
      health: string
      metrics: Record<string, number>
      basis: Record<string, Record<string, unknown>>
      samples: unknown[]
    }
    expect(result.metrics['packetLoss']).toBeGreaterThan(4)
    expect(Object.keys(result.basis)).toEqual(Object.keys(result.metrics))
    for (const basis of Object.values(result.basis))
      expect(basis).toMatchObject({ unit: expect.any(String), source: expect.any(String) })
    expect(result.basis['mos']).toMatchObject({
      unit: 'MOS',
      model: 'G.107',
      codec: expect.stringContaining('PCMA'),
      jitterBuffer: 'fixed, 60 ms',
      delayBasis: expect.stringContaining('jitter buffer + packetization'),
    })
    expect(result.samples.length).toBeGreaterThan(0)
    expect(err).toBe('')
    expect([result.health, code]).toSatisfy(honest(['Unhealthy', 1], ['Degraded', 4]))
  })

  test('registers with a password from the environment, and says when it is wrong', async () => {
    const words = ['call', target('echo'), '--check', 'Register', '--username', 'good']
    expect((await run(words, { RINGCHECK_PASSWORD: 'the-password' })).code).toBe(0)
    const wrong = await run(words, { RINGCHECK_PASSWORD: 'hunter2' })
    expect(wrong.out).toContain('AuthenticationFailed')
    expect(wrong.out + wrong.err).not.toContain('hunter2')
    expect(wrong.code).toBe(1)
  })
})

describe('ringcheck serve', () => {
  test('--once executes each probe once and exits by the worst', async () => {
    using temporary = temporaryFolder('once')
    const folder = join(temporary.path, 'manifests')
    mkdirSync(folder)
    const ports = [await freePort(), await freePort(), await freePort()]
    const words = ['serve', folder, '--once', '--data', join(temporary.path, 'data')]
    const flags = ['api', 'pages', 'admin'].flatMap((name, index) => [`--${name}`, `127.0.0.1:${ports[index]}`])
    writeFileSync(join(folder, 'all.yaml'), base(responder.port) + probe('good', 'echo'))
    const good = await run([...words, ...flags])
    const health = /^good +(\w+)/m.exec(good.out)?.[1] ?? ''
    expect([health, good.code]).toSatisfy(honest(['Healthy', 0]))
    expect(good.out).toMatch(/^good +(Healthy|Unknown) +4\.\d+ /m)
    writeFileSync(join(folder, 'bad.yaml'), probe('bad', 'busy'))
    const bad = await run([...words, ...flags, '--output', 'json'])
    expect(JSON.parse(bad.out)).toMatchObject([{ metadata: { name: 'good' } }, { status: { reason: 'Busy' } }])
    expect(bad.code).toBe(1)
  })

  test('names a port that is in use and the flag that chooses another', async () => {
    using temporary = temporaryFolder('ports')
    writeFileSync(join(temporary.path, 'all.yaml'), base(responder.port))
    const taken = createServer()
    const { port } = await listen(taken, { flag: '--none', host: '127.0.0.1', port: 0 })
    const free = await freePort()
    const words = ['serve', temporary.path, '--data', temporary.path, '--api', `127.0.0.1:${port}`]
    const { code, err } = await run([
      ...words,
      '--pages',
      `127.0.0.1:${free}`,
      '--admin',
      `127.0.0.1:${await freePort()}`,
    ])
    taken.close()
    expect(err).toContain(`127.0.0.1:${port} is in use by another process: choose another with --api HOST:PORT`)
    expect(code).toBe(3)
  })

  test('refuses to be open to the network without a token', async () => {
    using temporary = temporaryFolder('open')
    writeFileSync(join(temporary.path, 'all.yaml'), base(responder.port))
    const { code, err } = await run(['serve', temporary.path, '--data', temporary.path, '--api', '0.0.0.0:0'])
    expect(err).toContain('needs a token')
    expect(code).toBe(3)
  })

  test('has its data folder to itself, and a request that never ends does not keep it from stopping', async () => {
    using temporary = temporaryFolder('alone')
    const folder = join(temporary.path, 'manifests')
    const data = join(temporary.path, 'data')
    for (const path of [folder, data]) mkdirSync(path)
    writeFileSync(join(folder, 'all.yaml'), base(responder.port) + probe('good', 'echo'))
    await using product = await ringcheck({ folder, data })
    const second = await run([
      'serve',
      folder,
      '--data',
      data,
      '--api',
      '127.0.0.1:0',
      '--pages',
      '127.0.0.1:0',
      '--admin',
      '127.0.0.1:0',
    ])
    expect(second.err).toContain(`${data} is in use by another ringcheck serve`)
    expect(second.code).toBe(3)

    const halves = [product.urls.api, product.urls.pages, product.urls.admin].map((url) => {
      const socket = connect(Number(new URL(url).port), '127.0.0.1', () =>
        socket.write('GET / HTTP/1.1\r\nHost: x\r\n'),
      )
      return socket.on('error', () => undefined)
    })
    await Promise.all(halves.map((socket) => once(socket, 'connect')))
    expect((await product.stop()).code).toBe(0)
  })

  test('follows the folder; what breaks is named and changes nothing of the rest', async () => {
    using temporary = temporaryFolder('folder')
    const folder = join(temporary.path, 'manifests')
    const data = join(temporary.path, 'data')
    for (const path of [folder, data]) mkdirSync(path)
    const file = join(folder, 'good.yaml')
    writeFileSync(join(folder, 'base.yaml'), base(responder.port))
    writeFileSync(file, probe('good', 'echo', '  traces: All\n'))
    await using product = await ringcheck({ folder, data })
    const first = await product.becomes('good', 'Healthy', ({ health }) => health === 'Healthy', 60_000)
    expect((await product.probe('good')).metadata.generation).toBe(1)

    writeFileSync(file, probe('good', 'echo', '  callDuration: for ever\n').replace('  callDuration: 1s\n', ''))
    await expect
      .poll(() => product.get<Array<{ file: string; line: number; field: string }>>('/problems'), { timeout: 15_000 })
      .toMatchObject([{ file: expect.stringContaining('good.yaml'), line: 11, field: 'spec.callDuration' }])
    expect(product.log()).toContain('spec.callDuration')
    expect((await product.probe('good')).metadata.generation).toBe(1)

    writeFileSync(join(folder, 'bad.yaml'), probe('bad', 'reject-404'))
    await product.becomes('bad', 'Unhealthy', ({ reason }) => reason === 'Rejected4xx', 60_000)

    const environment = { RINGCHECK_URL: product.urls.api }
    const shown = await run(['get'], environment)
    expect(shown.out).toMatch(/^bad +Unhealthy/m)
    expect(shown.code).toBe(1)
    const ladder = await run(['trace', 'bad'], environment)
    expect(ladder.out).toContain('404')
    const pcap = join(data, 'good.pcap')
    const traced = await run(['trace', first.lastExecution?.id ?? '', '--pcap', pcap], environment)
    expect(traced.out).toContain('INVITE sip:echo@127.0.0.1')
    expect(await methods(pcap)).toEqual(['REGISTER', 'INVITE', 'ACK', 'BYE'])
    const asked = await product.fetch('/projects/default/probes/good/run', { method: 'POST' })
    expect(asked.status).toBe(202)
    const { executionId } = (JSON.parse(asked.text) as { data: { executionId: string } }).data
    await expect
      .poll(async () => (await product.fetch(`/projects/default/probes/good/executions/${executionId}`)).status, {
        timeout: 30_000,
      })
      .toBe(200)

    writeFileSync(file, 'not: [yaml')
    writeFileSync(join(folder, 'bad.yaml'), '')
    await expect
      .poll(async () => (await product.fetch('/projects/default/probes/bad')).status, { timeout: 15_000 })
      .toBe(404)
    expect((await product.probe('good')).status?.health).toBe('Healthy')
    await expect.poll(() => product.metrics()).not.toContain('probe="bad"')
  }, 240_000)
})
