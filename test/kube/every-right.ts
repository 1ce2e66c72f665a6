/** Objects for which the operator needs each right that it has: audio, accounts, a page, a declaration that only it can refuse, and agents that come and go. */
import { wave } from '../../agent/media/source/wave.fixture.ts'

/** Their probe calls a trunk that is dead. @param locations of the probe; default: its own */
export function everyRight(
  namespace: string,
  trunk: { domain: string; port: number },
  locations: readonly string[] = ['default'],
): object[] {
  const ours = (kind: string, name: string, spec: object) => ({
    ...{ apiVersion: 'ringcheck.dev/v1alpha1', kind, metadata: { namespace, name } },
    spec,
  })
  const hello = wave(Buffer.alloc(8000)).toString('base64')
  const audio = { source: { fileRef: { name: 'sounds', key: 'hello.wav' } } }
  const group = {
    name: 'callers',
    endpoints: 1,
    registrarRef: { name: 'trunk' },
    target: { uri: 'sip:echo@localhost' },
  }
  return [
    {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { namespace, name: 'sounds' },
      binaryData: { 'hello.wav': hello },
    },
    {
      ...{ apiVersion: 'v1', kind: 'Secret', metadata: { namespace, name: 'accounts' } },
      stringData: { 'accounts.csv': 'caller,password' },
    },
    ours('SipRegistrar', 'trunk', { ...trunk, accountsRef: { name: 'accounts', key: 'accounts.csv' } }),
    ours('SipProbe', 'trunk', {
      ...{ registrarRef: { name: 'trunk' }, target: 'sip:echo@localhost', media: { audio } },
      ...{ schedule: { interval: '10s' }, callDuration: '3s', locations: locations.map((name) => ({ name })) },
    }),
    ours('StatusPage', 'lines', { title: 'Lines', components: [{ name: 'Trunk', probeRef: { name: 'trunk' } }] }),
    ours('SipLoadTest', 'impossible', {
      ...{ groups: [group], duration: '1m', ramp: { over: '30s' } },
      schedule: { cron: '0 2 * * *', timeZone: 'Mars/Olympus' },
    }),
  ]
}
