/** That the lab's peers are real, do what their options say, and are gone afterwards; it says nothing of Ringcheck. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect } from 'node:tls'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Webhook } from 'standardwebhooks'
import { describe, expect, test } from 'vitest'
import { baresip } from '../lab/baresip.ts'
import { accessibilityProblems, browser } from '../lab/browser.ts'
import { certificateAuthority } from '../lab/certificates.ts'
import { kamailio } from '../lab/kamailio.ts'
import { temporaryFolder, until } from '../lab/process.ts'
import { checkMetrics } from '../lab/promtool.ts'
import { receiver } from '../lab/receiver.ts'
import { answersOptions } from '../lab/sip.ts'
import { sippCallee, sippCaller, type SippCaller } from '../lab/sipp.ts'

describe('Kamailio', () => {
  test('answers OPTIONS until it is killed, and again after its restart on the same port', async () => {
    await using peer = await kamailio()
    const port = peer.port
    expect(await answersOptions(port)).toBe(true)
    await peer.kill()
    expect(await answersOptions(port)).toBe(false)
    await peer.restart()
    expect(peer.port).toBe(port)
    expect(await answersOptions(port)).toBe(true)
  })

  test('routes svc users to SIPp after digest, over UDP and over TCP', async () => {
    await using callee = await sippCallee({ rtpEcho: true })
    await using peer = await kamailio({ routes: { svc: callee.target } })
    for (const transport of ['udp', 'tcp'] as const) {
      await using caller = await sippCaller({
        target: `127.0.0.1:${peer.port}`,
        scenario: 'call',
        service: 'svc1',
        user: 'alice',
        rtp: true,
        hold: 200,
        transport,
      })
      await succeeds(caller)
    }
    await until(() => callee.counts().calls === 2, { what: 'SIPp counted both calls' })
    expect(callee.counts().failed).toBe(0)
  })

  test('shows the certificate of the name that it is asked for, signed by the authority of the lab', async () => {
    const authority = await certificateAuthority()
    const [identity, named] = [await authority.issue(['127.0.0.1']), await authority.issue(['sip.lab.test'])]
    await using peer = await kamailio({ tls: { identity, named: { name: 'sip.lab.test', identity: named } } })
    for (const [servername, subject] of [
      ['', '127.0.0.1'],
      ['sip.lab.test', 'sip.lab.test'],
    ] as const) {
      const socket = connect({ host: peer.host, port: peer.tlsPort, ca: authority.ca, servername })
      await once(socket, 'secureConnect')
      expect(socket.getPeerCertificate().subject.CN).toBe(subject)
      socket.destroy()
    }
  })

  test('refuses a wrong password', async () => {
    await using callee = await sippCallee()
    await using peer = await kamailio({ routes: { svc: callee.target }, password: 'secret' })
    expect(peer.password('alice')).toBe('secret')
    const call = { target: `127.0.0.1:${peer.port}`, scenario: 'call', service: 'svc1', hold: 0 }
    await using wrong = await sippCaller({ ...call, password: 'guessed' })
    expect(await wrong.finished).toMatchObject({ code: 1, failed: 1 })
    expect(callee.counts().calls).toBe(0)
    await using right = await sippCaller({ ...call, password: 'secret' })
    await succeeds(right)
  })

  test('offers SHA-256 when told to', async () => {
    await using peer = await kamailio({ algorithm: 'SHA-256' })
    // SIPp knows only MD5: that it cannot answer shows what was asked.
    await using caller = await sippCaller({ target: `127.0.0.1:${peer.port}`, scenario: 'register' })
    expect(await caller.finished).toMatchObject({ successful: 0 })
    expect(caller.log()).toContain('authentication must use MD5')
  })

  test('gives up a dead target with 408 after fr_timer, and finds the next target when the route is changed', async () => {
    await using dead = await sippCallee()
    await using peer = await kamailio({ routes: { svc: dead.target }, frTimer: 0.5 })
    await dead.kill()
    const call = { target: `127.0.0.1:${peer.port}`, scenario: 'call', service: 'svc1', hold: 0 }
    await using unanswered = await sippCaller(call)
    expect(await unanswered.finished).toMatchObject({ code: 1, failed: 1 })
    expect(unanswered.log()).toContain('SIP/2.0 408')

    await using alive = await sippCallee()
    await peer.route('svc', alive.target)
    await using answered = await sippCaller(call)
    await succeeds(answered)

    // A restart keeps the route.
    await peer.restart()
    await using again = await sippCaller(call)
    await succeeds(again)

    await peer.route('svc', undefined)
    await using nowhere = await sippCaller(call)
    expect(await nowhere.finished).toMatchObject({ code: 1, failed: 1 })
    expect(nowhere.log()).toContain('SIP/2.0 404')
  })

  test('shows who is registered', async () => {
    await using peer = await kamailio()
    expect(await peer.registrations()).toEqual([])
    await using phone = await sippCaller({ target: `127.0.0.1:${peer.port}`, scenario: 'register', user: 'bob' })
    await succeeds(phone)
    const [registration, ...others] = await peer.registrations()
    expect(others).toEqual([])
    expect(registration).toMatchObject({ aor: 'bob', contact: expect.stringContaining(`127.0.0.1:${phone.port}`) })
    expect(registration?.expires).toBeGreaterThan(3_500)
    await peer.restart()
    expect(await peer.registrations()).toEqual([])
  })
})

describe('baresip', () => {
  test('answers a call of SIPp and hears its RTP', async () => {
    await using phone = await baresip()
    await using caller = await sippCaller({
      target: `127.0.0.1:${phone.port}`,
      scenario: 'call',
      service: 'baresip',
      rtp: true,
      hold: 300,
    })
    await succeeds(caller)
    expect(phone.log()).toContain("incoming rtp for 'audio' established")
    expect(phone.log()).toContain('audio: source started')
  })

  test('is called through the registrar on which it is registered, and unregisters when it is stopped', async () => {
    await using peer = await kamailio()
    for (const transport of ['udp', 'tcp'] as const) {
      await using phone = await baresip({ user: 'carol', registrar: `127.0.0.1:${peer.port}`, transport })
      expect((await peer.registrations()).map(({ aor }) => aor)).toEqual(['carol'])
      await using caller = await sippCaller({
        target: `127.0.0.1:${peer.port}`,
        scenario: 'call',
        service: 'carol',
        hold: 100,
      })
      await succeeds(caller)
      await phone.stop()
      await until(async () => (await peer.registrations()).length === 0, { what: 'baresip has unregistered' })
    }
  })
})

describe('the receiver of webhooks', () => {
  const secret = `whsec_${Buffer.from('a secret of the lab, 32 bytes...').toString('base64')}`

  function post(url: string, id: string, signedWith = secret): Promise<Response> {
    const body = JSON.stringify({ type: 'probe.unhealthy' })
    const now = new Date()
    const headers = {
      'webhook-id': id,
      'webhook-timestamp': String(Math.floor(now.getTime() / 1000)),
      'webhook-signature': new Webhook(signedWith).sign(id, now, body),
    }
    return fetch(url, { method: 'POST', body, headers })
  }

  test('keeps what is signed and refuses what is not', async () => {
    await using hooks = await receiver(secret)
    const coming = hooks.delivery(({ id }) => id === 'one')
    expect((await post(hooks.url, 'one')).status).toBe(204)
    expect(await coming).toMatchObject({ id: 'one', payload: { type: 'probe.unhealthy' }, answered: 204 })
    const other = `whsec_${Buffer.from('another secret').toString('base64')}`
    expect((await post(hooks.url, 'two', other)).status).toBe(401)
    expect((await fetch(hooks.url, { method: 'POST', body: '{}' })).status).toBe(401)
    expect(hooks.deliveries).toHaveLength(1)
    expect(hooks.refused).toHaveLength(2)
  })

  test('fails, goes down and comes back on the same port', async () => {
    await using hooks = await receiver(secret)
    hooks.fail(503)
    expect((await post(hooks.url, 'one')).status).toBe(503)
    await hooks.down()
    await expect(post(hooks.url, 'one')).rejects.toThrow('fetch failed')
    await hooks.up()
    expect((await post(hooks.url, 'one')).status).toBe(204)
    expect((await post(hooks.url, 'one')).status).toBe(204)
    expect(hooks.deliveries.map(({ answered }) => answered)).toEqual([503, 204, 204])
    expect(hooks.accepted()).toEqual(['one'])
  })
})

test('Chromium opens a page, photographs it, and axe judges it', async () => {
  await using chromium = await browser()
  const good = await chromium.open(
    'data:text/html,<!doctype html><html lang="en"><title>Status</title><main><h1>All good</h1></main></html>',
  )
  expect(await good.title()).toBe('Status')
  expect((await good.screenshot()).subarray(1, 4).toString()).toBe('PNG')
  expect(await accessibilityProblems(good)).toEqual([])
  const bad = await chromium.open(
    'data:text/html,<!doctype html><html lang="en"><title>Bad</title><img src="x"></html>',
  )
  expect(await accessibilityProblems(bad)).toEqual([expect.stringContaining('image-alt')])
})

test('promtool accepts good metrics and says what is wrong with others', async () => {
  expect(await checkMetrics('# HELP calls_total Calls.\n# TYPE calls_total counter\ncalls_total 1\n')).toEqual([])
  expect(await checkMetrics('# HELP calls Calls.\n# TYPE calls counter\ncalls 1\n')).toEqual([
    expect.stringContaining('_total'),
  ])
  expect(await checkMetrics('calls{ 1\n')).not.toEqual([])
})

describe('nothing is left', () => {
  test('when a test fails', async () => {
    const pids: number[] = []
    const body = async () => {
      await using callee = await sippCallee()
      await using peer = await kamailio({ routes: { svc: callee.target } })
      pids.push(callee.pid, peer.pid)
      expect(pids.map((pid) => membersOfGroup(pid).length > 0)).toEqual([true, true])
      throw new Error('a test fails')
    }
    await expect(body()).rejects.toThrow('a test fails')
    for (const pid of pids) await until(() => membersOfGroup(pid).length === 0, { what: `group ${pid} is gone` })
  })

  test('when the test process is killed', async () => {
    const source = `
      import { kamailio } from ${JSON.stringify(join(import.meta.dirname, '../lab/kamailio.ts'))}
      const peer = await kamailio()
      console.log(peer.pid)`
    using folder = temporaryFolder('killed')
    const runner = spawn(process.execPath, ['--input-type=module', '--eval', source], {
      env: { ...process.env, TMPDIR: folder.path },
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    try {
      const [line] = await once(runner.stdout, 'data')
      const pid = Number(String(line))
      expect(membersOfGroup(pid)).toContain(pid)
      runner.kill('SIGKILL')
      await until(() => membersOfGroup(pid).length === 0, { what: 'Kamailio is gone' })
    } finally {
      runner.kill('SIGKILL')
    }
  })
})

/** The one call of the caller went as its scenario says. */
async function succeeds(caller: SippCaller): Promise<void> {
  const { code, ...counts } = await caller.finished
  if (code !== 0) throw new Error(`SIPp failed:\n${caller.log()}`)
  expect(counts).toMatchObject({ calls: 1, successful: 1, failed: 0, current: 0 })
}

/** Processes of a group that run; a zombie is none, it only waits for its parent. */
function membersOfGroup(group: number): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && existsSync(`/proc/${name}/stat`))
    .filter((pid) => {
      const [state, , of] = stateOf(pid)
      return Number(of) === group && state !== 'Z' && state !== 'X'
    })
    .map(Number)
}

/** The fields of /proc/PID/stat after the name: state, parent, group (proc(5)); none when the process has gone in the meantime. */
function stateOf(pid: string): string[] {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  } catch {
    return []
  }
}
