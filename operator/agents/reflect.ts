/** The part of the metadata-reflection proposal without which @peculiar/x509 refuses to load; imported for its effect, before it, and by nobody else. */

type Metadata = Map<unknown, unknown>
const known = new WeakMap<object, Metadata>()

function own(target: object): Metadata {
  const found = known.get(target) ?? new Map()
  known.set(target, found)
  return found
}

function inherited(key: unknown, target: object | null): unknown {
  if (target === null) return undefined
  return own(target).has(key) ? own(target).get(key) : inherited(key, Object.getPrototypeOf(target) as object | null)
}

const missing = {
  getMetadata: (key: unknown, target: object) => inherited(key, target),
  getOwnMetadata: (key: unknown, target: object) => own(target).get(key),
  defineMetadata: (key: unknown, value: unknown, target: object) => void own(target).set(key, value),
}

// A complete polyfill that somebody else loaded stays in force.
if (!('getMetadata' in Reflect)) Object.assign(Reflect, missing)
