/** What a manifest says is sent, as baresip heard and saw it: the product places the call, the peer decodes it. */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { level, share } from '../../agent/media/codec/sound.fixture.ts'
import { readWave } from '../../agent/media/source/wave-file.ts'
import { wave } from '../../agent/media/source/wave.fixture.ts'
import { baresip } from '../lab/baresip.ts'
import { shows } from '../lab/features.ts'
import { temporaryFolder } from '../lab/process.ts'
import { ringcheck } from '../lab/ringcheck.ts'

/** Two channels, 44100 samples a second: nothing that a codec takes as it is. */
function recordingOf(frequency: number): Buffer {
  const samples = Int16Array.from({ length: 2 * 44_100 }, (_, index) =>
    Math.round(6000 * Math.sin((2 * Math.PI * frequency * Math.floor(index / 2)) / 44_100)),
  )
  return wave(Buffer.from(samples.buffer), { channels: 2, rate: 44_100 })
}

const manifests = (port: number, media: string) => `
apiVersion: ringcheck.dev/v1alpha1
kind: SipRegistrar
metadata: { name: lab }
spec: { domain: 127.0.0.1, port: ${port}, register: false }
---
apiVersion: ringcheck.dev/v1alpha1
kind: SipProbe
metadata: { name: trunk }
spec:
  registrarRef: { name: lab }
  target: sip:baresip@127.0.0.1
  schedule: { interval: 10m }
  callDuration: 3s
  media: ${media}
---
apiVersion: v1
kind: ConfigMap
metadata: { name: sounds }
data: { none.wav: no sound }
binaryData: { mine.wav: ${recordingOf(700).toString('base64')} }
`

/** The product over these manifests, with a peer that records. */
async function served(media: string) {
  await using stack = new AsyncDisposableStack()
  const root = stack.use(temporaryFolder('sources')).path
  const [folder, data, heard] = ['manifests', 'data', 'heard'].map((name) => join(root, name))
  if (folder === undefined || data === undefined || heard === undefined) throw new Error('three folders')
  for (const each of [folder, data, heard]) mkdirSync(each)
  const peer = stack.use(await baresip({ records: heard, video: 'H264' }))
  writeFileSync(join(folder, 'all.yaml'), manifests(peer.port, media))
  const product = stack.use(await ringcheck({ folder, data }))
  const owned = stack.move()
  return { product, peer, heard, [Symbol.asyncDispose]: () => owned.disposeAsync() }
}

/** That the peer heard nothing but this. @param loudness dBov */
async function expectHeard(source: string, { frequency, loudness }: { frequency: number; loudness: number }) {
  await using lab = await served(`{ audio: { source: ${source} } }`)
  await lab.product.becomes('trunk', 'called', ({ lastExecution }) => lastExecution !== undefined, 60_000)
  const name = readdirSync(lab.heard).find((each) => each.endsWith('-dec.wav')) ?? 'nothing'
  const outcome = readWave(name, readFileSync(join(lab.heard, name)))
  if (outcome.kind === 'Unusable') throw new Error(outcome.detail)
  const { samples, sampleRate } = outcome.recording
  expect(samples.length / sampleRate).toBeGreaterThan(2)
  const beginning = samples.subarray(0, sampleRate / 2)
  expect(share(beginning, frequency, sampleRate)).toBeGreaterThan(0.9)
  expect(level(beginning)).toBeCloseTo(loudness, 0)
}

test('a WAV file of a ConfigMap is what the peer hears', shows({ baresip: ['wave-source'] }), () =>
  expectHeard('{ fileRef: { name: sounds, key: mine.wav } }', {
    frequency: 700,
    loudness: 20 * Math.log10(6000 / 32_768 / Math.SQRT2),
  }),
)

test('a tone is what the peer hears, as high and as loud as it is to be', () =>
  expectHeard('{ tone: { frequency: 440, level: -20.5 } }', { frequency: 440, loudness: -20.5 }))

test('video is what the peer sees, and what it shows is in the status', async () => {
  await using lab = await served('{ video: { codec: H264, resolution: R720p, fps: 15 } }')
  const called = ({ lastExecution }: { lastExecution?: unknown }) => lastExecution !== undefined
  const { lastExecution } = await lab.product.becomes('trunk', 'called', called, 60_000)
  expect(lastExecution?.metrics).toMatchObject({ frameWidth: 352, frameHeight: 288 })
  expect(lastExecution?.metrics['frameRate']).toBeGreaterThan(5)
  expect(lab.peer.log()).toContain('video: receiving with resolution 1280 x 720')
})

test('a file that is no WAV file is named, and nobody is called', async () => {
  await using lab = await served('{ audio: { source: { fileRef: { name: sounds, key: none.wav } } } }')
  const status = await lab.product.becomes('trunk', 'declared', ({ reason }) => reason === 'InvalidSpec', 20_000)
  expect(status.message).toBe(
    'spec.media.audio.source.fileRef: the file none.wav in the ConfigMap sounds is no WAV file; allowed is a RIFF file of the form WAVE.',
  )
  expect(status.conditions.find(({ type }) => type === 'Ready')).toMatchObject({
    status: 'False',
    reason: 'InvalidSpec',
  })
  expect(readdirSync(lab.heard)).toEqual([])
})
