import { gunzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { createAdmin } from './admin.ts'
import { ManualClock } from './manual-clock.ts'

const TEXT = 'one 1\n'.repeat(100_000)

async function scraped(accepted?: string) {
  const metrics = async function* () {
    yield TEXT.slice(0, 200_000)
    yield TEXT.slice(200_000)
  }
  await using admin = createAdmin({ clock: new ManualClock(), metrics, notReady: () => [], draining: () => false })
  const headers = accepted === undefined ? {} : { 'accept-encoding': accepted }
  return await admin.inject({ url: '/metrics', headers })
}

test.each([undefined, 'identity', 'gzip;q=0', 'br'])(
  'who takes no gzip (%s) gets the text as it is',
  async (accepted) => {
    const { headers, payload } = await scraped(accepted)
    expect(headers['content-encoding']).toBeUndefined()
    expect(payload).toBe(TEXT)
  },
)

test.each(['gzip', 'deflate, gzip;q=0.5', 'GZIP; q=1'])('who asks for gzip (%s) gets it', async (accepted) => {
  const { headers, rawPayload } = await scraped(accepted)
  expect(headers).toMatchObject({ 'content-encoding': 'gzip', vary: 'accept-encoding' })
  expect(rawPayload.length).toBeLessThan(TEXT.length / 10)
  expect(gunzipSync(rawPayload).toString()).toBe(TEXT)
})

test('what breaks while it is told ends the answer', async () => {
  const metrics = async function* () {
    yield 'one 1\n'
    throw new Error('gone')
  }
  await using admin = createAdmin({ clock: new ManualClock(), metrics, notReady: () => [], draining: () => false })
  const { statusCode } = await admin.inject({ url: '/metrics', headers: { 'accept-encoding': 'gzip' } })
  expect(statusCode).toBe(500)
})
