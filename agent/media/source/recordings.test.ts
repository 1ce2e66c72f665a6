import { expect, test } from 'vitest'
import { Recordings } from './recordings.ts'
import { wave } from './wave.fixture.ts'

const fileOf = (value: number) => wave(Buffer.from(Int16Array.of(value).buffer))

function recordingOf(recordings: Recordings, value: number) {
  const outcome = recordings.of('a.wav', fileOf(value))
  return outcome.kind === 'Recording' ? outcome.recording : outcome.detail
}

test('the same octets are the same recording, others are another, and of many those that were asked for last are kept', () => {
  const recordings = new Recordings()
  const first = recordingOf(recordings, 1)
  expect(first).toMatchObject({ samples: Int16Array.of(1) })
  expect(recordingOf(recordings, 1)).toBe(first)
  expect(recordingOf(recordings, 2)).toMatchObject({ samples: Int16Array.of(2) })
  for (let value = 3; value <= 16; value++) recordingOf(recordings, value)
  const second = recordingOf(recordings, 2)
  expect(recordingOf(recordings, 1)).toBe(first)
  // The one that nobody asked for the longest makes room.
  recordingOf(recordings, 17)
  expect(recordingOf(recordings, 2)).toBe(second)
  recordingOf(recordings, 3)
  expect(recordingOf(recordings, 1)).toBe(first)
})

test('what is no WAV file is refused each time', () => {
  const recordings = new Recordings()
  for (let time = 0; time < 2; time++)
    expect(recordings.of('a.wav', Buffer.from('ID3'))).toMatchObject({ kind: 'Unusable' })
})
