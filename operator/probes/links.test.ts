import { expect, test } from 'vitest'
import { statusPage } from '../../crds/statuspage.ts'
import { linksOf } from './links.ts'

const trunk = { namespace: 'default', name: 'trunk' }

function page(name: string, probe: string, slug?: string) {
  const spec = {
    title: 'T',
    components: [{ name: 'c', probeRef: { name: probe } }],
    ...(slug !== undefined && { slug }),
  }
  const head = { apiVersion: 'ringcheck.dev/v1alpha1', kind: 'StatusPage', metadata: { name, namespace: 'default' } }
  const resource = statusPage.schema.parse({ ...head, spec })
  return { ...resource, metadata: { ...resource.metadata, uid: 'u', generation: 1 } }
}

const pages = [page('second', 'trunk'), page('first', 'trunk', 'phones'), page('other', 'desk')]

test('an address that the configuration does not name is absent', () => {
  expect(linksOf(trunk, pages, {})).toEqual({})
  expect(linksOf(trunk, [page('other', 'desk')], { publicUrl: 'https://status.example.com' })).toEqual({})
})

test('a probe has its dashboard, and the first page that shows it', () => {
  const addresses = { publicUrl: 'https://status.example.com/', dashboardUrl: 'https://ops.example.com/ringcheck' }
  expect(linksOf(trunk, pages, addresses)).toEqual({
    dashboard: 'https://ops.example.com/ringcheck/probes/default/trunk',
    statusPage: 'https://status.example.com/status/default/phones',
  })
})
