/** Tells the collector what this process is like: nearly all it makes is of a call and dies with it, also when a busy moment made it live longer. */
import { setFlagsFromString } from 'node:v8'

/**
 * For processes that carry calls, before they do. V8 notes where objects are made that live long, and makes later ones of that kind in the
 * space that is collected seldom. One stop of some hundred milliseconds makes that true of everything in a call; from then on all of it is
 * collected late, and each dead call keeps alive what it points to. Measured: five times as long in minor collections, for the rest of
 * the process's life.
 */
export function expectShortLives(): void {
  setFlagsFromString('--no-allocation-site-pretenuring')
}
