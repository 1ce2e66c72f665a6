/** From a master key to the transform of its suite. */
import { CounterMode } from './counter-mode.ts'
import { GaloisCounterMode } from './galois-counter-mode.ts'
import { deriveSessionKeys, type MasterKey, type Protocol, type SessionKeys } from './session-keys.ts'
import { type SuiteName, suites } from './suites.ts'
import type { Transform } from './transform.ts'

/** @throws RangeError when key or salt have not the length that the suite asks for */
export function createTransform(master: MasterKey, protocol: Protocol): Transform {
  return transformOf(master.suite, protocol, deriveSessionKeys(master, protocol))
}

/** The keys become the transform's own: it overwrites them when it is disposed of. */
export function transformOf(suite: SuiteName, protocol: Protocol, keys: SessionKeys): Transform {
  const { transform, tagLength } = suites[suite]
  switch (transform) {
    case 'CounterMode':
      return new CounterMode(keys, protocol, protocol === 'RTP' ? tagLength.rtp : tagLength.rtcp)
    case 'GaloisCounterMode':
      return new GaloisCounterMode(keys, protocol)
  }
}
