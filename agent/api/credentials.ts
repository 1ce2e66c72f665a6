/** With what an agent and the operator show who they are, and the folder where a mounted Secret brings it. It makes none. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Clock } from '../../lib/clock.ts'
import type { Log } from '../../lib/log.ts'

/** PEM. */
export interface Credentials {
  /** Ours. */
  key: string
  certificate: string
  /** The authorities whose certificates the other side may have; several while one follows another. */
  ca: string
}

export interface CredentialsFolder extends AsyncDisposable {
  readonly present: Credentials
  /** Looks at the folder every 10 s. What cannot be used is reported, and what was there before stays in force. */
  watch(use: (fresh: Credentials) => void): void
}

/** Those of a Secret of the type kubernetes.io/tls, and what cert-manager writes beside them. */
const FILES = { key: 'tls.key', certificate: 'tls.crt', ca: 'ca.crt' } as const

/** The kubelet brings a changed Secret within about a minute; three small files cost nothing. */
const LOOK_EVERY = 10_000

/** @throws Error that names the file which cannot be read */
export async function openCredentials(folder: string, clock: Clock, log: Log): Promise<CredentialsFolder> {
  let present = await read(folder)
  let looking: Promise<void> = Promise.resolve()
  const stack = new DisposableStack()
  let timer: Disposable | undefined
  stack.defer(() => timer?.[Symbol.dispose]())

  const look = async (use: (fresh: Credentials) => void): Promise<void> => {
    try {
      const fresh = await read(folder)
      if (same(fresh, present)) return
      use(fresh)
      present = fresh
      log.info({ folder }, 'the certificate has changed')
    } catch (error) {
      // While files are being replaced, key and certificate may not fit.
      log.warn({ error, folder }, 'the certificate cannot be used, the one before stays')
    }
  }
  const watch: CredentialsFolder['watch'] = (use) => {
    timer = clock.timer(LOOK_EVERY, () => {
      looking = look(use).finally(() => void (stack.disposed || watch(use)))
    })
  }
  return {
    get present() {
      return present
    },
    watch,
    async [Symbol.asyncDispose]() {
      stack.dispose()
      await looking
    },
  }
}

async function read(folder: string): Promise<Credentials> {
  const [key, certificate, ca] = await Promise.all([
    readFile(join(folder, FILES.key), 'utf8'),
    readFile(join(folder, FILES.certificate), 'utf8'),
    readFile(join(folder, FILES.ca), 'utf8'),
  ])
  return { key, certificate, ca }
}

const same = (left: Credentials, right: Credentials): boolean =>
  left.key === right.key && left.certificate === right.certificate && left.ca === right.ca
