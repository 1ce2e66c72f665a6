import { createServer } from 'node:http'
import { createServer as createPlainServer } from 'node:net'
import fc from 'fast-check'
import { describe, expect, onTestFinished, test } from 'vitest'
import { formatAddress, isLoopback, listen, parseAddress } from './http.ts'

function server() {
  const made = createServer((_, response) => response.end('here'))
  onTestFinished(() => void made.close())
  return made
}

describe('HOST:PORT', () => {
  test.each([
    ['127.0.0.1:8080', { host: '127.0.0.1', port: 8080 }],
    ['localhost:0', { host: 'localhost', port: 0 }],
    ['[::1]:9464', { host: '::1', port: 9464 }],
    ['ringcheck.example.com:443', { host: 'ringcheck.example.com', port: 443 }],
  ])('%s is an address', (text, address) => {
    expect(parseAddress(text)).toEqual({ kind: 'Address', address })
  })

  test.each([
    ['8080', 'must be HOST:PORT'],
    ['localhost', 'must be HOST:PORT'],
    ['::1:8080', 'must be HOST:PORT'],
    ['localhost:', 'must be HOST:PORT'],
    ['localhost:-1', 'must be HOST:PORT'],
    ['localhost:99999', 'the port 99999 is above 65535'],
    [':8080', '"" is neither a host name nor an IP address'],
    ['[localhost]:8080', '"localhost" is neither a host name nor an IP address'],
    ['127.0.0.999:8080', '"127.0.0.999" is neither a host name nor an IP address'],
    ['a b:8080', '"a b" is neither a host name nor an IP address'],
  ])('%s is none', (text, message) => {
    const parsed = parseAddress(text)
    expect(parsed.kind === 'NotAnAddress' && parsed.message).toContain(message)
    expect(parsed.kind === 'NotAnAddress' && parsed.message).toContain(JSON.stringify(text))
  })

  test('what is written is read back', () => {
    const host = fc.oneof(fc.ipV4(), fc.ipV6(), fc.domain())
    fc.assert(
      fc.property(host, fc.integer({ min: 0, max: 65535 }), (name, port) => {
        const address = { host: name, port }
        expect(parseAddress(formatAddress(address))).toEqual({ kind: 'Address', address })
      }),
    )
  })

  test('any text is an address or a reason', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect(['Address', 'NotAnAddress']).toContain(parseAddress(text).kind)
      }),
    )
  })
})

test('loopback is what only this machine reaches', () => {
  for (const host of ['127.0.0.1', '127.8.8.8', '::1', '::ffff:127.0.0.1', 'localhost', 'LocalHost'])
    expect([host, isLoopback(host)]).toEqual([host, true])
  for (const host of ['0.0.0.0', '::', '10.0.0.1', 'localhost.example.com', '127.0.0.1.example.com', ''])
    expect([host, isLoopback(host)]).toEqual([host, false])
})

describe('listening', () => {
  test('gives the port that the system chose', async () => {
    const { host, port } = await listen(server(), { flag: '--api', host: '127.0.0.1', port: 0 })
    const response = await fetch(`http://${host}:${port}/`)
    expect(await response.text()).toBe('here')
  })

  test('a port in use is an error that names it and the flag, and the server can go elsewhere', async () => {
    const { port } = await listen(server(), { flag: '--api', host: '127.0.0.1', port: 0 })
    const second = server()
    await expect(listen(second, { flag: '--api', host: '127.0.0.1', port })).rejects.toThrow(
      `127.0.0.1:${port} is in use by another process: choose another with --api HOST:PORT`,
    )
    expect((await listen(second, { flag: '--api', host: '127.0.0.1', port: 0 })).port).not.toBe(port)
  })

  test('an address that this machine does not have is named', async () => {
    await expect(listen(server(), { flag: '--pages', host: '192.0.2.1', port: 8081 })).rejects.toThrow(
      '192.0.2.1:8081: this machine has no address 192.0.2.1: choose another with --pages HOST:PORT',
    )
  })

  test('a port that this user may not have is named', async () => {
    // Whether low ports are forbidden depends on the user and the system, so the refusal is the server's own here.
    const refusing = createPlainServer()
    refusing.listen = () => {
      queueMicrotask(() => refusing.emit('error', Object.assign(new Error('no'), { code: 'EACCES' })))
      return refusing
    }
    await expect(listen(refusing, { flag: '--admin', host: '::1', port: 80 })).rejects.toThrow(
      '[::1]:80 is not allowed for this user: choose another with --admin HOST:PORT',
    )
  })
})
