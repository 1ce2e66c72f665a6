/** The ServiceAccount that the chart gives the operator, for an operator that is a process of the test: it may do what it may in a pod, and no more. */
import { parseAllDocuments } from 'yaml'
import type { Cluster } from './cluster.ts'
import { CHART, openHelm } from './helm.ts'

export interface OperatorAccount {
  /** In its namespace. */
  readonly name: string
  readonly namespace: string
  /** Path of a file, with a token for an hour. */
  readonly kubeconfig: string
}

/** What of the chart says who may do what. */
const RIGHTS = /^(ServiceAccount|(Cluster)?Role(Binding)?|ValidatingAdmissionPolicy(Binding)?)$/

/** What of the operator's configuration decides which rights it needs. */
interface Needs {
  /** That of the operator, which is there. */
  readonly namespace?: string
  readonly scope?: 'Cluster' | 'Namespaced'
  /** Of who asks its API. */
  readonly authentication?: 'Kubernetes' | 'None'
}

export async function operatorAccount(
  cluster: Cluster,
  { namespace = 'default', scope = 'Cluster', authentication = 'None' }: Needs = {},
): Promise<OperatorAccount> {
  using helm = await openHelm()
  const values = `scope=${scope},api.authentication=${authentication}`
  const words = [`--namespace=${namespace}`, '--kube-version=1.33', `--set=${values}`]
  const rendered = parseAllDocuments(await helm.run('template', 'ringcheck', CHART, ...words))
  const rights = rendered.filter((document) => RIGHTS.test(String(document.get('kind')))).join('')
  await cluster.kubectl.with(rights, 'apply', `--namespace=${namespace}`, '--filename', '-')
  const account = { namespace, name: 'ringcheck' }
  return { ...account, kubeconfig: await cluster.kubeconfigOf(account) }
}
