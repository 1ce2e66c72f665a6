/** Looks at whole files for the command line: what does not parse, what is there twice, and what will not work together. */
import { readFile } from 'node:fs/promises'
import { parseDocuments } from './parse.ts'
import type { Parsed, Problem } from './parse.ts'

/** Something that is allowed and probably not meant. */
export interface Warning {
  readonly file: string
  readonly line: number
  /** `SipProbe default/office` */
  readonly resource: string
  readonly message: string
}

export interface Validation {
  readonly resources: readonly Parsed[]
  readonly problems: readonly Problem[]
  readonly warnings: readonly Warning[]
}

/** Reads files that may be missing or broken; each such thing is a problem, never an exception. */
export async function validateFiles(paths: readonly string[]): Promise<Validation> {
  const resources: Parsed[] = []
  const problems: Problem[] = []
  for (const path of paths) {
    const content = await readFile(path).catch((cause: NodeJS.ErrnoException) => cause)
    if (content instanceof Error) {
      problems.push({
        file: path,
        line: 1,
        column: 1,
        field: '',
        message: `cannot be read: ${content.code ?? 'unknown error'}`,
      })
      continue
    }
    const parsed = parseDocuments(content, path)
    resources.push(...parsed.resources)
    problems.push(...parsed.problems)
  }
  return { resources, problems: [...problems, ...duplicates(resources)], warnings: warnings(resources) }
}

/** `FILE:LINE:COLUMN: FIELD: MESSAGE`, or without FIELD where it is about the whole document. */
export function problemLine({ file, line, column, field, message }: Problem): string {
  return `${file}:${line}:${column}: ${field === '' ? '' : `${field}: `}${message}`
}

function nameOf({ resource }: Parsed): string {
  return `${resource.kind} ${resource.metadata.namespace}/${resource.metadata.name}`
}

/** The same object declared more than once: which one would be in force is nobody's guess. */
export function duplicates(resources: readonly Parsed[]): Problem[] {
  const first = new Map<string, Parsed>()
  const problems: Problem[] = []
  for (const parsed of resources) {
    const name = nameOf(parsed)
    const before = first.get(name)
    if (!before) first.set(name, parsed)
    else {
      const message = `${name} is declared before, at ${before.file}:${before.line}`
      problems.push({ file: parsed.file, line: parsed.line, column: 1, field: 'metadata.name', message })
    }
  }
  return problems
}

/** What is valid by itself and will not do what was meant, judged by the resources that are there. */
export function warnings(resources: readonly Parsed[]): Warning[] {
  const byName = new Map(resources.map((parsed) => [nameOf(parsed), parsed]))
  return resources.flatMap((parsed) =>
    messagesOf(
      parsed,
      (kind, name) => byName.get(`${kind} ${parsed.resource.metadata.namespace}/${name}`)?.resource,
    ).map((message) => ({ file: parsed.file, line: parsed.line, resource: nameOf(parsed), message })),
  )
}

type Found = Parsed['resource'] | undefined
type Find = (kind: string, name: string) => Found

function messagesOf({ resource }: Parsed, find: Find): string[] {
  switch (resource.kind) {
    case 'SipProbe':
      return [
        ...(resource.spec.webhooks.length === 0 ? ['has no webhooks: nobody is told when its health changes'] : []),
        ...registrarMessages(resource.spec.registrarRef.name, resource.spec.account, find),
      ]
    case 'SipLoadTest':
      return resource.spec.groups.flatMap(({ registrarRef }) => registrarMessages(registrarRef.name, undefined, find))
    case 'SipLoadTestRun':
      return find('SipLoadTest', resource.spec.testRef.name)
        ? []
        : [`SipLoadTest ${resource.spec.testRef.name} is not in these files`]
    case 'SipRegistrar':
      return resource.spec.accounts.flatMap(({ passwordRef }) =>
        passwordRef === undefined ? [] : secretMessages(passwordRef, find),
      )
    case 'StatusPage':
      return resource.spec.components.flatMap(({ probeRef }) =>
        find('SipProbe', probeRef.name) ? [] : [`SipProbe ${probeRef.name} is not in these files`],
      )
    case 'Secret':
    case 'ConfigMap':
      return []
  }
}

function registrarMessages(name: string, account: string | undefined, find: Find): string[] {
  const registrar = find('SipRegistrar', name)
  if (registrar?.kind !== 'SipRegistrar') return [`SipRegistrar ${name} is not in these files`]
  const { accounts, accountsRef } = registrar.spec
  const isThere =
    account === undefined || accountsRef !== undefined || accounts.some(({ username }) => username === account)
  return isThere ? [] : [`SipRegistrar ${name} has no account ${account}`]
}

function secretMessages({ name, key }: { name: string; key: string }, find: Find): string[] {
  const secret = find('Secret', name)
  // Secrets are often kept elsewhere: one that is absent is no warning.
  if (secret?.kind !== 'Secret' || Object.hasOwn(secret.data, key)) return []
  return [`Secret ${name} has no key ${key}`]
}
