import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync, backup } from 'node:sqlite'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { sql } from 'kysely'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { ManualClock } from '../../lib/manual-clock.ts'
import { seededRandom } from '../../lib/random.ts'
import { openHistory } from './index.ts'
import { migrate } from './migrations.ts'
import { historyOn } from './open.ts'
import { openSqlite } from './sqlite.ts'
import { flip, probe, start } from './test-entries.ts'

let folder: string
let file: string
const clock = new ManualClock(start)

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'history-'))
  file = join(folder, 'history.db')
})
afterEach(() => rmSync(folder, { recursive: true }))

/** Starts the recorder, kills it with SIGKILL after `count` more records and `rest` ms, returns the last number it said. */
async function killedAfter(count: number, rest: number): Promise<number> {
  const recorder = spawn(process.execPath, [fileURLToPath(new URL('./test-recorder.ts', import.meta.url)), file], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  try {
    let said = ''
    recorder.stdout.setEncoding('utf8')
    await new Promise<void>((resolve, reject) => {
      recorder.once('exit', () => reject(new Error('the recorder ended by itself')))
      recorder.stdout.on('data', (text: string) => {
        said += text
        if (said.split('\n').length > count) resolve()
      })
    })
    // The moment of the kill inside a transaction is chance: the real time is the point here.
    await new Promise((resolve) => setTimeout(resolve, rest))
    recorder.removeAllListeners('exit')
    const ended = once(recorder, 'close')
    recorder.kill('SIGKILL')
    await ended
    // The last line may be cut.
    return Number(said.slice(0, said.lastIndexOf('\n')).split('\n').at(-1))
  } finally {
    recorder.kill('SIGKILL')
  }
}

describe('a process that is killed while it records', () => {
  test('loses nothing that it recorded and leaves no half entry, ten times', { timeout: 60_000 }, async () => {
    const random = seededRandom(7)
    const most = { page: 1, perPage: 100_000 }
    for (let kill = 1; kill <= 10; kill++) {
      const said = await killedAfter(1 + Math.floor(random() * 20), random() * 30)
      await using history = await openHistory({ file, clock })
      const { sequence, recentLevels, lastExecution, lastRound } = await history.memory(probe)
      expect(sequence).toBeGreaterThanOrEqual(said)
      const numbers = Array.from({ length: sequence }, (_, index) => sequence - index)
      const transitions = await history.transitions(probe, most)
      expect(transitions.items.map((item) => item.sequence)).toEqual(numbers)
      const executions = await history.executions(probe, most)
      expect(executions.items.map(({ id }) => id)).toEqual(
        numbers.flatMap((number) => [`switchboard-run-${number}-east`, `switchboard-run-${number}`]),
      )
      const deliveries = await history.outbox.list(most)
      expect(deliveries.items.map((item) => `${item.sequence} ${item.webhook}`)).toEqual(
        numbers.flatMap((number) => [`${number} pager`, `${number} chat`]),
      )
      expect(recentLevels).toHaveLength(Math.min(10, sequence))
      expect(lastExecution?.id).toBe(`switchboard-run-${sequence}`)
      expect(lastRound?.slot).toBe(flip(sequence).round?.slot)
      for (const id of [`switchboard-run-${sequence}`, `switchboard-run-${sequence}-east`]) {
        const whole = await history.executionById(id)
        expect(whole?.samples).toHaveLength(2)
        expect(whole?.trace?.messages).toHaveLength(1)
      }
    }
  })
})

test('what is kept for another time goes after that time', async () => {
  const retention = { executions: 2, samples: 1, traces: 2, transitions: 400 }
  await using history = await openHistory({ file, clock, retention })
  await history.record(flip(1))
  const { slot = 0 } = flip(1).executions[0] ?? {}
  await history.prune(slot + 86_400_001)
  expect(await history.executionById('switchboard-run-1')).toMatchObject({ samples: [], trace: { truncated: false } })
  await history.prune(slot + 2 * 86_400_001)
  expect(await history.executionById('switchboard-run-1')).toBeUndefined()
})

test('a backup that is made while it is written opens with all that was recorded', async () => {
  await using history = await openHistory({ file, clock })
  for (const sequence of [1, 2, 3]) await history.record(flip(sequence))
  const copy = join(folder, 'copy.db')
  const reader = new DatabaseSync(file)
  const [pages] = await Promise.all([backup(reader, copy), history.record(flip(4))])
  reader.close()
  expect(pages).toBeGreaterThan(0)
  await using restored = await openHistory({ file: copy, clock })
  const { sequence } = await restored.memory(probe)
  expect(sequence).toBeGreaterThanOrEqual(3)
  expect((await restored.execution(probe, `switchboard-run-${sequence}`))?.samples).toHaveLength(2)
})

describe('a file that cannot be used says so with its path', () => {
  test('no SQLite database', async () => {
    writeFileSync(file, 'this is a text file, and long enough to be taken for something else'.repeat(100))
    await expect(openHistory({ file, clock })).rejects.toMatchObject({
      name: 'HistoryError',
      code: 'HistoryCorrupt',
      message: `history ${file} is not a SQLite database (file is not a database)`,
    })
  })

  test('a folder that is not there', async () => {
    const nowhere = join(folder, 'none', 'history.db')
    await expect(openHistory({ file: nowhere, clock })).rejects.toMatchObject({
      code: 'HistoryUnavailable',
      message: expect.stringContaining(`history ${nowhere} cannot be opened`),
    })
  })

  test('damaged inside', async () => {
    const history = await openHistory({ file, clock })
    await history[Symbol.asyncDispose]()
    // The first page stays as it is, so that it still looks like a database.
    const bytes = readFileSync(file)
    writeFileSync(file, bytes.fill(0xa5, 4096))
    await expect(openHistory({ file, clock })).rejects.toMatchObject({
      code: 'HistoryCorrupt',
      message: expect.stringContaining(`history ${file} is damaged`),
    })
  })

  test('locked by another process', async () => {
    await using store = openSqlite({ file, busyTimeout: 20 })
    await migrate(store)
    const history = historyOn(store, clock)
    const holder = new DatabaseSync(file)
    try {
      holder.exec('begin immediate')
      await expect(history.record(flip(1))).rejects.toMatchObject({
        code: 'HistoryLocked',
        message: expect.stringContaining(`history ${file} is locked by another process`),
      })
      holder.exec('rollback')
      await history.record(flip(1))
      expect((await history.memory(probe)).sequence).toBe(1)
    } finally {
      holder.close()
    }
  })

  test('full: the entry is left out as a whole, and what was there stays readable', async () => {
    await using store = openSqlite({ file })
    await migrate(store)
    const history = historyOn(store, clock)
    await history.record(flip(1))
    const { rows } = await sql<{ page_count: number }>`pragma page_count`.execute(store.database)
    await sql`pragma max_page_count = ${sql.lit(rows[0]?.page_count ?? 0)}`.execute(store.database)
    const huge = { ...flip(2), deliveries: flip(2).deliveries.map((item) => ({ ...item, body: 'x'.repeat(100_000) })) }
    await expect(history.record(huge)).rejects.toMatchObject({
      code: 'HistoryFull',
      message: expect.stringContaining(`history ${file} cannot grow: the disk is full`),
    })
    expect((await history.executions(probe, { page: 1, perPage: 10 })).total).toBe(2)
    await sql`pragma max_page_count = 100000`.execute(store.database)
    await history.record(huge)
    expect((await history.memory(probe)).sequence).toBe(2)
  })

  test('written by a newer version', async () => {
    const history = await openHistory({ file, clock })
    await history[Symbol.asyncDispose]()
    const newer = new DatabaseSync(file)
    newer.exec(`update counters set value = 99 where name = 'schema'`)
    newer.close()
    await expect(openHistory({ file, clock })).rejects.toMatchObject({
      code: 'HistoryNewer',
      message: expect.stringMatching(
        /history .+ was written by a newer version of Ringcheck \(schema 99, this version knows \d+\)/,
      ),
    })
  })
})

describe('a transaction that has begun', () => {
  test('is not overtaken between what it read and what it writes', async () => {
    await using one = openSqlite({ file })
    await migrate(one)
    await using other = openSqlite({ file, busyTimeout: 20 })
    const count = (value: number) => ({ name: 'epoch', value })
    await one.database.transaction().execute(async (transaction) => {
      expect(await transaction.selectFrom('counters').selectAll().where('name', '=', 'epoch').execute()).toEqual([])
      const overtaking = other.database.insertInto('counters').values(count(7)).execute()
      await expect(overtaking).rejects.toMatchObject({ code: 'HistoryLocked' })
      await transaction.insertInto('counters').values(count(1)).execute()
    })
    expect(await historyOn(other, clock).objects.nextEpoch()).toBe(2)
  })
})

describe('processes that open a new file at once', () => {
  test('all find the tables complete', async () => {
    const program = `
      import { openHistory } from ${JSON.stringify(new URL('./open.ts', import.meta.url))}
      import { systemClock } from ${JSON.stringify(new URL('../../lib/clock.ts', import.meta.url))}
      await using history = await openHistory({ file: process.argv[1], clock: systemClock })
      console.log(await history.objects.nextEpoch())`
    const run = promisify(execFile)
    const arguments_ = ['--input-type=module', '--eval', program, file]
    const ended = await Promise.all([1, 2, 3].map(() => run(process.execPath, arguments_)))
    expect(ended.map(({ stdout }) => stdout.trim()).toSorted()).toEqual(['1', '2', '3'])
  })
})
