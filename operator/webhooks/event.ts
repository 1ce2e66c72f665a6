/** The identity of an event. It is computed, never stored first, so that one that is told again after a crash has the same. */
import { createHash } from 'node:crypto'

/** The `webhook-id` of the transition number `sequence` of the probe `uid`: the same for every webhook and every attempt. */
export function eventId(uid: string, sequence: number): string {
  return `evt_${createHash('sha256').update(`${uid}/${sequence}`).digest('hex').slice(0, 32)}`
}
