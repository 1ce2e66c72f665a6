import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { EchoedPacket } from '../media/media.ts'
import { EchoRecord, openRecord } from './record.ts'
import type { RecordLine } from './record.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ringcheck-record-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const packet = (sequenceNumber: number): EchoedPacket => ({
  ssrc: 7,
  sequenceNumber,
  timestamp: sequenceNumber * 160,
  receivedAt: sequenceNumber * 20,
})

const read = (path: string): unknown[] =>
  readFileSync(path, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as unknown)

const ended = (callId: string): RecordLine => ({
  event: 'CallEnded',
  callId,
  user: 'echo',
  by: 'Remote',
  at: 1,
  monotonic: 2,
})

describe('the file', () => {
  test('has one line for each, in order, once it is flushed', async () => {
    const path = join(folder, 'record')
    await using record = await openRecord(path)
    for (let index = 0; index < 5000; index++) record.write(ended(`call-${index}`))
    await record.flush()
    expect(read(path)).toEqual(Array.from({ length: 5000 }, (_, index) => ended(`call-${index}`)))
  })

  test('has what was written last when the record is closed', async () => {
    const path = join(folder, 'record')
    {
      await using record = await openRecord(path)
      record.write(ended('last'))
    }
    expect(read(path)).toEqual([ended('last')])
  })

  test('keeps what an earlier record wrote', async () => {
    const path = join(folder, 'record')
    for (const callId of ['one', 'two']) {
      await using record = await openRecord(path)
      record.write(ended(callId))
    }
    expect(read(path)).toEqual([ended('one'), ended('two')])
  })

  test('that cannot be opened is an error which names it', async () => {
    const path = join(folder, 'no', 'such', 'folder')
    await expect(openRecord(path)).rejects.toThrow(path)
  })
})

describe('the packets of an echo', () => {
  const follow = () => {
    const lines: RecordLine[] = []
    return { lines, echo: new EchoRecord('call', (line) => lines.push(line)) }
  }

  test('an echoed one is written with the time it left', () => {
    const { lines, echo } = follow()
    echo.received(packet(1), false)
    echo.sent(packet(1), 20.12345678)
    expect(lines).toEqual([{ callId: 'call', ...packet(1), action: 'Echoed', sentAt: 20.123 }])
  })

  test('a dropped one is written when the next one comes, not before', () => {
    const { lines, echo } = follow()
    echo.received(packet(1), true)
    expect(lines).toEqual([])
    echo.received(packet(2), true)
    expect(lines).toEqual([{ callId: 'call', ...packet(1), action: 'Dropped' }])
  })

  test('a last one that was sent after all is echoed and not dropped', () => {
    const { lines, echo } = follow()
    echo.received(packet(1), false)
    echo.sent(packet(1), 20)
    echo.received(packet(2), true)
    echo.sent(packet(2), 55)
    expect(echo.end()).toEqual({ received: 2, echoed: 2, dropped: 0 })
    expect(lines.at(-1)).toEqual({ callId: 'call', ...packet(2), action: 'Echoed', sentAt: 55 })
  })

  test('a last one that could not be sent is dropped', () => {
    const { lines, echo } = follow()
    echo.received(packet(1), true)
    expect(echo.end()).toEqual({ received: 1, echoed: 0, dropped: 1 })
    expect(lines).toEqual([{ callId: 'call', ...packet(1), action: 'Dropped' }])
  })

  test('the one that is written is what came, although the session uses its object again', () => {
    const { lines, echo } = follow()
    const shared = packet(1)
    echo.received(shared, true)
    Object.assign(shared, packet(2))
    echo.received(shared, false)
    expect(lines).toEqual([{ callId: 'call', ...packet(1), action: 'Dropped' }])
  })

  test('without a record the packets are counted all the same', () => {
    const echo = new EchoRecord('call')
    echo.received(packet(1), true)
    echo.received(packet(2), false)
    echo.sent(packet(2), 40)
    expect(echo.end()).toEqual({ received: 2, echoed: 1, dropped: 1 })
  })
})
