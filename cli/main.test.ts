import { describe, expect, test } from 'vitest'
import { commands } from './commands/index.ts'
import { worst } from './exit.ts'
import { age, measured, table } from './output.ts'
import { run } from './terminal.fixture.ts'

describe('the command line', () => {
  test('without a command says what there is', async () => {
    const { code, out } = await run()
    expect(code).toBe(3)
    for (const { name } of commands) expect(out).toContain(`  ${name} `)
    expect((await run('--help')).code).toBe(0)
  })

  test('names a command that is not there, and those that are', async () => {
    const { code, err } = await run('cal')
    expect(code).toBe(3)
    expect(err).toContain('there is no command cal; there are: call, serve')
  })

  test.each(commands.map(({ name }) => name))('%s --help shows usage, flags and examples', async (name) => {
    const { code, out } = await run(name, '--help')
    expect(code).toBe(0)
    expect(out).toContain(`Usage: ringcheck ${name}`)
    expect(out).toContain('Examples:\n  # ')
  })

  test.each([
    [['serve'], 'expected 1 argument, got 0'],
    [['call', 'sip:a@b', 'sip:c@d'], 'expected 1 argument, got 2'],
    [['get', '--what'], "Unknown option '--what'"],
    [['get', 'probe', '--output', 'xml'], '--output xml: allowed are table, json, yaml'],
    [['get', 'pods'], 'there is no kind pods'],
    [['call', 'echo'], 'echo: must be a SIP URI'],
    [['call', 'tel:+4930123456'], 'tel:+4930123456: must be a SIP URI'],
    [['call', 'sip:a@b;transport=sctp'], '--transport SCTP: allowed are UDP, TCP, TLS, WS, WSS'],
    [['call', 'sip:a@b', '--transport', 'quic'], '--transport quic: allowed are UDP, TCP, TLS, WS, WSS'],
    [['call', 'sips:a@b', '--transport', 'UDP'], 'sips is not for UDP'],
    [['call', 'sip:a@b', '--registrar', 'b:99999'], 'b:99999: must be HOST or HOST:PORT'],
    [['call', 'sip:a@b', '--codec', 'G729'], '--codec G729: allowed are PCMA, PCMU'],
    [['call', 'sip:a@b', '--duration', 'long'], '--duration long: must be a duration'],
    [['respond', '--listen', '5060'], '--listen "5060": must be HOST:PORT'],
    [['respond', '--call', 'bob'], '--call bob: must be USER@:EVERY'],
  ])('%j is refused with a sentence and the usage', async (words, sentence) => {
    const { code, err } = await run(...words)
    expect(code).toBe(3)
    expect(err).toContain(sentence)
    expect(err).toContain('--help shows more')
  })

  test('says that nothing answers where no Ringcheck runs', async () => {
    const { code, err } = await run('get')
    expect(code).toBe(3)
    expect(err).toContain('nothing answers at http://127.0.0.1:1')
  })
})

describe('printing', () => {
  test('aligns columns and leaves colours out of the width', () => {
    const green = '\u001b[32mok\u001b[0m'
    expect(
      table(
        ['A', 'B'],
        [
          [green, 'x'],
          ['longer', 'y'],
        ],
      ),
    ).toBe(`A       B\n${green}      x\nlonger  y\n`)
  })

  test('what was not measured is a dash', () => {
    expect(measured(undefined, 'ms')).toBe('-')
    expect(measured(12.34, 'ms')).toBe('12.3 ms')
  })

  test.each([
    [0, '0s'],
    [119_000, '119s'],
    [120_000, '2m'],
    [7_200_000, '2h'],
    [172_800_000, '2d'],
  ])('%d ms ago is %s', (milliseconds, text) => {
    expect(age(milliseconds)).toBe(text)
  })

  test('the worst of all for a script is what failed for certain', () => {
    expect(worst(['Healthy', 'Degraded'])).toBe('Degraded')
    expect(worst(['Healthy', 'Unknown', 'Degraded'])).toBe('Unknown')
    expect(worst(['Unknown', 'Unhealthy'])).toBe('Unhealthy')
    expect(worst([])).toBe('Unknown')
  })
})
