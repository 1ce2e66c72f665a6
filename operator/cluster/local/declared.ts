/** What the files of a folder declare, with the last good version of what is broken now. Pure: texts in, objects and problems out. */
import { parseDocuments } from '../../../crds/index.ts'
import type { Parsed, ParseResult, Problem } from '../../../crds/index.ts'
import type { FileContent } from './folder.ts'

/** One file as it was read last. */
export interface FileState {
  /** In force: what it holds, and what it held before it broke. In the order of the file. */
  readonly resources: readonly Parsed[]
  readonly problems: readonly Problem[]
}

export type Files = ReadonlyMap<string, FileState>

/** `SipProbe default/echo` */
export const nameOf = ({ resource: { kind, metadata } }: Parsed): string =>
  `${kind} ${metadata.namespace}/${metadata.name}`

/** A file without a problem says all there is. In a broken one, what is not readable now stays as it was. */
export function readState(path: string, content: FileContent, before: FileState | undefined): FileState {
  const parsed: ParseResult =
    content.kind === 'Bytes'
      ? parseDocuments(content.bytes, path)
      : { resources: [], problems: [unreadable(path, content)] }
  if (parsed.problems.length === 0) return parsed
  const now = new Set(parsed.resources.map(nameOf))
  const kept = (before?.resources ?? []).filter((declared) => !now.has(nameOf(declared)))
  return { resources: [...parsed.resources, ...kept], problems: parsed.problems }
}

function unreadable(file: string, { message }: Extract<FileContent, { kind: 'Unreadable' }>): Problem {
  return { file, line: 1, column: 1, field: '', message }
}

/** All objects by name, and all problems. Of two with the same name the first counts, in the order of paths and lines. */
export function combine(files: Files): { objects: ReadonlyMap<string, Parsed>; problems: readonly Problem[] } {
  const objects = new Map<string, Parsed>()
  const problems: Problem[] = []
  for (const path of [...files.keys()].toSorted()) {
    const state = files.get(path)
    problems.push(...(state?.problems ?? []))
    for (const declared of state?.resources ?? []) {
      const name = nameOf(declared)
      const first = objects.get(name)
      if (!first) objects.set(name, declared)
      else problems.push(twice(name, first, declared))
    }
  }
  return { objects, problems }
}

function twice(name: string, first: Parsed, second: Parsed): Problem {
  const message = `${name} is declared in ${first.file}:${first.line} already: that one counts`
  return { file: second.file, line: second.line, column: 1, field: 'metadata.name', message }
}
